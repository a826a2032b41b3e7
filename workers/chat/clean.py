"""Makes a line of chat safe to store, show and put into a prompt. Pure.

Chat is hostile input: this removes what has no visible form or changes how its
neighbours look, and bounds the rest. What the words mean is the gate's business.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

AUTHOR_CHARS = 32
NOBODY = "viewer"  # who has no name that can be shown
_MARKS = 8  # combining marks on one letter; more is a way to paint over other lines
_JOINER = "\u200d"
_VARIATION = "\ufe0f"
# Cc: C0 and C1; Cf: bidi overrides, zero-width and tags; Co, Cn: private, unassigned; Cs
_STRIPPED = {"Cc", "Cf", "Co", "Cn", "Cs"}
_PILE = re.compile(rf"[^\w ]{{{_MARKS + 1},}}")  # marks are no word characters: perhaps too many


@dataclass(frozen=True, slots=True)
class Cleaned:
    """``text`` may be empty. ``cut``: it was longer than allowed."""

    text: str
    cut: bool


def clean(raw: str, max_chars: int) -> Cleaned:
    """One line, NFC, without controls, spaces collapsed, at most ``max_chars`` code points."""
    if len(raw) <= max_chars and raw.isascii() and raw.isprintable():  # most of chat
        return Cleaned(" ".join(raw.split()), False)
    # normalising costs more than everything else: 100 kB of spam is not worth it
    limit = max_chars * 4 + 64
    text = unicodedata.normalize("NFC", raw[:limit])
    # printable by str's definition: nothing of _STRIPPED and no space but the ordinary one
    if not text.isprintable() or _PILE.search(text):
        text = _visible(text)
    text = " ".join(text.split())
    cut = len(text) > max_chars or len(raw) > limit
    return Cleaned(_shorten(text, max_chars) if cut else text, cut)


def clean_author(raw: str, fallback: str = NOBODY) -> str:
    """A viewer's name, at most AUTHOR_CHARS code points; ``fallback`` if nothing is left."""
    return clean(raw, AUTHOR_CHARS).text or fallback


def _visible(text: str) -> str:
    out: list[str] = []
    marks = 0
    for index, char in enumerate(text):
        if char in "\r\n\t\v\f\x85\u2028\u2029":
            out.append(" ")
            continue
        if char == _JOINER:
            after = text[index + 1] if index + 1 < len(text) else ""
            if out and _pictorial(out[-1]) and _pictorial(after):
                out.append(char)
            continue
        category = unicodedata.category(char)
        if category in _STRIPPED:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS:
            out.append(char)
    return "".join(out)


def _pictorial(char: str) -> bool:
    """Whether a zero-width joiner beside this is part of an emoji."""
    return char == _VARIATION or (
        char != "" and (unicodedata.category(char) == "So" or "\U0001f3fb" <= char <= "\U0001f3ff")
    )


def _shorten(text: str, max_chars: int) -> str:
    """Cut without splitting what is drawn as one: emoji sequences, flags, letter and marks."""
    end = min(max_chars, len(text))
    while 0 < end < len(text) and _joined(text, end):
        end -= 1
    return text[:end].rstrip()


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after ``at`` belong together."""
    before, after = text[at - 1], text[at]
    if _JOINER in (before, after) or unicodedata.category(after) in ("Mn", "Mc", "Me"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff":  # skin tone
        return True
    if _regional(after) and _regional(before):
        count = 0
        while at - 1 - count >= 0 and _regional(text[at - 1 - count]):
            count += 1
        return count % 2 == 1
    return False


def _regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
