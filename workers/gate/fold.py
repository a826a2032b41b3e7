"""The form in which text is compared, and the way back to the text it came from.

``plain`` undoes what hides a word from a computer and not from a reader: width, case,
accents, invisible characters, look-alikes. ``fold`` goes on to one form for a whole line,
in which copies of a line that differ in dress only are equal.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from workers.gate.confusables import UNSURE, looks_like

_CACHED = 20_000  # more different characters than a chat uses; a flood of rare ones starts anew

LEET = str.maketrans("0134578@$!|+(€", "oieastbasiitce")
_WORDS = re.compile(r"[^\W_]+(?:[@$!|+'0-9]+[^\W_]+)*|[@$][^\W_]+")
_RUNS = re.compile(r"(.)\1+", re.DOTALL)
_LETTER_RUNS = re.compile(r"([^\W\d_])\1+")
_CAPITAL_I = re.compile(r"I(?=[a-z])|(?<=[a-z])I")
_APOSTROPHE = str.maketrans("", "", "'")


class _Table(dict[str, str]):
    """Character -> plain form, filled as characters come."""

    def __missing__(self, char: str) -> str:
        if len(self) >= _CACHED:
            self.clear()
        self[char] = found = looks_like(char)
        return found


_TABLE = _Table()


@dataclass(frozen=True, slots=True)
class Plain:
    """``text``: what a reader sees, in plain lower-case letters as far as there are such.

    ``letters``: the same with UNSURE in the place of each i that may be an l. ``starts``: for
    each character of ``text`` the index in the source it came from, or None if nothing moved.
    """

    text: str
    letters: str
    length: int  # of the source
    starts: Sequence[int] | None = None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The slice of the source that ``text[start:end]`` came from, with marks behind it."""
        if self.starts is None:
            return start, end
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else self.length
            return at, at
        last = self.starts[end - 1]
        after = bisect_right(self.starts, last)
        # combining marks and joiners after a letter have no character here: they go with it
        return self.starts[start], self.starts[after] if after < len(self.starts) else self.length


def plain(text: str) -> Plain:
    """The plain form of ``text``. Never raises, whatever the characters."""
    if text.isascii() and text.isprintable():
        lower = letters = text.lower()
        if "I" in text:  # among small letters; in capitals an I is an I
            for found in _CAPITAL_I.finditer(text):
                letters = letters[: found.start()] + UNSURE + letters[found.end() :]
        return Plain(lower, letters, len(text))
    parts = [_TABLE[char] for char in text]
    starts = [at for at, part in enumerate(parts) for _ in part]
    letters = "".join(parts)
    return Plain(letters.replace(UNSURE, "i"), letters, len(text), starts)


def squeeze(text: str) -> str:
    """Every run of one character becomes that character."""
    return _RUNS.sub(r"\1", text)


def fold(text: str) -> str:
    """The matching form of a whole line: words and single spaces, nothing else.

    Lines that differ only in case, width, accents, look-alikes, invisible characters, leet
    spelling, repeated letters, punctuation or spacing fold to the same. Numbers stay. A line
    without any word (emoji only) folds to its symbols, so that two of them can be compared.
    """
    shown = plain(text).text
    if "'" in shown:
        shown = shown.translate(_APOSTROPHE)
    squeezed = _LETTER_RUNS.sub(r"\1", shown)
    words = [
        word if word.isalpha() or word.isdigit() else squeeze(word.translate(LEET))
        for word in _WORDS.findall(squeezed)
    ]
    return " ".join(words) or squeeze("".join(shown.split()))
