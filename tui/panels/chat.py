"""The chat pane: who writes what on which platform, and what became of it."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from ipc.states import ChatKind, TurnOutcome
from tui.model.lines import ChatLine
from tui.model.show import Show
from tui.model.text import cut, fit, wrap_at_most
from tui.model.view import View
from tui.panels.marks import (
    KIND_MARKS,
    OUTCOME_MARKS,
    author_style,
    platform_mark,
    role_mark,
)
from tui.panels.pane import plain, title
from tui.panels.talk import Clock, counted

_ROWS = 3  # most rows of one line of chat
_AUTHOR_CELLS = 12
_FRESH_S = 15.0  # the director tells the rate about once a second while chat comes in


def draw_chat(
    show: Show, view: View, width: int, height: int, clock: Clock, now: float
) -> list[Text]:
    """Newest at the bottom, or around the cursor. Never more work than there are rows."""
    lines = show.matching(view.needle)
    head = title(
        "Chat",
        width,
        focused=view.focus == "chat",
        note=_note(show, view, lines, now),
        note_style="bold yellow" if show.paused else "",
    )
    room = height - 1
    if room <= 0:
        return [head]
    if not lines:
        empty = (
            f"no line of chat has {cut(view.needle, 30)!r} · Esc shows all"
            if view.needle
            else "no chat yet · i types a line"
        )
        return [head, plain(cut(f" {empty}", width), "dim")]
    several = len(show.platforms) > 1
    at = next((i for i, line in enumerate(lines) if line.id == view.cursor), len(lines) - 1)
    below: list[Text] = []
    if view.cursor:
        for line in lines[at + 1 :]:
            if len(below) >= room // 3:
                break
            below.extend(_rows(line, width, clock, several=several, selected=False))
        below = below[: room // 3]
    body: list[Text] = []
    for line in reversed(lines[: at + 1]):
        selected = bool(view.cursor) and line.id == view.cursor
        body[:0] = _rows(line, width, clock, several=several, selected=selected)
        if len(body) + len(below) >= room:
            break
    return [head, *(body + below)[-room:]]


def _note(show: Show, view: View, lines: list[ChatLine], now: float) -> str:
    """Paused or not, how fast chat comes in, and how much of it waits."""
    notes = [f"/{view.needle}"] if view.needle else []
    if show.paused:
        newer = show.chat_count - show.paused_at
        notes += ["paused", *([f"{newer:,} newer"] if newer else []), "End"]
        return " · ".join(notes)
    intake = show.intake
    if intake is not None and now - intake.at < _FRESH_S:
        notes.append(f"{intake.per_minute:,.0f}/min")
        if intake.crowd:
            notes.append("crowd")
    else:
        notes.append(counted(len(lines), "line", "lines"))
    waiting = (
        sum(1 for line in lines if line.outcome is None and not line.removed)
        if intake is None
        else show.queued
    )
    if waiting:
        notes.append(f"{waiting:,} waiting")
    return " · ".join(notes)


def _rows(line: ChatLine, width: int, clock: Clock, *, several: bool, selected: bool) -> list[Text]:
    glyph, word, style = OUTCOME_MARKS[TurnOutcome.REMOVED if line.removed else line.outcome]
    author_cells = min(_AUTHOR_CELLS, max(4, width // 5))
    indent = 11 + several + author_cells + 1
    room = max(4, width - indent)
    chip, chip_style = _chip(line, room)
    if line.removed:
        how = "dim strike"
    elif line.outcome is TurnOutcome.SHED:
        how = "dim"
    else:
        how = "bold" if chip else ""
    rows = wrap_at_most(f"{chip} {line.content}".strip(), room, _ROWS) or [""]
    note = ""
    if line.removed or line.outcome is TurnOutcome.HELD:
        why = line.reason if line.removed else line.held_why or line.reason
        note = cut(f"{glyph} {word}: {why}" if why else f"{glyph} {word}", room)
        if cell_len(rows[-1]) + 1 + cell_len(note) > room:
            rows.append("")
    result = []
    for number, row in enumerate(rows):
        text = _lead(line, clock, author_cells, several) if number == 0 else plain(" " * indent)
        begin = len(chip) if chip and number == 0 and row.startswith(chip) else 0
        text.append(row[:begin], f"reverse {chip_style}")
        text.append(row[begin:], how)
        if note and number == len(rows) - 1:
            text.append(f" {note}" if row else note, style)
        if selected:
            text = plain(fit(text.plain, width), "reverse")
        result.append(text)
    return result


def _lead(line: ChatLine, clock: Clock, author_cells: int, several: bool) -> Text:
    """Time, outcome, platform, role and name."""
    glyph, _, style = OUTCOME_MARKS[TurnOutcome.REMOVED if line.removed else line.outcome]
    text = plain(" ")
    text.append(clock(line.at), "dim")
    text.append(" ")
    text.append(glyph, style)
    text.append(" ")
    if several:
        text.append(*platform_mark(line.platform))
    text.append(*role_mark(line.roles, first=line.first))
    text.append(" ")
    text.append(fit(line.author, author_cells), author_style(line.author))
    text.append(" ")
    return text


def _chip(line: ChatLine, room: int) -> tuple[str, str]:
    """The word before what is paid for or no line at all, in one piece."""
    if line.kind is not ChatKind.LINE:
        word, style = KIND_MARKS[line.kind]
        word = f"{word} {line.paid_text}".strip()
    else:
        word, style = line.paid_text, "yellow"
    return cut(word, room // 2).replace(" ", "\u00a0"), style
