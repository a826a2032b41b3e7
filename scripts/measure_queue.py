"""What choosing costs: microseconds a line and memory, for several kinds of crowds.

.venv/bin/python scripts/measure_queue.py [LINES]
"""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice

from ipc.config import DirectorSection
from ipc.protocol import ChatMessage
from workers.director.queue import ChatQueue

_RATE = 1700  # lines a second: 100,000 a minute
_FRAME = 200  # lines that come together
_WORDS = [
    "what",
    "game",
    "is",
    "this",
    "nova",
    "are",
    "you",
    "going",
    "to",
    "play",
    "the",
    "other",
    "one",
    "again",
    "tonight",
    "lol",
]


def chat(lines: int, text: Callable[[int], str], authors: int) -> Iterator[ChatMessage]:
    for number in range(lines):
        at_ns = int((1 + number / _RATE) * 1e9)
        author = f"viewer{random.randrange(authors)}"
        yield ChatMessage(
            id=f"m{number}", platform="twitch", author=author, author_id=f"twitch:{author}",
            text=text(number), received_ns=at_ns, at=0.0,
        )  # fmt: skip


def phrase(number: int) -> str:
    return " ".join(random.choices(_WORDS, k=8)) + f" {number}"


CROWDS: dict[str, tuple[Callable[[int], str], int]] = {
    "all different": (phrase, 20_000),
    "one copy-pasta": (lambda _: "LOOK AT THIS " * 38, 50_000),
    "a hundred pastas": (lambda number: f"pasta {number % 100} " * 20, 20_000),
    "ten flooders": (phrase, 10),
    "long, not Latin": (lambda number: f"これは何のゲームですか初見です {number} " * 20, 20_000),
    "emoji only": (lambda number: "😂🔥👏🎉"[number % 4] * 20, 20_000),
}


def measure(lines: int, text: Callable[[int], str], authors: int) -> tuple[float, int, str]:
    """Microseconds of CPU time a line, what waits at the end, what was passed over."""
    random.seed(1)
    queue = ChatQueue(DirectorSection(), ["nova"])
    all_lines = chat(lines, text, authors)
    spent_ns = 0
    while some := list(islice(all_lines, _FRAME)):  # making them is not what is measured
        began_ns = time.process_time_ns()
        for line in some:
            queue.offer(line, line.received_ns)
        spent_ns += time.process_time_ns() - began_ns
    return spent_ns / lines / 1e3, len(queue), str(dict(queue.passed_over))


def memory(lines: int, text: Callable[[int], str], authors: int) -> tuple[float, float]:
    """MB that the queue holds after a tenth of the lines, and after all of them."""
    random.seed(1)
    tracemalloc.start()
    queue = ChatQueue(DirectorSection(), ["nova"])
    held = []
    for number, line in enumerate(chat(lines, text, authors), 1):
        queue.offer(line, line.received_ns)
        if number in {lines // 10, lines}:
            held.append(tracemalloc.get_traced_memory()[0] / 1e6)
    tracemalloc.stop()
    return held[0], held[1]


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{lines} lines at {_RATE} a second; microseconds of CPU time")
    for name, (text, authors) in CROWDS.items():
        spent_us, waiting, passed = measure(lines, text, authors)
        early_mb, late_mb = memory(lines, text, authors)
        print(
            f"{name:18} {spent_us:6.1f} us a line   {early_mb:5.2f} MB then {late_mb:5.2f} MB"
            f"   {waiting} wait   {passed}"
        )


if __name__ == "__main__":
    main()
