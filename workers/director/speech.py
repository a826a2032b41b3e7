"""What a clause looks like on screen, and what of it a voice can say."""

from __future__ import annotations

import re
import unicodedata

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NAMED_LINK = re.compile(r"\[([^\]]*)\]\((?:[^)]*)\)")
_LINE_MARK = re.compile(r"(?m)^\s*(?:#{1,6}\s+|[-*•]\s+|>\s+|\d{1,2}[.)]\s+(?=\S))")
_SPACE = re.compile(r"\s+")
_MARKS = str.maketrans("", "", "*_`~#|<>\\^{}[]")
_QUOTES = str.maketrans("", "", '"“”«»「」『』()（）')
_BEFORE_POINT = re.compile(r"\s+([,.!?;:…])")
_KEPT_SYMBOLS = "+=%&$€£°@"


def caption_text(text: str) -> str:
    """One line for the screen: no control characters, no markup, single spaces."""
    text = _LINE_MARK.sub("", _NAMED_LINK.sub(r"\1", text)).replace("`", "").replace("**", "")
    if not (text.isascii() and text.isprintable()):  # the quick way: it is on the way to sound
        text = "".join(
            char if unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"} else " "
            for char in text
        )
    text = _SPACE.sub(" ", text).strip()
    return (
        text if any(not unicodedata.category(char).startswith(("P", "Z")) for char in text) else ""
    )


def speech_text(caption: str) -> str:
    """The part of a caption that can be said; empty if there is none."""
    text = _LINK.sub(" the link ", caption).translate(_MARKS).translate(_QUOTES)
    # nothing else of ASCII is left that cannot be said
    if not (text.isascii() and text.isprintable()):
        text = "".join(char if _sayable(char) else " " for char in text)
    text = _BEFORE_POINT.sub(r"\1", _SPACE.sub(" ", text)).strip()
    return text if any(char.isalnum() for char in text) else ""


def heard_text(text: str, heard: float) -> str:
    """The words of ``text`` that were audible when its sound stopped at the part ``heard``."""
    if heard >= 1.0:
        return text
    words = text.split()
    letters = sum(len(word) for word in words) * max(0.0, heard)
    kept: list[str] = []
    spent = 0
    for word in words:
        spent += len(word)
        if spent > letters + 0.5:
            break
        kept.append(word)
    return " ".join(kept)


def _sayable(char: str) -> bool:
    category = unicodedata.category(char)
    if category.startswith("S"):
        return char in _KEPT_SYMBOLS
    return not category.startswith("C")  # format characters join emoji
