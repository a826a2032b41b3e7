"""A live view of a show from outside: snapshot, then stream, mended whenever it breaks.

The only way ``tui`` sees a show. Knows nothing of screens: the command line uses it too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ipc.codec import decode
from ipc.endpoints import Endpoints, running_pid
from ipc.errors import NoShowRunning, SparkError
from ipc.events import EventStream
from ipc.operator import OperatorClient
from ipc.protocol import Event, Message, Snapshot

WATCH_S = 1.0  # how often the supervisor's lock is looked at
_HELD_BACK = 20_000  # stream events kept while a snapshot is under way; more make a new gap


def _ignore(_: Any) -> None:
    """For callbacks nobody asked for."""


class ShowClient:
    """Follows one show. An async context manager: entering raises NoShowRunning or
    RequestTimeout, and returns once the first snapshot was applied.

    ``on_reset(snapshot)`` says "forget everything", and the snapshot's events follow through
    ``on_event(event)``, then the stream. A missing sequence number, a restarted supervisor or
    a subscription that came too late lead to another reset. ``on_lost()`` says that the
    supervisor is gone; when one comes back, ``on_reset`` follows.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        on_event: Callable[[Message], None] = _ignore,
        on_reset: Callable[[Snapshot], None] = _ignore,
        on_lost: Callable[[], None] = lambda: None,
        readonly: bool = False,
        who: str = "",
        watch_s: float = WATCH_S,
    ) -> None:
        self.endpoints = endpoints
        self.readonly = readonly
        self.snapshot: Snapshot | None = None
        self.alive = False
        self.resets = 0
        self._on_event = on_event
        self._on_reset = on_reset
        self._on_lost = on_lost
        self._who = who
        self._watch_s = watch_s
        self._pid = 0
        self._lost_note = b""
        self._gap = False
        self._seen: dict[str, int] = {}
        self._base: dict[str, int] = {}
        self._held_back: deque[tuple[str, int, Message]] | None = None
        self._wanted = asyncio.Event()  # a snapshot is needed
        self._tasks: list[asyncio.Task[None]] = []
        self._operator: OperatorClient
        self._stream: EventStream

    async def __aenter__(self) -> Self:
        self._pid = running_pid(self.endpoints)
        self._operator = OperatorClient(self.endpoints, readonly=self.readonly, who=self._who)
        self._stream = EventStream(self.endpoints, self._take)
        try:
            await self._synchronise()
        except BaseException:
            self._close_sockets()
            raise
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._mend(), name="show client: mend"),
            loop.create_task(self._watch(), name="show client: watch"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._close_sockets()

    @property
    def epoch(self) -> str:
        """Changes with every supervisor process; empty before the first snapshot."""
        return self.snapshot.epoch if self.snapshot else ""

    async def request(self, verb: str, timeout_s: float | None = None, **args: Any) -> Any:
        """The verb's result. Raises RequestFailed, RequestTimeout, or NoShowRunning at once
        when the supervisor is known to be gone."""
        if not self.alive and not self._pid:
            raise NoShowRunning("the show has ended", "start it again with: spark-tui")
        return await self._operator.request(verb, timeout_s, **args)

    def resynchronise(self) -> None:
        """Ask for a snapshot soon; several wishes become one."""
        self._wanted.set()

    # --- stream ---

    def _take(self, topic: str, sequence: int, event: Message) -> None:
        if self._held_back is not None:
            if len(self._held_back) < _HELD_BACK:
                self._held_back.append((topic, sequence, event))
            return
        if sequence <= self._base.get(topic, 0):
            return  # the snapshot had it
        expected = self._seen.get(topic, 0) + 1
        self._seen[topic] = sequence
        if sequence != expected:
            self._gap = True
            self.resynchronise()
        self._on_event(event)

    # --- snapshots ---

    async def _synchronise(self) -> None:
        """One snapshot. Stream events wait meanwhile, and what it contains is dropped."""
        self._held_back = deque()
        try:
            answer = await self._operator.request("snapshot")
            snapshot: Snapshot = decode(Snapshot, answer["snapshot"])
            if self._missed(snapshot):
                self._apply(snapshot)
            self.alive = True
        finally:
            held_back, self._held_back = self._held_back, None
            for topic, sequence, event in held_back:
                self._take(topic, sequence, event)

    def _missed(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot knows something the stream has not brought."""
        if not self.alive or snapshot.epoch != self.epoch or self._gap:
            return True
        have = dict(self._seen)
        for topic, sequence, _ in self._held_back or ():
            if sequence != have.get(topic, 0) + 1:
                return True
            have[topic] = sequence
        return any(last > have.get(topic, 0) for topic, last in snapshot.sequences.items())

    def _apply(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.resets += 1
        self._gap = False
        self._base = dict(snapshot.sequences)
        self._seen = dict(snapshot.sequences)
        self._on_reset(snapshot)
        for body in snapshot.events:
            self._on_event(decode(Event, body))

    async def _mend(self) -> None:
        """Takes snapshots, one at a time, whenever somebody wants one."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._synchronise()
            except SparkError:
                # late or refused: ask again with the next look at the lock
                await asyncio.sleep(self._watch_s)
                if self._pid:
                    self._wanted.set()

    async def _watch(self) -> None:
        """Looks whether the supervisor still holds its lock, and whether it is the same one."""
        check = True  # a subscription travels; what was said before it arrived is missing
        while True:
            await asyncio.sleep(self._watch_s)
            pid = self._holder()
            if pid == self._pid:
                if check and pid:
                    check = False
                    self.resynchronise()
                continue
            self._pid = pid
            self.alive = False
            if pid:
                check = True
                self.resynchronise()
            else:
                self._on_lost()

    def _holder(self) -> int:
        """Pid of the supervisor, 0 if there is none.

        Probing a free lock takes it for an instant, which could make a supervisor that is
        just starting believe another one runs. So a lost show is watched by what its lock
        file says, and probed only after that has changed.
        """
        note = self._note()
        if not self._pid and note == self._lost_note:
            return 0
        try:
            return running_pid(self.endpoints)
        except NoShowRunning:
            self._lost_note = note
            return 0

    def _note(self) -> bytes:
        with suppress(OSError):
            return (self.endpoints.directory / "lock").read_bytes()
        return b""

    def _close_sockets(self) -> None:
        self._stream.close()
        self._operator.close()
