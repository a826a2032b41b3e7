"""A worker's connection to the show: configuration, sockets, fence, work accounting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ipc.config import Config
from ipc.control import ControlClient
from ipc.endpoints import Endpoints
from ipc.events import EventSource
from ipc.fence import Fence
from ipc.pipeline import Outbox
from ipc.protocol import (
    Beat,
    Cancel,
    Loading,
    Message,
    NoticeEvent,
    Peer,
    TurnOpened,
)
from ipc.states import WorkerState


class Link:
    """Handed to every worker. Owned and closed by ``serve``."""

    def __init__(
        self,
        name: str,
        endpoints: Endpoints,
        control: ControlClient,
        config: Config,
        state_dir: Path,
        fence: Fence,
        peers: list[Peer],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self.name = name
        self.config = config
        self.state_dir = state_dir
        self.fence = fence
        self.peers = {peer.name: peer for peer in peers}
        self.endpoints = endpoints  # for a worker that watches the show
        self.details: dict[str, str] = {}  # not empty: takes the place of what load returned
        self.problem = ""  # a sentence: the worker serves, but misses something (degraded)
        self.show_ends = False  # known from Drain on
        self._control = control
        self._outbox = Outbox(endpoints)
        self._events = EventSource(endpoints)
        self._on_crash = on_crash
        self._tasks: set[asyncio.Task[Any]] = set()
        self._busy = 0
        self._busy_until_ns = 0
        self._progress = 0

    # --- sending ---

    def send(self, worker: str, message: Message, payload: bytes = b"") -> bool:
        """A pipeline message. False if its inbox has not taken the last 1024."""
        return self._outbox.send(worker, message, payload)

    def publish(self, event: Message) -> None:
        """An event for whoever looks. Lossy."""
        self._events.publish(event)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        """A sentence for the operator. ``level``: info, warning, error."""
        self.publish(
            NoticeEvent(level=level, source=self.name, text=text, hint=hint, at=time.time())
        )

    def loading(self, text: str, fraction: float | None = None) -> None:
        """How far loading has come."""
        self._control.send(Loading(text=text, fraction=fraction))

    def cancel(self, turn: int, *, up_to: bool = False, reason: str = "") -> None:
        """Fence turns in every process of the show, here at once."""
        cancel = Cancel(turn=turn, up_to=up_to, reason=reason)
        self.fence.apply(cancel)
        self._control.send(cancel)

    def open_turn(self, turn: int) -> None:
        """Tell the supervisor that this number is taken, before anybody else hears of it."""
        self._control.send(TurnOpened(turn=turn))

    def serves(self, worker: str) -> bool:
        """Whether work may be sent to that worker now."""
        peer = self.peers.get(worker)
        return peer is not None and peer.state.serves

    def state_of(self, worker: str) -> WorkerState:
        peer = self.peers.get(worker)
        return peer.state if peer is not None else WorkerState.DISABLED

    # --- work accounting: what makes a hang visible ---

    @contextmanager
    def working(self, at_most_s: float = 0.0) -> Iterator[None]:
        """Busy while inside. Progress must be made unless ``at_most_s`` of quiet is declared."""
        self._busy += 1
        if at_most_s:
            self._busy_until_ns = max(
                self._busy_until_ns, time.monotonic_ns() + int(at_most_s * 1e9)
            )
        try:
            yield
        finally:
            self._busy -= 1
            self._progress += 1

    def progressed(self) -> None:
        """A piece of work was done."""
        self._progress += 1

    def beat(self, dropped_frames: int) -> Beat:
        """The heartbeat as of now."""
        return Beat(
            progress=self._progress,
            busy=self._busy > 0,
            busy_until_ns=self._busy_until_ns,
            problem=self.problem,
            dropped_frames=dropped_frames,
            dropped_events=self._events.dropped,
            details=self.details,
        )

    # --- tasks ---

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """A task that ends with the worker; if it raises, the worker crashes."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self.name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_crash(error)

    def peer_changed(self, peer: Peer) -> None:
        """Called by ``serve`` before the worker is told."""
        before = self.peers.get(peer.name)
        if before is not None and before.incarnation != peer.incarnation:
            self._outbox.forget(peer.name)
        self.peers[peer.name] = peer

    async def close(self) -> None:
        """Cancel and await every task, then close the sockets."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._outbox.close(linger_ms=200)
        self._events.close()
