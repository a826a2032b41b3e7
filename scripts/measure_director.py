#!/usr/bin/env python
"""What the director's decisions cost: a flood of chat, removals, lines on hold, a dump.

Usage: scripts/measure_director.py [--lines N] [--frame LINES]. In one process, without
sockets, but with every message and event encoded and decoded as on the way. Held, so that
what is measured is chat coming in.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ipc.codec import decode, encode
from ipc.fence import Fence
from ipc.load import load_config
from ipc.protocol import (
    Cancel,
    ChatLines,
    ChatMessage,
    Message,
    Peer,
    Removed,
    ToDirector,
)
from ipc.states import WorkerState
from workers.director.core import Director

A_SECOND = 1700  # 100,000 lines a minute, and a little


class NowhereToGo:
    """A Port whose messages are encoded, as a Link would, and end there."""

    def __init__(self) -> None:
        self.fence = Fence()

    def send(self, _worker: str, message: Message) -> bool:
        return bool(encode(message))

    def publish(self, event: Message) -> None:
        encode(event)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        print(level, text, hint)

    def problem(self, text: str) -> None:
        if text:
            print(text)

    def cancel(self, turn: int, *, up_to: bool = False, reason: str = "") -> None:
        self.fence.apply(Cancel(turn=turn, up_to=up_to, reason=reason))

    def open_turn(self, turn: int) -> None:
        pass

    def state_of(self, _worker: str) -> WorkerState:
        return WorkerState.READY

    def now_ns(self) -> int:
        return time.monotonic_ns()


def cpu_us(work: Callable[[], object]) -> float:
    """CPU time of ``work``, microseconds."""
    before = time.process_time_ns()
    work()
    return (time.process_time_ns() - before) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--frame", type=int, default=34, help="lines that arrive together")
    args = parser.parse_args()
    chance = random.Random(1)
    words = [f"word{n}" for n in range(500)]
    number = 0

    def lines(held_why: str = "") -> bytes:
        nonlocal number
        made = []
        for _ in range(args.frame):
            number += 1
            author = f"viewer{chance.randrange(3000)}"
            text = " ".join(chance.choices(words, k=chance.randrange(1, 9)))
            made.append(
                ChatMessage(
                    id=f"twitch:{number}", platform="twitch", author=author,
                    author_id=f"twitch:{author}", text=text if chance.random() < 0.8 else "KEKW",
                    received_ns=time.monotonic_ns(), at=0.0, held_why=held_why,
                )
            )  # fmt: skip
        return encode(ChatLines(lines=made))

    with tempfile.TemporaryDirectory() as directory:
        director = Director(load_config(env={}), Path(directory), NowhereToGo())
        workers = ("stage", "tts", "llm", "memory", "chat")
        director.start([Peer(name=n, state=WorkerState.READY, incarnation=1) for n in workers])
        director.hold("measured")

        def arrive(bodies: list[bytes]) -> float:
            """Microseconds a message."""
            total = cpu_us(lambda: [director.receive(decode(ToDirector, one)) for one in bodies])
            return total / len(bodies)

        frames = max(1, args.lines // args.frame)
        line_us = arrive([lines() for _ in range(frames)]) / args.frame
        print(f"a line              {line_us:7.1f} us: {line_us * A_SECOND / 1e4:.1f} % of a core")
        dump_us = cpu_us(director.dump)
        print(f"a dump then         {dump_us:7.1f} us")
        held_us = arrive([lines("measured") for _ in range(100)]) / args.frame
        print(f"a line on hold      {held_us:7.1f} us")
        deleted = [
            encode(Removed(platform="twitch", message_ids=[f"twitch:{n}"])) for n in range(500)
        ]
        print(f"a deletion          {arrive(deleted):7.1f} us")
        banned = [
            encode(Removed(platform="twitch", author_id=f"twitch:viewer{n}", forget=True))
            for n in range(500)
        ]
        print(f"a ban               {arrive(banned):7.1f} us")


if __name__ == "__main__":
    main()
