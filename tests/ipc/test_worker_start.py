"""ipc: nothing of the control plane is lost between Welcome and the worker's first step."""

import asyncio
import signal
import tempfile
from pathlib import Path

from ipc.config import Config
from ipc.control import ControlServer
from ipc.endpoints import Endpoints
from ipc.load import encode_config
from ipc.protocol import Ack, Cancel, Hello, Message, Peer, Welcome
from ipc.states import WorkerState
from workers.runtime import Link, Worker
from workers.runtime.serve import _Incarnation


class Probe(Worker):
    """Notes what it knows once it is loaded."""

    name = "chat"
    links: list[Link] = []  # noqa: RUF012  # where the test finds it

    async def load(self) -> dict[str, str]:
        self.links.append(self.link)
        return {}

    def receive(self, message: Message, payload: bytes) -> None:
        """Nothing is sent to it."""


async def test_what_comes_together_with_welcome_is_acted_on():
    """A peer that became ready at that moment was taken for "starting" ever after."""
    heard: asyncio.Queue[Message] = asyncio.Queue()
    interrupt = signal.getsignal(signal.SIGINT)
    with tempfile.TemporaryDirectory(prefix="sv", dir="/tmp") as directory:
        endpoints = Endpoints(Path(directory))
        server = ControlServer(endpoints, lambda _name, _number, m: heard.put_nowait(m))
        incarnation = _Incarnation(Probe, endpoints, 1)
        life = asyncio.create_task(incarnation.run())
        try:
            assert isinstance(await heard.get(), Hello)
            for message in (  # as one batch of the socket: no step of ``run`` lies between
                Welcome(
                    config=encode_config(Config()),
                    state_dir=directory,
                    fence=3,
                    peers=[Peer(name="stage", state=WorkerState.STARTING, incarnation=1)],
                ),
                Peer(name="stage", state=WorkerState.READY, incarnation=1),
                Cancel(turn=5, up_to=True, id=9),
            ):
                incarnation._on_control(message)
            while not isinstance(message := await heard.get(), Ack):
                pass
            assert message.id == 9
            while not Probe.links:
                await heard.get()
            link = Probe.links.pop()
            assert link.serves("stage")
            assert not link.fence.allows(5)
            incarnation._end(0)
            assert await life == 0
        finally:
            server.close()
            signal.signal(signal.SIGINT, interrupt)
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
