"""Text of strangers made fit for a terminal: no control characters, measured in cells.

A cell is one column of the terminal: wide scripts and emoji take two, combining marks none.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, chop_cells

MAX_CHARS = 2000  # of one message kept on screen; the record has all of it
_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_JOINERS = frozenset("\u200c\u200d")  # scripts and emoji sequences need them
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))  # control, format (bidi too), surrogates
_HARMLESS = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff"  # ASCII and Latin, without the soft hyphen
    "\u0400-\u0482\u048a-\u052f"  # Cyrillic, without its combining marks
    "\u2010-\u2027\u3001-\u3029\u3041-\u3096\u30a0-\u30ff"  # dashes and quotes, kana
    "\u4e00-\u9ffc\uac00-\ud7a3\uff01-\uff5e"  # ideographs, Hangul, full width
    "\U0001f300-\U0001f64f]*"  # most emoji
)
"""What nearly every line consists of. Whatever else there is is looked at one by one."""
_STACKED = 4  # combining marks on one letter; more is an attack on the line above


def clean(text: str, limit: int = MAX_CHARS) -> str:
    """One line without anything a terminal could obey, at most ``limit`` characters."""
    cut_short = len(text) > limit
    text = text[:limit]
    if not _HARMLESS.fullmatch(text):
        text = "".join(_harmless(text))
    return text + "…" if cut_short else text


def _harmless(text: str) -> list[str]:
    kept: list[str] = []
    marks = 0
    for char in text:
        if char in _SPACES:
            kept.append(" ")
        elif char in _JOINERS:
            kept.append(char)
        elif (category := unicodedata.category(char)) in _DROPPED:
            continue
        elif category in {"Mn", "Me"}:
            marks += 1
            if marks <= _STACKED:
                kept.append(char)
            continue
        else:
            kept.append(char)
        marks = 0
    return kept


def cut(text: str, width: int) -> str:
    """At most ``width`` cells, with an ellipsis where something is missing."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    pieces = chop_cells(text, width - 1) if width > 1 else []
    return (pieces[0] if pieces else "") + "…"


def fit(text: str, width: int) -> str:
    """Exactly ``width`` cells: cut or padded on the right."""
    short = cut(text, width)
    return short + " " * (width - cell_len(short))


def fit_right(text: str, width: int) -> str:
    """Exactly ``width`` cells: cut or padded on the left."""
    short = cut(text, width)
    return " " * (width - cell_len(short)) + short


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces where there are any."""
    if width < 2:
        return [cut(text, width)] if text else []
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        if cell_len(word) <= width:
            line = word
        else:
            *full, line = chop_cells(word, width)
            lines.extend(full)
    if line:
        lines.append(line)
    return lines


def wrap_at_most(text: str, width: int, most: int) -> list[str]:
    """Like ``wrap``, but the ``most``-th line is the last and says so with an ellipsis."""
    lines = wrap(text, width)
    if len(lines) > most:
        lines = [
            *lines[: most - 1],
            cut(lines[most - 1] + " " + lines[most], width - 1).rstrip("…"),
        ]
        lines[-1] += "…"
    return lines
