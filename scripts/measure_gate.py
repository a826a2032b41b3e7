"""Measures the gate: what it catches, what it catches wrongly, and what it costs.

    python scripts/measure_gate.py [--seed S] [--entries N]

What is caught is measured with the bundled lists, on variants and innocent words that the
generators beside this file draw anew for every seed. The cost is measured with a list of
``--entries`` made-up words added to the bundled one, in CPU time of this thread.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from gen_innocent import innocent, scunthorpe
from gen_obfuscated import WORDS, listed_words, variants

from ipc.config import GateSection
from workers.gate import Gate, Verdict, fold

SENTENCES = Path(__file__).resolve().parent.parent / "tests" / "gate" / "sentences.txt"
HOSTILE = {
    "letters apart, 500 characters": "b a n a " * 62,
    "listed words, letters apart": "s h i t " * 62,
    "one letter, apart": "a " * 250,
    "orders half given": "you are now an a b ai " * 22,
    "emoji for letters": "a🅱" * 250,
    "digits, apart": "1 2 " * 125,
    "addresses half begun": "a.b@" * 125,
    "look-alikes, 500 characters": "ѕһіт аѕѕ " * 55,
    "signs, 500 characters": "($@!|+" * 83,
    "one word of 500 letters": "fuckshit" * 62,
    "digits, 500 characters": "1234567890" * 50,
    "dots, 500 characters": "a.b-c.d" * 71,
    "stacked marks, 500 characters": "z\u0301\u0308\u0323\u0336" * 100,
}


def made_up(count: int, rng: random.Random) -> list[str]:
    """Pronounceable words of four to twelve letters, a tenth of them in phrases of two."""
    words: set[str] = set()
    while len(words) < count:
        syllables = ["".join((rng.choice("bcdfghjklmnprstvwz"), rng.choice("aeiou"),
                              rng.choice(["", "", "n", "r", "s", "ck"])))
                     for _ in range(rng.randint(2, 4))]  # fmt: skip
        words.add("".join(syllables))
    listed = sorted(words)
    return [f"{word} {rng.choice(listed)}" if rng.random() < 0.1 else word for word in listed]


def caught(gate: Gate, seed: int, count: int) -> tuple[Counter[str], Counter[str]]:
    """By kind of disguise: how many variants, and how many of them the gate caught."""
    all_of, found = Counter[str](), Counter[str]()
    for kind, _, text in variants(listed_words(WORDS), count, seed):
        all_of[kind] += 1
        found[kind] += gate.judge(text).verdict is not Verdict.ALLOW
    return all_of, found


def wrongly(gate: Gate, items: Sequence[str]) -> list[str]:
    """The items that the gate does not let through as they are."""
    return [item for item in items if gate.judge(item).verdict is not Verdict.ALLOW]


def timed(do: Callable[[str], object], texts: Sequence[str], rounds: int) -> list[float]:
    """CPU microseconds of every call, sorted."""
    times = []
    for _ in range(rounds):
        for text in texts:
            began = time.thread_time_ns()
            do(text)
            times.append((time.thread_time_ns() - began) / 1000)
    return sorted(times)


def percentiles(times: Sequence[float]) -> str:
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    return f"p50 {p50:7.1f} us   p99 {p99:7.1f} us   max {times[-1]:8.1f} us   n {len(times)}"


def sentences() -> list[str]:
    return SENTENCES.read_text("utf-8").splitlines()[1:]


def big_gate(directory: Path, entries: int, seed: int) -> Gate:
    """A gate for input with ``entries`` made-up entries and the bundled ones."""
    path = directory / "words.txt"
    listed = "\n".join(made_up(entries, random.Random(seed)))
    path.write_text(f"{WORDS.read_text('utf-8')}\n{listed}\n", "utf-8")
    gate = Gate(GateSection(words=str(path)), "input")
    gate.refresh(0)
    return gate


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--entries", type=int, default=10_000)
    given = parser.parse_args()
    gate = Gate(GateSection(), "input")
    gate.refresh(0)

    print(f"caught, of variants of the {len(listed_words(WORDS))} single words listed")
    all_of, found = caught(gate, given.seed, 12_000)
    for kind in all_of:
        print(f"  {kind:24} {found[kind] / all_of[kind]:7.2%}  of {all_of[kind]}")
    print(f"  {'all':24} {found.total() / all_of.total():7.2%}  of {all_of.total()}")

    print("caught wrongly")
    family = scunthorpe()
    drawn = innocent(20_000 + len(family), given.seed)[len(family) :]
    rng = random.Random(given.seed)
    mixed = [" ".join(rng.sample(drawn, 8)).lower() for _ in range(2500)]
    for name, items in (
        ("words that contain listed ones (not held out)", family),
        ("words and surnames, drawn", drawn),
        ("lines of eight of them", mixed),
        ("ordinary sentences (not held out)", sentences()),
    ):
        bad = wrongly(gate, items)
        print(f"  {name:46} {len(bad) / len(items):7.3%}  of {len(items)}  {bad[:4]}")

    print(f"cost, with {given.entries} entries more")
    with tempfile.TemporaryDirectory() as directory:
        gc.collect()
        began = time.thread_time()
        gate = big_gate(Path(directory), given.entries, given.seed)
        print(f"  reading the list {time.thread_time() - began:.2f} s")
        lines = sentences() * 2 + [text for _, _, text in variants(listed_words(WORDS), 100, 5)]
        print(f"  judge, ordinary lines   {percentiles(timed(gate.judge, sentences(), 40))}")
        print(f"  judge, lines of rare words {percentiles(timed(gate.judge, mixed, 1))}")
        print(f"  judge, a sixth disguised {percentiles(timed(gate.judge, lines, 10))}")
        print(f"  fold, ordinary lines    {percentiles(timed(fold, sentences(), 40))}")
        for name, text in HOSTILE.items():
            print(f"  judge, {name:32} {percentiles(timed(gate.judge, [text], 30))}")
        tracemalloc.start()
        kept = big_gate(Path(directory), given.entries, given.seed)
        size, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"  memory of the list {size / 1e6:.1f} MB, while it is read {peak / 1e6:.1f} MB")
        del kept


if __name__ == "__main__":
    main()
