"""The life of one worker: admitted, spawned, watched, ended, started again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ipc.config import SupervisorSection, WorkerSection
from ipc.errors import EXIT_CONFIG
from ipc.protocol import Ack, Beat, Drain, Failing, Loading, Message, Ready, WorkerEvent
from ipc.states import WorkerState
from workers.supervisor import machine
from workers.supervisor.journal import Journal
from workers.supervisor.liveness import Liveness
from workers.supervisor.machine import Event
from workers.supervisor.policy import RestartPolicy
from workers.supervisor.process import Process, describe_exit

_STACKS_S = 0.3  # for faulthandler to write its stacks into the log
_LINGER_S = 0.25  # between Drained and the exit


class Host(Protocol):
    """What a unit needs of the service around it."""

    def spawn(self, unit: Unit, on_exit: Callable[[], None]) -> Process: ...
    def blocker(self, unit: Unit) -> str: ...
    def send(self, unit: Unit, message: Message) -> None: ...
    def changed(self, unit: Unit) -> None: ...
    def progressed(self, unit: Unit) -> None: ...
    def lost(self, unit: Unit) -> None: ...
    async def clear(self, unit: Unit, pid: int) -> None: ...


@dataclass(frozen=True)
class Order:
    """Why and how a living incarnation is to end."""

    reason: str
    drain_s: float  # 0: no draining, signals at once
    failure: bool = False  # it hangs: counts as a crash


class Unit:
    """One worker. ``run`` is its life; everything else may be called at any time."""

    def __init__(
        self,
        name: str,
        section: WorkerSection,
        settings: SupervisorSection,
        host: Host,
        journal: Journal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.section = section
        self.journal = journal
        self._settings = settings
        self._host = host
        self._clock = clock
        self._policy = RestartPolicy(
            section.restart_limit,
            section.restart_window_s,
            settings.backoff_base_s,
            settings.backoff_max_s,
            settings.stable_s,
        )
        self.state = WorkerState.WAITING if section.enabled else WorkerState.DISABLED
        self.reason = "" if section.enabled else "switched off in the configuration"
        self.hint = ""  # the mend its last failure named
        self.incarnation = 0
        self.connected = False  # Hello was answered and the process has not ended
        self.progress = ""
        self.fraction: float | None = None
        self.details: dict[str, str] = {}
        self.memory_mb = 0.0
        self.cpu_percent = 0.0
        self.dropped_frames = 0
        self.dropped_events = 0
        self.not_before = 0.0  # shed: do not come back at once
        self._retry_at = 0.0
        self._process: Process | None = None
        self._liveness: Liveness | None = None
        self._failing: Failing | None = None
        self._order: asyncio.Future[Order] | None = None
        self._poked = asyncio.Event()
        self._ending = False
        self.ended = asyncio.Event()  # ``run`` is over and no process is left

    # --- what others may ask ---

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def restarts(self) -> int:
        return max(0, self.incarnation - 1)

    @property
    def retry_in_s(self) -> float:
        if self.state is not WorkerState.BACKOFF:
            return 0.0
        return max(0.0, self._retry_at - self._clock())

    @property
    def reachable(self) -> bool:
        """Whether a Command may be sent to it."""
        return self.state.serves and self.connected

    @property
    def settled(self) -> bool:
        """Whether others need not wait for it any longer; a shed one may stay away for long."""
        return self.state.settled or (self.state is WorkerState.WAITING and self.not_before > 0)

    def event(self) -> WorkerEvent:
        """What the screen shows of it now."""
        return WorkerEvent(
            name=self.name,
            state=self.state,
            incarnation=self.incarnation,
            reason=self.reason,
            pid=self.pid,
            restarts=self.restarts,
            progress=self.progress,
            fraction=self.fraction,
            details=self.details,
            retry_in_s=round(self.retry_in_s, 3),
            at=time.time(),
        )

    # --- what others may do ---

    def poke(self) -> None:
        """Something it may be waiting for has changed."""
        self._poked.set()

    def restart(self, reason: str) -> None:
        """Forget its crashes and start it anew, whatever it is in now. DISABLED stays."""
        self._policy.reset()
        self.not_before = 0.0
        if self.state in (WorkerState.BACKOFF, WorkerState.FAILED):
            self._retry_at = 0.0
            self._move(Event.RETRY, reason)
        else:
            self._give(Order(reason, self._settings.drain_s))
        self.poke()

    def stop(self, reason: str) -> None:
        """Drain it; it waits for admission afterwards."""
        self._give(Order(reason, self._settings.drain_s))

    def end(self, drain_s: float) -> None:
        """For good. ``run`` returns when it is gone."""
        self._ending = True
        self._give(Order("the show ends", drain_s))
        self.poke()

    def check(self, now: float) -> None:
        """Look whether it hangs."""
        watched = (WorkerState.STARTING, WorkerState.READY, WorkerState.DEGRADED)
        if self._liveness is not None and self.state in watched:
            wrong = self._liveness.verdict(now)
            if wrong:
                self._give(Order(wrong, 0.0, failure=True))

    def forgive(self, gap_s: float) -> None:
        """The supervisor itself stood still for this long."""
        if self._liveness is not None:
            self._liveness.forgive(gap_s)

    # --- messages of the present incarnation ---

    def hello(self) -> bool:
        """It is there; False if its process has ended meanwhile."""
        self.connected = self._process is not None and not self._process.exited.done()
        return self.connected

    def loading(self, message: Loading) -> None:
        if self.state is WorkerState.STARTING:
            self.progress, self.fraction = message.text, message.fraction
            self._host.progressed(self)

    def loaded(self, message: Ready) -> None:
        if self.state is not WorkerState.STARTING:
            return  # told to stop meanwhile
        now = self._clock()
        assert self._liveness is not None
        self._liveness.loaded(now)
        self._policy.ready(now)
        self.progress, self.fraction, self.details = "", None, message.details
        self._move(Event.LOADED, "")
        self._host.send(self, Ack(id=message.id))

    def beat(self, beat: Beat) -> None:
        if self._liveness is not None:
            self._liveness.beat(self._clock(), beat.progress, beat.busy, beat.busy_until_ns / 1e9)
        self.dropped_frames, self.dropped_events = beat.dropped_frames, beat.dropped_events
        if beat.details and self.state.serves and beat.details != self.details:
            self.details = beat.details
            self._host.progressed(self)
        if beat.problem and self.state is WorkerState.READY:
            self._move(Event.TROUBLE, beat.problem)
        elif beat.problem and self.state is WorkerState.DEGRADED:
            if beat.problem != self.reason:
                self.reason = beat.problem
                self._host.progressed(self)
        elif self.state is WorkerState.DEGRADED:
            self._move(Event.MEND, "")

    def failing(self, message: Failing) -> None:
        self._failing = message

    # --- its life ---

    async def run(self) -> None:
        """Until ``end``."""
        try:
            while self.state is not WorkerState.DISABLED and not self._ending:
                if self.state is WorkerState.WAITING:
                    await self._start()
                elif self.state is WorkerState.BACKOFF:
                    await self._pause(max(0.0, self._retry_at - self._clock()))
                    if self.state is WorkerState.BACKOFF and not self._ending:
                        self._move(Event.RETRY, self.reason)
                else:
                    await self._pause(None)
            if self.state is not WorkerState.DISABLED:
                self._move(Event.RELEASE, "the show ends")
        finally:
            if self._process is not None:  # cancelled: leave nothing behind
                self._process.signal_group(signal.SIGKILL)
            self.ended.set()

    async def _start(self) -> None:
        blocked = self._host.blocker(self)
        if blocked:
            if blocked != self.reason:
                self.reason = blocked
                self._host.changed(self)
            await self._pause(None)
            return
        self._order = asyncio.get_running_loop().create_future()
        self._failing = None
        self.hint = ""
        self.not_before = 0.0
        self.incarnation += 1
        self.details, self.progress, self.fraction = {}, "", None
        try:
            self._process = self._host.spawn(self, self._on_exit)
        except OSError as error:
            self._move(Event.GAVE_UP, f"cannot start {error.filename}: {error.strerror}")
            return
        self.journal.begin(f"incarnation {self.incarnation}, pid {self._process.pid}")
        self._liveness = Liveness(
            self._clock(),
            self.section.load_timeout_s,
            self._settings.beat_timeout_s,
            self._settings.stall_timeout_s,
        )
        self._move(Event.START, "")
        if self._ending:
            self._give(Order("the show ends", 0.0))
        await self._until_gone(self._process, self._order)

    async def _until_gone(self, process: Process, ordered: asyncio.Future[Order]) -> None:
        either: list[asyncio.Future[Any]] = [process.exited, ordered]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        order = None if process.exited.done() else ordered.result()
        if order is not None:
            await self._ladder(process, order)
        await self._host.clear(self, process.pid)
        process.close()
        code = process.exited.result()
        self._process = self._liveness = self._order = None
        self.memory_mb = self.cpu_percent = 0.0
        if self._ending:
            return
        if order is not None and not order.failure:
            self._move(Event.STOPPED, order.reason)
            return
        reason = order.reason if order else self._last_words(code)
        if code == EXIT_CONFIG and order is None:
            self._move(Event.GAVE_UP, reason)
            return
        delay_s = self._policy.crashed(self._clock())
        if delay_s is None:
            limit, window_s = self.section.restart_limit, self.section.restart_window_s
            self._move(
                Event.GAVE_UP, f"gave up after {limit} crashes within {window_s:g} s: {reason}"
            )
        else:
            self._retry_at = self._clock() + delay_s
            self._move(Event.CRASHED, reason)

    async def _ladder(self, process: Process, order: Order) -> None:
        """Drain, SIGTERM to the group, SIGKILL to the group; each only if needed."""
        if order.failure:
            process.signal(signal.SIGUSR1)
            await process.gone_within(_STACKS_S)
        elif order.drain_s > 0 and self.connected:
            deadline_ns = time.monotonic_ns() + int(order.drain_s * 1e9)
            self._move(Event.DRAIN, order.reason)
            self._host.send(self, Drain(deadline_ns=deadline_ns, final=self._ending))
            if await process.gone_within(order.drain_s + _LINGER_S):
                return
        self._move(Event.END, order.reason)
        process.signal_group(signal.SIGTERM)
        if not await process.gone_within(self._settings.term_s):
            process.signal_group(signal.SIGKILL)
            await process.exited

    def _last_words(self, code: int) -> str:
        if self._failing is not None:
            self.hint = self._failing.hint
            return self._failing.error
        said = self.journal.last_words()
        return f"{describe_exit(code)}: {said}" if said else describe_exit(code)

    def _on_exit(self) -> None:
        self.connected = False
        self._host.lost(self)

    def _give(self, order: Order) -> None:
        """An order is for the living incarnation only, and the first one counts."""
        if self._order is not None and not self._order.done():
            self._order.set_result(order)

    async def _pause(self, limit_s: float | None) -> None:
        """Until poked, at most this long."""
        self._poked.clear()
        try:
            async with asyncio.timeout(limit_s):
                await self._poked.wait()
        except TimeoutError:
            return

    def _move(self, event: Event, reason: str) -> None:
        self.state = machine.advance(self.state, event)
        self.reason = reason
        self._host.changed(self)
