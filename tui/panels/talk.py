"""Transcript, tokens and memory: what is said and why."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.cells import cell_len
from rich.text import Text

from ipc.states import TurnOutcome
from tui.model.lines import Clause, Turn
from tui.model.show import WITHHELD, Show
from tui.model.text import clean, cut, wrap, wrap_at_most
from tui.model.view import View
from tui.panels.marks import OUTCOME_MARKS, bar, persona_style
from tui.panels.pane import plain, title

Clock = Callable[[float], str]
"""Wall-clock seconds to the text of a time."""


def local_clock(at: float) -> str:
    """Hours and minutes where the operator sits."""
    return time.strftime("%H:%M", time.localtime(at)) if at else "--:--"


def counted(number: int, one: str, many: str) -> str:
    """``1 line``, ``2 lines``."""
    return f"{number:,} {one if number == 1 else many}"


def draw_transcript(show: Show, view: View, width: int, height: int) -> list[Text]:
    """What she said, newest at the bottom; what was cut before it was heard is struck out."""
    spoken = list(show.clauses.values())
    turns = {clause.turn for clause in spoken}
    head = title(
        "Transcript",
        width,
        focused=view.focus == "transcript",
        note=counted(len(turns), "reply", "replies") if turns else "",
    )
    room = height - 1
    body: list[Text] = []
    for turn in reversed(list(dict.fromkeys(clause.turn for clause in spoken))):
        body[:0] = _turn_rows(show, [c for c in spoken if c.turn == turn], width)
        if len(body) >= room:
            break
    if not body:
        body = [plain(cut(" nothing said yet", width), "dim")]
    return [head, *body[-room:]] if room > 0 else [head]


def _turn_rows(show: Show, clauses: list[Clause], width: int) -> list[Text]:
    speaker = clauses[-1].speaker
    turn = show.turns.get(clauses[0].turn)
    style = persona_style(speaker, show.personas)
    rows: list[Text] = []
    if turn is not None and turn.author and turn.text:
        lines = (show.line(message_id) for message_id in turn.message_ids)
        gone = turn.outcome is TurnOutcome.REMOVED or any(line and line.removed for line in lines)
        rows.append(_asked(turn, width, gone=gone))
    words = Text(end="")
    for clause in clauses:
        if len(words):
            words.append(" ")
        _append_clause(words, clause)
    name = cut(speaker, max(4, width // 4))
    indent = cell_len(name) + 2
    for number, (start, end) in enumerate(_spans(words.plain, max(4, width - indent - 1))):
        row = plain(" ")
        row.append(name if number == 0 else " " * cell_len(name), f"bold {style}")
        row.append(" ")
        row.append_text(words[start:end])
        rows.append(row)
    return rows


def _asked(turn: Turn, width: int, *, gone: bool) -> Text:
    """What a reply answers; struck out where that has been removed."""
    row = plain(" ↳ ", "dim")
    if not gone:
        row.append(cut(f"{turn.author}: {turn.text}", width - 4), "dim")
        return row
    glyph, word, style = OUTCOME_MARKS[TurnOutcome.REMOVED]
    row.append(cut(f"{turn.author}: {turn.text}", width - 6 - len(word)), "dim strike")
    row.append(f" {glyph} {word}", style)
    return row


def _append_clause(words: Text, clause: Clause) -> None:
    if clause.verdict in WITHHELD:
        held = clause.verdict == "hold"
        what = "? held for approval" if held else "⊘ withheld by the gate"
        why = f": {clause.why}" if clause.why else ""
        words.append(f"{what}{why}", "yellow" if held else "red")
        return
    text = clause.text + (" ⊘" if clause.verdict == "mask" else "")
    if not clause.over:
        words.append(text, "bold")
        return
    heard = round(len(text) * clause.heard)
    words.append(text[:heard])
    if heard < len(text):
        words.append("▏" if heard else "", "yellow")
        words.append(text[heard:], "dim strike")


def _spans(text: str, width: int) -> list[tuple[int, int]]:
    """Where each wrapped row of ``text`` begins and ends, in characters."""
    spans = []
    at = 0
    for row in wrap(text, width):
        start = text.find(row, at)
        if start < 0:
            start = at
        at = start + len(row)
        spans.append((start, at))
    return spans


def draw_tokens(show: Show, view: View, width: int, height: int) -> list[Text]:
    """The tail of the text being generated; its height never changes."""
    turn = show.turns.get(show.token_turn)
    if not show.token_turn:
        note = ""
    else:
        what = "done" if show.tokens_done else "writing"
        note = f"turn {show.token_turn} · {what}"
        if turn is not None and turn.author:
            note = f"for {turn.author} · {note}"
    head = title("Tokens", width, focused=view.focus == "tokens", note=note)
    room = height - 1
    if room <= 0:
        return [head]
    if not show.tokens:
        return [head, plain(cut(" nothing generated yet", width), "dim")]
    tail = show.tokens[-(room + 1) * width :]
    rows = wrap(tail.strip(), max(2, width - 2))[-room:]
    style = "dim" if show.tokens_done else ""
    body = [plain(f" {row}", style) for row in rows]
    if not show.tokens_done:
        body[-1].append("▌", "cyan")
    return [head, *body]


def draw_memory(show: Show, view: View, width: int, height: int) -> list[Text]:
    """What memory gave for the newest turn, best first, with its similarity."""
    recall = show.recall
    note = ""
    if recall is not None:
        late = "late, not used" if recall.late else counted(len(recall.hits), "hit", "hits")
        note = f"turn {recall.turn} · {late}"
    head = title("Memory", width, focused=view.focus == "memory", note=note)
    room = height - 1
    if recall is None or room <= 0:
        return [head, plain(cut(" nothing recalled yet", width), "dim")][: max(1, height)]
    body: list[Text] = []
    if recall.query and room > 2:
        asked = plain(" ? ", "dim")
        asked.append(cut(clean(recall.query), width - 4), "dim")
        body.append(asked)
    rows_each = max(1, (room - len(body)) // max(1, len(recall.hits)))
    for hit in sorted(recall.hits, key=lambda hit: -hit.score):
        who = cut(clean(hit.who, 60), 12)
        text = clean(hit.text)
        if who and not text.startswith(f"{who}:"):
            text = f"{who}: {text}"
        for number, row in enumerate(wrap_at_most(text, max(4, width - 14), rows_each)):
            line = plain(" ")
            if number == 0:
                line.append_text(bar(hit.score, 6, "cyan"))
                line.append(f" {hit.score:.2f} ", "bold")
            else:
                line.append(" " * 12)
            line.append(row)
            body.append(line)
    if not recall.hits:
        nothing = (
            "the answer did not wait for it" if recall.late else "nothing similar is remembered"
        )
        body.append(plain(cut(f" {nothing}", width), "dim"))
    return [head, *body[:room]]
