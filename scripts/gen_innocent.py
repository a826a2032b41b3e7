"""Writes innocent words, names and places: what a filter must leave alone.

    python scripts/gen_innocent.py [--words FILE] [--count N] [--seed S]

One a line. The whole of ``tests/gate/scunthorpe.txt`` (words and names that contain what is
listed) comes first; the rest is drawn from Webster's second edition (public domain, packaged
by ``english-words``) and the given names and surnames of the US census (public domain,
packaged by ``names``). Words that really are listed, or are plain inflections of listed
ones, are left out: catching them is no mistake. Nothing is imported from the show.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

import names
from english_words import get_english_words_set

ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "workers" / "gate" / "words.txt"
SCUNTHORPE = ROOT / "tests" / "gate" / "scunthorpe.txt"
INFLECTIONS = ("", "s", "es", "ed", "er", "ers", "ing", "y", "d", "r")


def listed(path: Path) -> set[str]:
    """What a word list has, with inflections; ``=word`` without."""
    words: set[str] = set()
    for line in path.read_text("utf-8").splitlines():
        entry = re.sub(r"^\s*\w+\s*:", "", line.split("#", 1)[0]).strip().lower()
        core = entry.strip("=*")
        endings = ("",) if entry.startswith("=") else INFLECTIONS
        words.update(core + ending for ending in endings)
        if core.endswith("e") and not entry.startswith("="):
            words.update(core[:-1] + ending for ending in ("ing", "y"))
    return words


def scunthorpe() -> list[str]:
    """The family of words that contain what is listed."""
    lines = SCUNTHORPE.read_text("utf-8").splitlines()
    return [line for line in (line.split("#", 1)[0].strip() for line in lines) if line]


def surnames() -> list[str]:
    """All surnames of the census, in lower case."""
    lines = Path(names.FILES["last"]).read_text("utf-8").splitlines()
    return [line.split()[0].lower() for line in lines]


def innocent(count: int, seed: int, words: Path = WORDS) -> list[str]:
    """``count`` items: the Scunthorpe family, then half words, half names; each once."""
    rng = random.Random(seed)
    bad = listed(words)
    family = scunthorpe()
    left = max(count - len(family), 0)
    vocabulary = sorted(
        word
        for word in get_english_words_set(["web2"], alpha=True, lower=True)
        if len(word) > 2 and word not in bad
    )
    people = sorted({name for name in surnames() if len(name) > 2 and name not in bad})
    drawn = rng.sample(vocabulary, left - left // 2)
    drawn += [name.capitalize() for name in rng.sample(people, left // 2)]
    return family + drawn


def main() -> None:
    """Write them to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=Path, default=WORDS)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("\n".join(innocent(given.count, given.seed, given.words)))


if __name__ == "__main__":
    main()
