"""The supervisor itself: planes, units and clocks wired together. The async shell."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ipc.codec import encode
from ipc.config import AFTER, WORKERS, Config
from ipc.control import ControlServer
from ipc.endpoints import Endpoints
from ipc.events import EventHub
from ipc.load import encode_config
from ipc.operator import Incoming, OperatorServer
from ipc.protocol import (
    Ack,
    Beat,
    Cancel,
    CommandResult,
    Failing,
    Hello,
    Loading,
    Message,
    NoticeEvent,
    Peer,
    Ready,
    ShowEvent,
    Snapshot,
    TraceEvent,
    TurnOpened,
    Welcome,
)
from ipc.states import WorkerState
from workers.supervisor import machine, memory, spawn
from workers.supervisor.archive import Archive
from workers.supervisor.desk import Desk
from workers.supervisor.graph import stop_levels, unsettled
from workers.supervisor.guardian import Guardian
from workers.supervisor.journal import Journal
from workers.supervisor.losses import LOSSES, degraded, show_state
from workers.supervisor.meters import Meters
from workers.supervisor.notify import Notifier
from workers.supervisor.policy import drain_time_s
from workers.supervisor.process import Process
from workers.supervisor.reaper import TOKEN_VARIABLE
from workers.supervisor.relay import Relay
from workers.supervisor.report import memory_row, said_of_show, worker_row
from workers.supervisor.tally import Tally
from workers.supervisor.unit import Unit

_STOP_WITHIN_S = 8.5  # the whole show; ten seconds are promised
_PATIENCE_S = 30.0  # systemd waits this much longer while large models load

Say = Callable[[str], None]


class Supervisor:
    """One show. Make it on the running loop, with the lock held; ``run`` is its life."""

    def __init__(
        self,
        config: Config,
        endpoints: Endpoints,
        state_dir: Path,
        profile: str = "",
        *,
        say: Say = lambda _line: None,
        notifier: Notifier | None = None,
    ) -> None:
        self._config = config
        self._settings = config.supervisor
        self._endpoints = endpoints
        self._state_dir = state_dir
        self._profile = profile
        self._say = say
        self._notifier = notifier
        self._loop = asyncio.get_running_loop()
        self._encoded_config = encode_config(config)
        self._epoch = secrets.token_hex(8)
        self._started_at = time.time()
        self._stop: asyncio.Future[str] = self._loop.create_future()
        self._stopping = False
        self._started = False  # every worker has settled once
        self._show: ShowEvent | None = None
        self._tally = Tally()
        self._archive = Archive(state_dir, self._settings, self.publish)
        self._guardian = Guardian()
        self._events = EventHub(endpoints, self._on_event)
        self._control = ControlServer(endpoints, self._on_control)
        self._operator = OperatorServer(endpoints, self._on_request)
        self._desk = Desk(self, self._operator.reply)
        self.units = {
            name: Unit(
                name,
                config.worker(name),
                self._settings,
                self,
                Journal(state_dir / "logs" / f"{name}.log"),
            )
            for name in WORKERS
        }
        self._relay = Relay(self.units.values(), self.send)
        self._meters = Meters(self._settings, self.units, self.publish, self._on_shed)

    async def run(self) -> None:
        """Start the workers; return when the show was stopped and every one is gone."""
        tasks = [
            self._loop.create_task(unit.run(), name=f"unit {unit.name}")
            for unit in self.units.values()
            if unit.section.enabled
        ]
        clocks = [
            self._loop.create_task(self._tick(), name="tick"),
            self._loop.create_task(self._meters.run(), name="meters"),
        ]
        endings: list[asyncio.Future[Any]] = [
            self._stop,
            *clocks,
            *tasks,
        ]
        try:
            for unit in self.units.values():
                self._events.publish(unit.event())
            self._note_start()
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            broken = [t for t in (*tasks, *clocks) if t.done() and t.exception()]
            self.stop("an error inside the supervisor" if broken else "")
            await self._wind_down()
            for task in broken:
                task.result()
        finally:
            for task in (*tasks, *clocks):
                task.cancel()
            await asyncio.gather(*tasks, *clocks, return_exceptions=True)
            self._close()

    def stop(self, reason: str) -> None:
        """Drain everything and let ``run`` return."""
        if not self._stop.done():
            self._stop.set_result(reason)

    async def _wind_down(self) -> None:
        self._stopping = True
        self._say(f"stopping: {self._stop.result()}")
        if self._notifier:
            self._notifier.stopping()
        deadline = time.monotonic() + _STOP_WITHIN_S
        levels = stop_levels(AFTER)
        for unit in self.units.values():
            if not machine.alive(unit.state):
                unit.end(0.0)
        for after, level in zip(range(len(levels) - 1, -1, -1), levels, strict=True):
            drain_s = drain_time_s(
                deadline - time.monotonic(), after, self._settings.drain_s, self._settings.term_s
            )
            enabled = [self.units[name] for name in level if self.units[name].section.enabled]
            for unit in enabled:
                unit.end(drain_s)
            await asyncio.gather(*(unit.ended.wait() for unit in enabled))

    def _close(self) -> None:
        self._desk.close()
        self._operator.close()
        self._control.close()
        self._events.close()
        self._archive.close()
        for unit in self.units.values():
            unit.journal.close()
        self._meters.close()
        self._guardian.close()
        self._say("stopped")

    # --- what a unit needs (unit.Host) ---

    def spawn(self, unit: Unit, on_exit: Callable[[], None]) -> Process:
        """Start ``python -m workers.NAME``."""
        marks = {
            "SPARK_VTUBER_DIRECTORY": str(self._endpoints.directory),
            "SPARK_VTUBER_INCARNATION": str(unit.incarnation),
            "SPARK_VTUBER_SUPERVISOR": str(os.getpid()),
            "SPARK_VTUBER_WORKER": unit.name,
            TOKEN_VARIABLE: self._guardian.token,
        }
        python = unit.section.python
        env = spawn.environment(os.environ, unit.name, python, marks)
        process = Process(spawn.command(unit.name, python), env, unit.journal, on_exit)
        self._guardian.watch(process.pid)
        return process

    def blocker(self, unit: Unit) -> str:
        """What keeps it from starting now; empty if nothing does."""
        if self._stopping:
            return "the show ends"
        if unit.incarnation == 0:  # a restart does not wait for others: one for one
            settled = {name: other.settled for name, other in self.units.items()}
            if others := unsettled(unit.name, AFTER, settled):
                return f"waits for {', '.join(others)}"
        if time.monotonic() < unit.not_before:
            return "was stopped to free memory; waits a while"
        promised_gb = sum(
            other.section.memory_gb
            for other in self.units.values()
            if other.state is WorkerState.STARTING
        )
        return memory.admit(
            unit.section.memory_gb,
            memory.read_host().available_mb / 1024,
            promised_gb,
            self._settings.min_free_gb,
        )

    def send(self, unit: Unit, message: Message) -> None:
        self._control.send(unit.name, unit.incarnation, message)

    def changed(self, unit: Unit) -> None:
        """Its state changed: tell the screens, its peers and those that wait for it."""
        self._events.publish(unit.event())
        peer = Peer(name=unit.name, state=unit.state, incarnation=unit.incarnation)
        for other in self.units.values():
            if other is not unit:
                if other.connected:
                    self.send(other, peer)
                if other.state is WorkerState.WAITING:
                    other.poke()
        self._say_change(unit)
        if unit.state is WorkerState.READY:
            self._meters.soon()  # what it loaded shows at once
            self._desk.ready(unit.name)
        self._note_start()

    def _note_start(self) -> None:
        if self._started or self._stopping:
            return
        if all(unit.settled for unit in self.units.values()):
            self._started = True
            if self._notifier:
                self._notifier.ready()
            self._say(f"the show is {self._state()}")

    def progressed(self, unit: Unit) -> None:
        self._events.publish(unit.event())

    def lost(self, unit: Unit) -> None:
        """Its process is gone."""
        self._relay.lost(unit.name)
        if unit.name == "director":
            self.cut("the director was lost")
        self._desk.lost(unit.name)

    async def clear(self, unit: Unit, pid: int) -> None:
        await self._guardian.clear(unit.name, unit.incarnation, pid)

    def _say_change(self, unit: Unit) -> None:
        state = unit.state
        pid = f" (pid {unit.pid})" if unit.pid and state is WorkerState.STARTING else ""
        reason = f": {unit.reason}" if unit.reason else ""
        if state is WorkerState.BACKOFF:
            reason += f" (again in {unit.retry_in_s:.1f} s)"
        self._say(f"{unit.name} {state}{pid}{reason}")
        if self._stopping:
            return
        if state is WorkerState.FAILED:
            text = f"{LOSSES[unit.name]} ({unit.name}: {unit.reason})"
            self._notice("error", text, unit.name, unit.hint)
        elif state is WorkerState.BACKOFF:
            self._notice("warning", f"{unit.name} crashed: {unit.reason}", unit.name, unit.hint)
        elif state is WorkerState.READY and unit.restarts:
            self._notice("info", f"{unit.name} is back", unit.name)

    def _notice(self, level: str, text: str, worker: str, hint: str = "") -> None:
        hint = hint or f"spark-tui ctl logs {worker}; spark-tui ctl restart {worker}"
        self.publish(
            NoticeEvent(level=level, source="supervisor", text=text, hint=hint, at=time.time())
        )

    # --- messages of workers ---

    def _on_control(self, name: str, incarnation: int, message: Message) -> None:
        unit = self.units.get(name)
        if unit is None or incarnation != unit.incarnation or not unit.pid:
            if unit is None:
                self._control.dropped += 1
            return  # of an incarnation that is gone
        if isinstance(message, Beat):
            unit.beat(message)
        elif isinstance(message, CommandResult):
            self._desk.result(name, incarnation, message)
        elif isinstance(message, Ack):
            self._relay.acked(name, message.id)
        elif isinstance(message, TurnOpened):
            self._relay.opened(message.turn)
        elif isinstance(message, Cancel):
            self._relay.pass_on(message, sender=name)
        elif isinstance(message, Hello):
            self._welcome(unit)
        elif isinstance(message, Loading):
            unit.loading(message)
        elif isinstance(message, Ready):
            unit.loaded(message)
        elif isinstance(message, Failing):
            unit.failing(message)

    def _welcome(self, unit: Unit) -> None:
        if not unit.hello():
            return
        peers = [
            Peer(name=other.name, state=other.state, incarnation=other.incarnation)
            for other in self.units.values()
            if other is not unit
        ]
        self.send(
            unit,
            Welcome(
                config=self._encoded_config,
                state_dir=str(self._state_dir),
                fence=self._relay.floor,
                peers=peers,
            ),
        )

    def cut(self, reason: str) -> None:
        """Kill every turn there is, in every worker."""
        self._relay.cut(reason)

    # --- events ---

    def publish(self, event: Message) -> None:
        self._events.publish(event)

    def _on_event(self, event: Message) -> None:
        self._archive.take(event)
        if isinstance(event, TraceEvent):
            self._tally.add(event)
        elif isinstance(event, ShowEvent):
            self._show = event
        elif isinstance(event, NoticeEvent):
            self._say(f"{event.level}: {event.source}: {event.text}")

    # --- the operator plane ---

    def _on_request(self, incoming: Incoming) -> None:
        self._desk.handle(incoming)

    def snapshot(self) -> bytes:
        """An encoded Snapshot."""
        return encode(
            Snapshot(
                epoch=self._epoch,
                sequences=self._events.sequences(),
                events=self._events.retained(),
                started_at=self._started_at,
                state_dir=str(self._state_dir),
                profile=self._profile,
            )
        )

    def _degraded(self) -> list[str]:
        return degraded((u.name, u.state, u.reason) for u in self.units.values())

    def _state(self) -> str:
        show = self._show
        return show_state(
            stopping=self._stopping,
            started=self._started,
            held=show.held if show else False,
            muted=show.muted if show else False,
            missing=bool(self._degraded()),
        )

    def status(self) -> dict[str, Any]:
        """The result of the verb ``status``; stable.

        ``show``: state (a ShowState), held, muted, persona, personas, queued, mode, uptime_s, pid,
        profile, state_dir, overlay (address of the page, or empty), degraded (sentences).
        ``workers``: name -> state, reason, pid (0: none), incarnation, restarts, memory_mb,
        budget_mb, cpu_percent (of one core), progress, fraction (0..1 or None), details,
        retry_in_s. ``turns``: outcome -> count. ``spans_ms``: span -> p50, p95 (ms), n, over
        the last 200 played turns. ``memory``: used_mb (the whole show), budget_mb,
        host_used_mb, host_total_mb. ``dropped``: alien frames and lost events by plane.
        """
        units = self.units.values()
        return {
            "show": {
                "state": str(self._state()),
                **said_of_show(self._show, self._config.show.persona, list(self._config.personas)),
                "uptime_s": round(time.time() - self._started_at, 1),
                "pid": os.getpid(),
                "profile": self._profile,
                "state_dir": str(self._state_dir),
                "overlay": self.units["stage"].details.get("overlay", ""),
                "degraded": self._degraded() if self._started else [],
            },
            "workers": {unit.name: worker_row(unit) for unit in units},
            "turns": self._tally.turns(),
            "spans_ms": self._tally.spans_ms(),
            "memory": memory_row(
                self._meters.used_mb, self._settings.memory_budget_gb, self._meters.host
            ),
            "dropped": {
                "control": self._control.dropped,
                "events": self._events.dropped,
                "operator": self._operator.dropped,
                "workers": sum(unit.dropped_frames for unit in units),
                "worker_events": sum(unit.dropped_events for unit in units),
            },
        }

    # --- clocks ---

    async def _tick(self) -> None:
        """Everything that goes by time, at most once a second by default."""
        every_s = min(1.0, self._settings.beat_timeout_s / 4)
        before = time.monotonic()
        while True:
            await asyncio.sleep(every_s)
            now = time.monotonic()
            late_s = now - before - every_s
            before = now
            for unit in self.units.values():
                if late_s > 1.0:  # we stood still, so nobody's beats were read
                    unit.forgive(late_s)
                else:
                    unit.check(now)
                if unit.state is WorkerState.WAITING:
                    unit.poke()
            self._relay.check(now)
            self._archive.flush()
            if self._notifier:
                self._notifier.watchdog()
                self._notifier.status(self._state())
                if not self._started:
                    self._notifier.extend(_PATIENCE_S)

    def _on_shed(self, unit: Unit) -> None:
        self._notice("warning", f"memory runs out: {LOSSES[unit.name]}", unit.name)
