"""Writes variants of listed words as people write them to get past a filter.

    python scripts/gen_obfuscated.py [--words FILE] [--count N] [--seed S]

Each line: kind, word, text, separated by tabs. Independent of the gate: look-alikes come
from Unicode's confusables as packaged by ``confusable-homoglyphs``, and nothing is imported
from the show. Shared with the gate is only what everybody knows: the common leet digits and
which characters have no width.
"""

from __future__ import annotations

import argparse
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from confusable_homoglyphs import confusables

WORDS = Path(__file__).resolve().parent.parent / "workers" / "gate" / "words.txt"
LEET = {
    "a": ["4", "@"], "b": ["8"], "e": ["3"], "g": ["9"], "i": ["1", "!", "|"], "l": ["1", "|"],
    "o": ["0", "()"], "s": ["5", "$"], "t": ["7", "+"], "f": ["ph"],
}  # fmt: skip
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u2063\u200e"
SEPARATORS = [" ", ".", "-", "_", "*", "~", "/", ",", "  ", " . ", "|", "•", "🔥"]
MARKS = "\u0301\u0308\u0323\u0336\u0332\u030a"
CARRIERS = [
    "{}", "you {}", "what a {} lol", "hey {} !!", "lmao {} what", "that was {}, man", "{}!!!",
    "omg {}?", "so {} today", '"{}"', "({})", "#{}", "no {} here",
]  # fmt: skip


def listed_words(path: Path) -> list[str]:
    """The single words of a word list that are written in a-z and have three letters or more."""
    words = set()
    for line in path.read_text("utf-8").splitlines():
        entry = re.sub(r"^\s*\w+\s*:", "", line.split("#", 1)[0]).strip().strip("=*")
        if re.fullmatch(r"[a-z]{3,}", entry):
            words.add(entry)
    return sorted(words)


@cache
def look_alikes(letter: str) -> list[str]:
    """Single characters outside ASCII that Unicode calls confusable with a letter, any case."""
    found = set()
    for form in (letter, letter.upper()):
        for group in confusables.is_confusable(form, greedy=True, preferred_aliases=[]) or []:
            found |= {twin["c"] for twin in group["homoglyphs"] if len(twin["c"]) == 1}
    return sorted(c for c in found if not c.isascii() and unicodedata.category(c)[0] != "M")


def some(word: str, rng: random.Random, share: float, able: Callable[[str], bool]) -> set[int]:
    """At least one position of ``word`` for which ``able`` holds, or none if there is none."""
    able_at = [at for at, char in enumerate(word) if able(char)]
    chosen = {at for at in able_at if rng.random() < share}
    return chosen or set(able_at[:1] if not able_at else [rng.choice(able_at)])


def leet(word: str, rng: random.Random) -> str:
    at = some(word, rng, 0.6, lambda char: char in LEET)
    return "".join(rng.choice(LEET[c]) if n in at else c for n, c in enumerate(word))


def zero_width(word: str, rng: random.Random) -> str:
    at = some(word[:-1], rng, 0.5, str.isalpha)
    return "".join(c + rng.choice(INVISIBLE) if n in at else c for n, c in enumerate(word))


def look_alike(word: str, rng: random.Random) -> str:
    at = some(word, rng, 0.5, lambda char: char.isalpha() and bool(look_alikes(char.lower())))
    return "".join(rng.choice(look_alikes(c.lower())) if n in at else c for n, c in enumerate(word))


def spaced(word: str, rng: random.Random) -> str:
    separator = rng.choice(SEPARATORS)
    if rng.random() < 0.7:
        return separator.join(word)
    at = rng.randrange(1, len(word))
    return word[:at] + separator + word[at:]


def repeated(word: str, rng: random.Random) -> str:
    at = some(word, rng, 0.4, str.isalpha)
    return "".join(c * rng.randint(2, 5) if n in at else c for n, c in enumerate(word))


def marked(word: str, rng: random.Random) -> str:
    at = some(word, rng, 0.5, str.isalpha)
    return "".join(c + rng.choice(MARKS) if n in at else c for n, c in enumerate(word))


def wide(word: str, rng: random.Random) -> str:
    font = rng.choice([0xFF41, 0x1D41A, 0x1D482, 0x1D4EA, 0x1D586, 0x1D5BA, 0x1D68A, 0x24D0])
    return "".join(chr(font + ord(c) - 97) if "a" <= c <= "z" else c for c in word)


KINDS: dict[str, tuple[Callable[[str, random.Random], str], ...]] = {
    "leet": (leet,),
    "zero width": (zero_width,),
    "confusables": (look_alike,),
    "spacing": (spaced,),
    "repeats": (repeated,),
    "marks": (marked,),
    "fonts": (wide,),
    "leet + zero width": (leet, zero_width),
    "repeats + leet": (repeated, leet),
    "confusables + marks": (look_alike, marked),
    "confusables + spacing": (look_alike, spaced),
    "repeats + zero width": (repeated, zero_width),
}


def variants(words: list[str], count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """``count`` times (kind, word, text), the kinds in turn."""
    rng = random.Random(seed)
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        word = rng.choice(words)
        text = word
        for step in KINDS[kind]:
            text = step(text, rng)
        if rng.random() < 0.2:
            text = text.upper()
        yield kind, word, rng.choice(CARRIERS).format(text)


def main() -> None:
    """Write them to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=Path, default=WORDS)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for kind, word, text in variants(listed_words(given.words), given.count, given.seed):
        print(kind, word, text, sep="\t")


if __name__ == "__main__":
    main()
