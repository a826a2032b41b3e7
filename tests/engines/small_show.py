"""A show in small: the control plane and the inboxes of a worker's neighbours, in this process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ipc.config import Config
from ipc.control import ControlServer
from ipc.endpoints import Endpoints
from ipc.events import EventHub
from ipc.load import encode_config
from ipc.pipeline import Inbox, Outbox
from ipc.protocol import Cancel, Command, CommandResult, Drain, Message, Peer, Ready, Welcome
from ipc.states import WorkerState

REPO = Path(__file__).resolve().parents[2]


class Heard:
    """Messages as they come in; ``until`` waits for the one wanted."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.payloads: list[bytes] = []
        self._changed = asyncio.Event()

    def take(self, message: Message, payload: bytes = b"") -> None:
        self.messages.append(message)
        self.payloads.append(payload)
        self._changed.set()

    async def until(self, wanted: Callable[[Any], bool], within_s: float = 60.0) -> Any:
        async with asyncio.timeout(within_s):
            while True:
                for message in self.messages:
                    if wanted(message):
                        return message
                self._changed.clear()
                await self._changed.wait()

    def of(self, kind: type) -> list[Any]:
        return [m for m in self.messages if isinstance(m, kind)]


class SmallShow:
    """One real worker process between a control server and two inboxes."""

    def __init__(self, directory: Path, config: Config) -> None:
        self.directory = directory
        self.config = config
        self.endpoints = Endpoints(directory / "s")
        self.endpoints.directory.mkdir(mode=0o700)
        self.control = Heard()
        self.director = Heard()
        self.stage = Heard()
        self.events = Heard()
        self._server = ControlServer(self.endpoints, lambda _n, _i, m: self.control.take(m))
        self._hub = EventHub(self.endpoints, self.events.take)
        self._inboxes = [
            Inbox(self.endpoints, "director", self.director.take),
            Inbox(self.endpoints, "stage", self.stage.take),
        ]
        self._outbox = Outbox(self.endpoints)
        self._name = ""
        self._incarnation = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, name: str, *, fence: int = 0) -> Ready:
        """Spawn the worker and wait until it is ready."""
        self._name = name
        self._incarnation += 1
        self.control.messages.clear()
        environment = {
            **os.environ,
            "SPARK_VTUBER_DIRECTORY": str(self.endpoints.directory),
            "SPARK_VTUBER_INCARNATION": str(self._incarnation),
            "SPARK_VTUBER_SUPERVISOR": str(os.getpid()),
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"workers.{name}", cwd=REPO, env=environment
        )
        await self.control.until(lambda m: type(m).__name__ == "Hello")
        peers = [
            Peer(name=peer, state=WorkerState.READY, incarnation=1)
            for peer in ("director", "stage")
        ]
        self.order(
            Welcome(
                config=encode_config(self.config),
                state_dir=str(self.directory / "state"),
                fence=fence,
                peers=peers,
            )
        )
        ready = await self.control.until(lambda m: type(m).__name__ in {"Ready", "Failing"})
        assert isinstance(ready, Ready), ready
        return ready

    def send(self, message: Message) -> None:
        assert self._outbox.send(self._name, message)

    def order(self, message: Message) -> None:
        """On the control plane."""
        self._server.send(self._name, self._incarnation, message)

    async def cancel(self, turn: int) -> None:
        """Fence one turn and wait until the worker has acknowledged it."""
        self.order(Cancel(turn=turn, id=1000 + turn))
        await self.control.until(lambda m: getattr(m, "id", 0) == 1000 + turn)

    async def command(self, verb: str, **args: str) -> CommandResult:
        number = 5000 + len(self.control.messages)
        self.order(
            Command(id=number, verb=verb, args=args, who="test", sent_ns=time.monotonic_ns())
        )
        result = await self.control.until(lambda m: isinstance(m, CommandResult) and m.id == number)
        assert isinstance(result, CommandResult)
        return result

    async def drain(self) -> int:
        """Drain and wait for the exit code."""
        assert self._process is not None
        self.order(Drain(deadline_ns=time.monotonic_ns() + 10_000_000_000))
        return await self._process.wait()

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        return await self._process.wait()

    async def close(self) -> None:
        if self._process is not None:
            await self.kill()
        self._server.close()
        self._hub.close()
        for inbox in self._inboxes:
            inbox.close()
        self._outbox.close()


MakeShow = Callable[[Config], SmallShow]
