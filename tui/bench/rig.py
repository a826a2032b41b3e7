"""A show of its own to measure: temporary state directory, free port, no idle talk."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from ipc.errors import PeerUnavailable, RequestTimeout
from ipc.events import EventStream
from ipc.operator import OperatorClient
from ipc.protocol import ClauseEvent, Message, TraceEvent, TurnEvent
from ipc.states import WorkerState
from tui.start import Show, start, stop

READY_LIMIT_S = 180.0
TURN_LIMIT_S = 60.0
_POLL_S = 0.02
NS_PER_S = 1e9

# Nobody speaks unasked while something is measured.
_QUIET = "[stage]\noverlay_port = 0\n[director]\nidle_after_s = 0\nmax_tokens = 48\n"


class Rig:
    """A running show: sends lines, and waits for what the events tell of them."""

    def __init__(self, show: Show, pid: int, began: float) -> None:
        self.show = show
        self.start_s = 0.0
        self._began = began
        self._process = psutil.Process(pid)
        self._operator = OperatorClient(show.endpoints)
        self._stream = EventStream(show.endpoints, self._event)
        self._changed = asyncio.Event()
        self._turns: dict[str, int] = {}
        self._audible: set[int] = set()
        self._traces: dict[int, TraceEvent] = {}

    async def request(self, verb: str, **args: Any) -> Any:
        """An operator request to this show."""
        return await self._operator.request(verb, **args)

    async def say_as_viewer(self, text: str) -> int:
        """Send a chat line; the number of the turn that answers it."""
        sent = await self.request("chat", text=text, author="bench")
        message_id = sent["message_id"]
        await self._until(lambda: message_id in self._turns, f"a turn for {text!r}")
        return self._turns[message_id]

    async def audible(self, turn: int) -> None:
        """Until the first sound of ``turn`` (or its end, if there was none)."""
        await self._until(
            lambda: turn in self._audible or turn in self._traces, f"sound of turn {turn}"
        )

    async def over(self, turn: int) -> TraceEvent:
        """Until ``turn`` is over; its trace."""
        await self._until(lambda: turn in self._traces, f"the end of turn {turn}")
        return self._traces[turn]

    async def spans(self, text: str, *, cut: bool = False) -> dict[str, float]:
        """The spans of one reply; with ``cut`` it is skipped once it is audible."""
        turn = await self.say_as_viewer(text)
        if cut:
            await self.audible(turn)
            if turn not in self._traces:
                await self.request("skip")
        return (await self.over(turn)).spans_ms

    def processes(self) -> list[psutil.Process]:
        """Supervisor and all its descendants."""
        return [self._process, *self._process.children(recursive=True)]

    def cpu_s(self) -> float:
        """CPU time of all processes so far, user and system, seconds.

        From /proc/PID/task/*/schedstat (Linux, proc(5)), in nanoseconds: the usual counters
        step by 10 ms, which over eight processes is a third of what is to be measured.
        """
        spent_ns = 0
        for process in self.processes():
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                with suppress(FileNotFoundError):  # a thread that has just ended
                    spent_ns += int((task / "schedstat").read_text().split()[0])
        return spent_ns / NS_PER_S

    def resident_mb(self) -> float:
        """Sum of the proportional set sizes, MB: shared pages count once."""
        return float(sum(p.memory_full_info().pss for p in self.processes())) / 1e6

    async def ready(self) -> None:
        """Until every worker serves. Raises PeerUnavailable if one gives up."""
        deadline = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < deadline:
            workers = (await self.request("status"))["workers"]
            states = {name: WorkerState(worker["state"]) for name, worker in workers.items()}
            for name, state in states.items():
                if state in (WorkerState.FAILED, WorkerState.BACKOFF):
                    reason = workers[name].get("reason", "")
                    raise PeerUnavailable(f"{name} is {state}: {reason}", "spark-tui doctor")
            if all(state.serves or state is WorkerState.DISABLED for state in states.values()):
                self.start_s = time.monotonic() - self._began
                return
            await asyncio.sleep(_POLL_S * 5)
        raise RequestTimeout("the show did not become ready", "spark-tui doctor")

    def close(self) -> None:
        self._stream.close()
        self._operator.close()

    async def _until(self, condition: Any, what: str) -> None:
        try:
            async with asyncio.timeout(TURN_LIMIT_S):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise RequestTimeout(
                f"waited {TURN_LIMIT_S:.0f} s in vain for {what}", "spark-tui doctor"
            ) from None

    def _event(self, _topic: str, _sequence: int, event: Message) -> None:
        if isinstance(event, TurnEvent):
            self._turns.update(dict.fromkeys(event.message_ids, event.turn))
        elif isinstance(event, ClauseEvent):
            self._audible.add(event.turn)
        elif isinstance(event, TraceEvent):
            self._traces[event.turn] = event
        self._changed.set()


@asynccontextmanager
async def rig(profile: str = "", settings: str = "", replies: str = "") -> AsyncIterator[Rig]:
    """A show with these settings, ready; ended and cleaned up afterwards.

    ``settings`` is TOML after the quiet defaults; ``replies`` is what a scripted language
    model says, one reply a line.
    """
    directory = Path(tempfile.mkdtemp(prefix="spark-bench-"))
    config = directory / "bench.toml"
    text = _QUIET + settings
    if replies:
        (directory / "replies.txt").write_text(replies, encoding="utf-8")
        text += f'[llm.scripted]\nreplies = "{directory / "replies.txt"}"\n'
    config.write_text(text, encoding="utf-8")
    show = Show(directory / "state", config, profile)
    try:
        began = time.monotonic()
        pid = await asyncio.to_thread(start, show)
        measured = Rig(show, pid, began)
        try:
            await measured.ready()
            yield measured
        finally:
            measured.close()
            await asyncio.to_thread(stop, show)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
