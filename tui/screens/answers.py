"""What verbs answer, laid out for reading: shapes that are known nicely, any other plainly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from tui.model.text import clean, cut
from tui.panels.marks import duration
from tui.panels.pane import plain
from tui.screens.pages import facts, heading

_LINES = 2000
_TOLD = ("undone", "viewer", "here", "platform", "sent", "problem")  # in the hint after a deed


def done_sentence(verb: str, result: Any) -> tuple[str, str]:
    """What a verb that changes something came to, and how much it matters.

    A deed on a viewer is done here first and then on the platform, which may refuse.
    """
    told = {name: result[name] for name in _TOLD if name in result} if _table(result) else {}
    parts = []
    for name, value in told.items():
        inner = ", ".join(f"{key} {said}" for key, said in value.items()) if _table(value) else ""
        parts.append(clean(f"{name} {inner or value}", 160))
    warned = _table(result) and bool(result.get("refused") or result.get("problem"))
    return f"{verb}: {' · '.join(parts) or 'done'}", "warning" if warned else "info"


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def viewer_lines(known: Any, now: float) -> list[Text | str]:
    """What the chat worker knows of a viewer: names, counts, standing, last lines."""
    if not _table(known):
        return list(answer_lines(known))
    left = known.get("silenced_s")
    standing = [
        "banned" if known.get("banned") else "",
        f"silenced for another {duration(left)}" if isinstance(left, int | float) and left else "",
        "trusted" if known.get("trusted") else "",
    ]
    by = " ".join(clean(str(known.get(name) or ""), 100) for name in ("by", "reason")).strip()
    first, last = _ago(known.get("first_seen"), now), _ago(known.get("last_seen"), now)
    lines = facts(
        (
            ("names", ", ".join(_words(known.get("names"))), "bold"),
            ("login", _word(known.get("login")), ""),
            ("seen", f"first {first} ago, last {last} ago" if known.get("first_seen") else "", ""),
            ("lines", _word(known.get("lines")), ""),
            ("hits", _word(known.get("hits")), "yellow" if known.get("hits") else ""),
            ("standing", ", ".join(word for word in standing if word) or "none", "bold"),
            ("by", by, ""),
        )
    )
    for title, name, field in (("the gate found", "found", "why"), ("last lines", "said", "text")):
        entries = known.get(name)
        if isinstance(entries, list) and entries:
            lines.extend(["", heading(title)])
            for entry in reversed(entries):
                told = entry if _table(entry) else {field: entry}
                row = plain(f" {_ago(told.get('at'), now):>6} ", "dim")
                row.append(cut(_word(told.get(field)), 300))
                lines.append(row)
    return lines


def queue_lines(waiting: Any) -> list[Text | str]:
    """What waits to be answered, with its score and what made it."""
    if not isinstance(waiting, list) or not all(_table(row) for row in waiting):
        return list(answer_lines(waiting))
    lines: list[Text | str] = []
    for row in waiting:
        score, age = row.get("score"), row.get("age_s")
        line = plain(f" {score:>6.2f} " if isinstance(score, int | float) else "        ", "bold")
        if isinstance(age, int | float):
            line.append(f"{age:>4.0f} s ", "dim")
        line.append(f"{cut(_word(row.get('author')), 24)}: ", "cyan")
        line.append(cut(_word(row.get("text")), 200))
        lines.append(line)
        factors = row.get("factors")
        if _table(factors) and factors:
            made = " · ".join(f"{_word(name)} {_word(value)}" for name, value in factors.items())
            lines.append(plain(f"        {made}", "dim"))
    return lines or [" nothing waits"]


def _word(value: Any) -> str:
    return "" if value is None else clean(str(value), 300)


def _words(value: Any) -> list[str]:
    return [_word(word) for word in value] if isinstance(value, list) else []


def _ago(at: Any, now: float) -> str:
    """How long ago, in the largest unit of which there are some."""
    if not isinstance(at, int | float) or not at:
        return "?"
    seconds = max(0.0, now - at)
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def answer_lines(result: Any) -> list[str]:
    """Whatever a verb answered, for reading: strings as lines, tables indented."""
    if isinstance(result, dict) and isinstance(result.get("lines"), list):
        result = result["lines"]
    return list(_answer(result, 0))[:_LINES] or ["(nothing)"]


def _answer(value: Any, depth: int) -> Iterator[str]:
    pad = "\u00a0\u00a0" * depth  # wrapping keeps these
    if isinstance(value, bytes):
        yield f"{pad}({len(value)} bytes)"
    elif isinstance(value, str):
        for line in value.splitlines() or [""]:
            yield pad + clean(line)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                yield f"{pad}{clean(str(key), 80)}"
                yield from _answer(inner, depth + 1)
            elif isinstance(inner, bytes):
                yield f"{pad}{clean(str(key), 80)}: ({len(inner)} bytes)"
            else:
                yield f"{pad}{clean(str(key), 80)}: {clean(str(inner))}"
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            if number and isinstance(inner, dict):
                yield ""
            yield from _answer(inner, depth)
    elif value is not None:
        yield pad + clean(str(value))
