"""How long a chat line takes from a platform's call to the director's frame, and what it keeps.

    .venv/bin/python scripts/measure_chat.py [--lines 100000] [--profile]

Runs the chat worker in this process behind a link that encodes what it would send and
answers as a director does (``Taken`` at once). Prints microseconds of CPU a line, the
longest call, and the growth of the resident set after the first half.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import random
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import psutil

from ipc.codec import encode
from ipc.load import load_config
from ipc.protocol import ChatLines, Message, Peer, Taken
from ipc.states import Role, WorkerState
from workers.chat.platform import Line
from workers.chat.sources import Console
from workers.chat.worker import ChatWorker
from workers.runtime import Link

_TOGETHER = 60  # lines in one read of a busy TLS socket
_VIEWERS = 5_000
_TEXT = (
    "hello nova what a great stream today can you tell us about the game you played "
    "yesterday lol that was so funny I love this song please play more of it tomorrow "
    "привет こんにちは 😀 Kappa PogChamp LUL who is winning is this the last boss already"
)
_WORDS = _TEXT.split()


class StandIn:
    """What ChatWorker uses of a Link."""

    def __init__(self, state_dir: Path) -> None:
        self.config = load_config(env={})
        self.state_dir = state_dir
        self.peers = {"director": Peer(name="director", state=WorkerState.READY, incarnation=1)}
        self.problem = ""
        self.given: list[str] = []
        self.frames = self.bytes = self.events = 0

    def send(self, worker: str, message: Message, payload: bytes = b"") -> bool:  # noqa: ARG002
        self.frames += 1
        self.bytes += len(encode(message))
        if isinstance(message, ChatLines):
            self.given.extend(line.id for line in message.lines)
        return True

    def publish(self, event: Message) -> None:
        self.events += 1
        encode(event)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        print(f"  {level}: {text} {hint}")

    def serves(self, worker: str) -> bool:  # noqa: ARG002
        return True

    def progressed(self) -> None:
        """Counted for the heartbeat."""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:  # noqa: ARG002
        work.close()  # nothing runs beside the measurement


def chatter(count: int, rng: random.Random) -> list[Line]:
    """Lines as Twitch gives them, of _VIEWERS people."""
    lines = []
    for number in range(count):
        viewer = rng.randrange(_VIEWERS)
        lines.append(
            Line(
                platform="twitch",
                author=f"Viewer_{viewer}",
                author_id=str(100_000_000 + viewer),
                text=" ".join(rng.choices(_WORDS, k=rng.randint(1, 18))),
                received_ns=time.monotonic_ns(),
                id=f"{rng.getrandbits(128):032x}-{number:x}",
                login=f"viewer_{viewer}",
                roles=(Role.SUBSCRIBER,) if viewer % 5 == 0 else (),
            )
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(options.lines, Path(directory), profile=options.profile))


async def measure(count: int, directory: Path, *, profile: bool) -> None:
    link = StandIn(directory)
    worker = ChatWorker(cast(Link, link))
    await worker.load()
    platform = Console()
    process = psutil.Process(os.getpid())
    rng = random.Random(1)
    spent_ns = longest_ns = 0
    resident = 0
    profiler = cProfile.Profile()
    for start in range(0, count, _TOGETHER):
        lines = chatter(min(_TOGETHER, count - start), rng)
        if profile:
            profiler.enable()
        begun_ns = time.thread_time_ns()
        worker.arrived(platform, lines)
        given, link.given = link.given, []
        worker.receive(Taken(message_ids=given), b"")
        took_ns = time.thread_time_ns() - begun_ns
        profiler.disable()
        spent_ns += took_ns
        longest_ns = max(longest_ns, took_ns)
        if start < count // 2:
            resident = process.memory_info().rss
    grown = (process.memory_info().rss - resident) / 1e6
    print(f"{count} lines in calls of {_TOGETHER}: {spent_ns / count / 1e3:.1f} us a line")
    print(f"longest call {longest_ns / 1e6:.1f} ms; {link.frames} frames, {link.events} events")
    print(f"resident {resident / 1e6:.0f} MB after half of them, {grown:+.1f} MB at the end")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
