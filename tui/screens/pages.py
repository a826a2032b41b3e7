"""The text of the pages: help, one message, the answer to a command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from ipc.operator import VERBS
from tui.commands import COMMANDS, key_name, usage
from tui.model.show import ChatLine, Show
from tui.model.text import clean, fit
from tui.panels.marks import OUTCOME_MARKS
from tui.panels.pane import plain
from tui.panels.talk import Clock

_ANSWER_LINES = 2000


def help_lines(keys: Mapping[str, str], *, readonly: bool) -> Iterator[Text]:
    """All keys by group, then every verb of the command line."""
    for group in dict.fromkeys(command.group for command in COMMANDS):
        yield plain(f" {group}", "bold cyan")
        for command in COMMANDS:
            if command.group == group:
                off = "dim strike" if readonly and command.changes else ""
                line = plain("   ")
                line.append(fit(key_name(keys[command.id]), 11), off or "bold")
                line.append(command.summary, off)
                yield line
        yield plain("")
    yield plain(" Commands, typed after :", "bold cyan")
    for verb in VERBS.values():
        off = "dim strike" if readonly and verb.changes else ""
        line = plain("   ")
        line.append(fit(usage(verb), 26), off or "bold")
        line.append(f" {verb.summary}", off)
        yield line
    yield plain("")
    yield plain(" Escape closes what is open. Your own keys: [ui.keys] in config.toml.", "")


def message_lines(line: ChatLine, show: Show, clock: Clock) -> list[Text | str]:
    """One line of chat: who, when, what became of it and why."""
    glyph, word, style = OUTCOME_MARKS[line.outcome]
    rows: list[Text | str] = []
    for name, value, how in (
        ("author", line.author, "bold"),
        ("platform", line.platform, ""),
        ("time", clock(line.at), ""),
        ("outcome", f"{glyph} {word}", style),
        ("reason", line.reason, ""),
        ("turn", str(line.turn) if line.turn else "", ""),
    ):
        if value:
            row = plain(f" {name:<9}", "dim")
            row.append(value, how)
            rows.append(row)
    rows.extend(["", line.text])
    said = [clause.text for clause in show.clauses.values() if clause.turn == line.turn]
    if line.turn and said:
        rows.extend(["", plain(" answer", "dim"), " ".join(said)])
    return rows


def answer_lines(result: Any) -> list[str]:
    """Whatever a verb answered, for reading: strings as lines, tables indented."""
    if isinstance(result, dict) and isinstance(result.get("lines"), list):
        result = result["lines"]
    return list(_answer(result, 0))[:_ANSWER_LINES] or ["(nothing)"]


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
        for inner in value:
            yield from _answer(inner, depth)
    elif value is not None:
        yield pad + clean(str(value))
