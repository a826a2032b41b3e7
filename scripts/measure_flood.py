"""A busy chat through a real TLS socket: does the whole show keep up?

    .venv/bin/python scripts/measure_flood.py [--rates 1000,100000] [--seconds 60]

A test server of Twitch's IRC floods a show with scripted engines, while a terminal UI is
attached and an operator dumps again and again. Bounds: the time from socket to queue, flat
memory of chat and director once the queue is full, dump to silence, and how soon the screen
answers a key. (In a flood the chat pane itself is drawn once a second, to be readable; how
often anything was drawn is printed.)
Exits with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import pty
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ipc.errors import RequestFailed
from ipc.events import EventStream
from ipc.protocol import ClauseEvent, IntakeEvent, Message, TraceEvent
from ipc.trace import percentile
from tui.bench import Result, report
from tui.bench.rig import Rig, rig

ROOT = Path(__file__).resolve().parent.parent
ROWS, COLUMNS = 45, 140
SETTLE_S = 8  # the queue is full, tables and buffers have grown to their bounds
FLAT_MB = 20.0
DUMP_EVERY_S = 4.0
KEY_EVERY_S = 1.3
KEY_MS = 250.0  # one tick of the screen
REPLIES = "\n".join(
    (
        "Well hello there chat, what a busy evening this has become for all of us.",
        "I read as fast as I can, and I still only see a handful of what you write.",
        "Somebody asked about the stars, and the stars are lovely tonight, thank you.",
    )
)


class Flooder:
    """The test server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, where: dict[str, Any]) -> None:
        self._process = process
        self.where = where

    async def flood(self, rate: float, seconds: float) -> dict[str, Any]:
        """Until all is sent; how many lines that were."""
        assert self._process.stdin is not None
        order = {"do": "flood", "rate": rate, "seconds": seconds}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        while True:
            said = await self._hear()
            if said.get("event") == "flooded":
                return said

    async def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the test server ended")
        said: dict[str, Any] = json.loads(line)
        return said


@asynccontextmanager
async def flooder() -> AsyncIterator[Flooder]:
    """Running until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "doubles.twitch_irc",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        where = json.loads(await process.stdout.readline())
        yield Flooder(process, where)
    finally:
        process.stdin.close()
        await process.wait()


class Screen:
    """The real terminal UI on a pseudo-terminal; ``drawn`` holds the times it wrote."""

    def __init__(self) -> None:
        self.drawn: list[float] = []
        self.bytes = 0
        self.answered_ms: list[float] = []
        self._news = asyncio.Event()
        self._master = -1

    @asynccontextmanager
    async def attached(self, show: Rig) -> AsyncIterator[Screen]:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.set_blocking(master, False)
        loop = asyncio.get_running_loop()

        def read() -> None:
            try:
                self.bytes += len(os.read(master, 65536))
            except OSError:
                loop.remove_reader(master)
            else:
                self.drawn.append(time.monotonic())
                self._news.set()

        loop.add_reader(master, read)
        state = str(show.show.state_dir)
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-P", "-m", "tui.cli", "--state", state, "attach"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self._master = master
        try:
            yield self
        finally:
            process.kill()
            await process.wait()
            loop.remove_reader(master)
            os.close(master)

    async def press_keys(self) -> None:
        """Tab again and again (the title of another pane lights up), until cancelled."""
        while True:
            await asyncio.sleep(KEY_EVERY_S)
            pressed = time.monotonic()
            self._news.clear()
            os.write(self._master, b"\t")
            await self._news.wait()
            self.answered_ms.append((time.monotonic() - pressed) * 1000)

    def rate_hz(self, begin: float, end: float) -> float:
        """How often a second something was drawn; what comes within 100 ms is one drawing."""
        count, last = 0, 0.0
        for at in self.drawn:
            if begin <= at <= end and at - last > 0.1:
                count += 1
                last = at
        return count / (end - begin)


@dataclass
class Watch:
    """What the events tell while chat is flooded."""

    intake: list[IntakeEvent] = field(default_factory=list)
    audible: set[int] = field(default_factory=set)
    over: dict[int, TraceEvent] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, _topic: str, _sequence: int, event: Message) -> None:
        if isinstance(event, IntakeEvent):
            self.intake.append(event)
        elif isinstance(event, ClauseEvent):
            self.audible.add(event.turn)
        elif isinstance(event, TraceEvent):
            self.over[event.turn] = event
        self.news.set()

    @property
    def sounding(self) -> set[int]:
        return self.audible - set(self.over)

    async def until(self, condition: Callable[[], Any], limit_s: float = 20.0) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():
                self.news.clear()
                await self.news.wait()


async def dumps(show: Rig, watch: Watch, until: float) -> list[float]:
    """Milliseconds from the request to silence, again and again."""
    found: list[float] = []
    while time.monotonic() < until - DUMP_EVERY_S:
        await asyncio.sleep(DUMP_EVERY_S / 2)
        with suppress(TimeoutError):
            await watch.until(lambda: watch.sounding)
            turn = max(watch.sounding)
            sent_ns = time.monotonic_ns()
            try:
                await show.request("dump")
            except RequestFailed as error:
                print(f"  dump: {error.message}", file=sys.stderr)
                continue
            await watch.until(lambda t=turn: t in watch.over)  # type: ignore[misc]  # bound now
            if stopped_ns := watch.over[turn].stopped_ns:
                found.append((stopped_ns - sent_ns) / 1e6)
        await show.request("release")
    return found


async def one_rate(show: Rig, server: Flooder, rate: float, seconds: float) -> list[Result]:
    """Flood one show and look at it."""
    workers = (await show.request("status"))["workers"]
    measured = {name: psutil.Process(workers[name]["pid"]) for name in ("chat", "director")}
    processes = measured | {"supervisor": show.processes()[0]}
    watch = Watch()
    stream = EventStream(show.show.endpoints, watch)
    resident: dict[str, list[float]] = {name: [] for name in measured}
    screen = Screen()

    async def sample() -> None:
        while True:
            for name, process in measured.items():
                resident[name].append(process.memory_info().rss / 1e6)
            await asyncio.sleep(1.0)

    try:
        async with screen.attached(show):
            await asyncio.sleep(3.0)
            begin = time.monotonic()
            before = {name: sum(p.cpu_times()[:2]) for name, p in processes.items()}
            sampler = asyncio.gather(sample(), screen.press_keys())
            dumping = asyncio.create_task(dumps(show, watch, begin + seconds))
            sent = await server.flood(rate, seconds)
            cut = await dumping
            await asyncio.sleep(2.0)
            end = time.monotonic()
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)
            for name, process in processes.items():
                used = sum(process.cpu_times()[:2]) - before[name]
                print(f"  {name}: {100 * used / (end - begin):.0f} % of a core", file=sys.stderr)
    finally:
        stream.close()
    last = watch.intake[-1]
    print(
        f"  sent {sent['lines']} in {sent['s']} s; passed over {sum(last.passed_over.values())}, "
        f"merged {last.merged}; screen {screen.bytes / 1024 / (end - begin):.1f} KiB/s, drawn "
        f"{screen.rate_hz(begin + 1, begin + seconds):.1f} times a second; "
        f"resident {', '.join(f'{n} {v[-1]:.0f} MB' for n, v in resident.items())}",
        file=sys.stderr,
    )
    name = f"{rate:,.0f} lines a minute"
    windows = [event.to_queue_p99_ms for event in watch.intake if event.to_queue_p99_ms]
    bound = 50 if rate <= 2000 else 500
    waits = f"{name}: socket to queue, p99 of each second"
    return [
        Result(waits, "p50", percentile(windows, 50), bound, "ms", len(windows)),
        Result(waits, "max", max(windows), bound, "ms", len(windows)),
        *(
            Result(
                f"{name}: {worker} grows",
                "max",
                max(values[SETTLE_S:]) - values[SETTLE_S],
                FLAT_MB,
                "MB",
                len(values) - SETTLE_S,
            )
            for worker, values in resident.items()
        ),
        Result(
            f"{name}: key to screen",
            "p95",
            percentile(screen.answered_ms, 95),
            KEY_MS,
            "ms",
            len(screen.answered_ms),
        ),
        Result(f"{name}: dump to silence", "max", max(cut), 50, "ms", len(cut)),
    ]


async def measure(rates: list[float], seconds: float) -> list[Result]:
    """A fresh show for each rate."""
    results: list[Result] = []
    async with flooder() as server:
        settings = (
            f'[chat]\nca_file = "{server.where["ca_file"]}"\n'
            f'[chat.twitch]\nchannel = "spark"\nirc_host = "{server.where["host"]}"\n'
            f"irc_port = {server.where['port']}\n"
        )
        for rate in rates:
            async with rig("scripted", settings, REPLIES) as show:
                print(f"{rate:,.0f} lines a minute for {seconds:g} s ...", file=sys.stderr)
                results += await one_rate(show, server, rate, seconds)
    return results


def main() -> None:
    """Measure, print the table."""
    options = argparse.ArgumentParser(description="a busy chat through a real TLS socket")
    options.add_argument("--rates", default="1000,100000", help="lines a minute")
    options.add_argument("--seconds", type=float, default=60.0)
    chosen = options.parse_args()
    rates = [float(rate) for rate in chosen.rates.split(",")]
    results = asyncio.run(measure(rates, chosen.seconds))
    report(results)
    sys.exit(not all(result.ok for result in results))


if __name__ == "__main__":
    main()
