#!/usr/bin/env python
"""What driving avatars costs: frame due to bytes sent, the rate held, the way back after a kill.

Usage: scripts/measure_avatar.py [--seconds S] [--avatars N] [--restarts N]. Each VTube
Studio is the test double in a process of its own, on loopback; the clients run in this one,
under uvloop as a worker does. VMC is sent beside them. Run it with PYTHONPATH=tests.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop
from doubles.vtube_studio import VTubeStudioDouble

from workers.avatar.settings import VmcSettings, VtsSettings
from workers.avatar.values import VALUES
from workers.avatar.vmc import Vmc
from workers.avatar.vtube_studio import Phase, VTubeStudio

RATE_HZ = 60.0


class Quiet:
    """A listener for whom nothing is news."""

    def __init__(self) -> None:
        self.notices = 0

    def notice(self, level: str, text: str, hint: str = "") -> None:
        del level, text, hint
        self.notices += 1

    def problem(self, text: str) -> None:
        del text


class Costs:
    """Due, begun and sent of every frame. Before it is begun, the machine was late, not we."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.work_ms: list[float] = []
        self.sent_s: list[float] = []
        self._begun_ns = 0

    def face(self, now_ns: int) -> dict[str, float]:
        """What a client is given to ask."""
        self._begun_ns = now_ns
        return face(now_ns)

    def __call__(self, due_ns: int, sent_ns: int) -> None:
        self.late_ms.append((sent_ns - due_ns) / 1e6)
        self.work_ms.append((sent_ns - self._begun_ns) / 1e6)
        self.sent_s.append(sent_ns / 1e9)

    def clear(self) -> None:
        for one in (self.late_ms, self.work_ms, self.sent_s):
            one.clear()

    def tell(self, name: str) -> None:
        late, work = sorted(self.late_ms), sorted(self.work_ms)
        span_s = self.sent_s[-1] - self.sent_s[0]
        seconds = range(int(span_s))
        counts = [0] * len(seconds)
        for at_s in self.sent_s:
            second = int(at_s - self.sent_s[0])
            if second < len(counts):
                counts[second] += 1
        print(
            f"{name}: {len(late)} frames, {(len(late) - 1) / span_s:.2f} Hz "
            f"(worst second {min(counts)}, best {max(counts)}); due to sent "
            f"p50 {_part(late, 0.5):.2f} p99 {_part(late, 0.99):.2f} max {late[-1]:.2f} ms, "
            f"of that our work p50 {_part(work, 0.5):.2f} p99 {_part(work, 0.99):.2f} ms"
        )


def _part(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def face(now_ns: int) -> dict[str, float]:
    """Everything moves, as in speech."""
    t = now_ns / 1e9
    wave = {name: 0.5 + 0.5 * math.sin(t * speed) for speed, name in enumerate(_UNSIGNED, 3)}
    return wave | {name: math.sin(t * speed) for speed, name in enumerate(_SIGNED, 1)}


_SIGNED = [name for name, value in VALUES.items() if value.signed]
_UNSIGNED = [name for name, value in VALUES.items() if not value.signed]


class Studio:
    """The double in a process that can be killed."""

    def __init__(self, token: str) -> None:
        self.port = 0
        self._token = token
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--serve", str(self.port), self._token,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        self._process = process
        self.port = int(await process.stdout.readline())

    async def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.communicate()

    async def stop(self) -> str:
        """What it received: the last word of the process."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        out, _ = await self._process.communicate()
        return out.decode().strip()


async def _serve(port: int, token: str) -> None:
    """The double until the end of stdin; then what it saw."""
    double = VTubeStudioDouble()
    double.port = port
    double.rules.tokens[token] = ("Spark VTuber", "Spark VTuber")
    async with double:
        print(double.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
    times = [one.at_s for one in double.rules.injected]
    gaps = sorted((b - a) * 1e3 for a, b in itertools.pairwise(times))
    seen = {
        "frames": len(times),
        "gap_p50_ms": round(_part(gaps, 0.5), 2),
        "gap_p99_ms": round(_part(gaps, 0.99), 2),
        "errors": double.rules.errors,
    }
    print(json.dumps(seen))


async def _until(condition: Callable[[], bool], within_s: float = 30.0) -> float:
    """Seconds until it held, looked at every 5 ms."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (a measurement must not touch what it measures)
            await asyncio.sleep(0.005)
    return time.monotonic() - began


async def _measure(options: argparse.Namespace, state: Path) -> None:
    quiet = Quiet()
    studios = [Studio(f"token-{number}") for number in range(options.avatars)]
    clients: list[VTubeStudio] = []
    costs = [Costs() for _ in studios]
    for number, studio in enumerate(studios):
        await studio.start()
        (state / f"vtube-studio-a{number}.token").write_text(f"token-{number}")
        settings = VtsSettings(f"a{number}", "127.0.0.1", studio.port)
        clients.append(VTubeStudio(settings, costs[number].face, state, quiet, sent=costs[number]))
    vmc_costs = Costs()
    vmc = Vmc(VmcSettings("vmc", port=9), vmc_costs.face, quiet, sent=vmc_costs)
    running = [asyncio.create_task(client.run()) for client in (*clients, vmc)]
    try:
        for client in (*clients, vmc):
            client.speaking = True
        await _until(lambda: all(client.phase is Phase.READY for client in clients))
        for one in (*costs, vmc_costs):
            one.clear()
        used = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.sleep(options.seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
        for number, one in enumerate(costs):
            one.tell(f"VTube Studio {number}")
        vmc_costs.tell("VMC")
        cpu_s = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        print(f"cpu: {100 * cpu_s / options.seconds:.1f} % of a core for all of them")
        if options.restarts:
            await _restarts(options.restarts, studios[0], clients[0], costs[0], quiet)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for number, studio in enumerate(studios):
            print(f"received by {number}: {await studio.stop()}")


async def _restarts(
    count: int, studio: Studio, client: VTubeStudio, costs: Costs, quiet: Quiet
) -> None:
    backs: list[float] = []
    tasks = files = 0
    for number in range(count + 1):
        await studio.kill()
        await studio.start()
        frames = len(costs.late_ms)
        backs.append(await _until(lambda frames=frames: len(costs.late_ms) > frames + 5))
        if number == 0:  # the first warms up what is made lazily
            tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
            backs.clear()
    backs.sort()
    print(
        f"{count} kills (SIGKILL): back p50 {_part(backs, 0.5):.2f} max {backs[-1]:.2f} s after "
        f"its start; tasks {tasks} -> {len(asyncio.all_tasks())}, files {files} -> "
        f"{len(os.listdir('/proc/self/fd'))}, notices {quiet.notices}, {client.phase.value}"
    )


def main() -> None:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description="what driving avatars costs")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--avatars", type=int, default=1)
    parser.add_argument("--restarts", type=int, default=0)
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "TOKEN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(int(options.serve[0]), options.serve[1]))
        return
    with tempfile.TemporaryDirectory(prefix="spark-avatar-") as state:
        uvloop.run(_measure(options, Path(state)))


if __name__ == "__main__":
    main()
