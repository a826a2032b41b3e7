"""What of a chat line counts when lines are compared: its words, folded.

Fast rather than thorough: every line comes through here, thousands a minute. Only what looks
disguised (``c0py p4sta``, look-alikes of other scripts) goes to the gate, whose fold takes
several times as long, and takes accents away that are letters of their own in many scripts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from workers import gate

_CHARS = 240  # what copy-pasta begins with; its end is varied to look new
_KNOWN = 4096  # characters remembered: more than any stream's script, less than all of Unicode
_RUN = re.compile(r"([^\W\d_])\1+")  # the same letter again and again
_LEET = re.compile(r"[a-z][\d$]|[\d$][a-z]|[a-z]@[a-z]")
_AT = re.compile(r"(?<!\w)@")  # before a name it is no letter
_LATIN = re.compile(r"[a-z]")
_ALIKE = re.compile(r"[\u0370-\u052f]")  # Greek and Cyrillic have the letters that pass for Latin
_SILENT = "'’ʼ`´"  # "what's" and "whats" are one word
_SPACE = ord(" ")


class _Folded(dict[int, int | None]):
    """What ``str.translate`` makes of a character: itself, a space, or nothing."""

    def __missing__(self, point: int) -> int | None:
        if len(self) >= _KNOWN:
            self.clear()
        char = chr(point)
        category = unicodedata.category(char)
        folded: int | None = _SPACE
        if category[0] in "LN":
            folded = point
        elif 0x300 <= point <= 0x36F or category == "Cf" or char in _SILENT:
            folded = None  # accents, joiners
        elif category[0] == "M" and not 0xFE00 <= point <= 0xFE0F:
            folded = point  # vowel signs of other scripts: another sign, another word
        self[point] = folded
        return folded


_FOLDED = _Folded()


@dataclass(frozen=True, slots=True)
class Folded:
    """A line's beginning. ``words``: between spaces, also at both ends; empty if there is
    nothing to read. ``same``: equal for lines with the same words, however ordered or
    repeated; of a line without any, the symbols count."""

    words: str
    same: str


@lru_cache(maxsize=256)  # copy-pasta, which is long, comes again and again
def fold(text: str) -> Folded:
    """``text`` without case, accents, punctuation, emoji and stretched letters.

    Scripts without spaces give one long word a sentence.
    """
    text = text[:_CHARS].casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    if _LEET.search(text) or (_ALIKE.search(text) and _LATIN.search(text)):
        words = gate.fold(_AT.sub(" ", text)).split()
    else:
        words = _RUN.sub(r"\1", text.translate(_FOLDED)).split()
    if not words:
        return Folded("", "".join(sorted(set(text) - {" "})))
    return Folded(f" {' '.join(words)} ", " ".join(sorted(set(words))))
