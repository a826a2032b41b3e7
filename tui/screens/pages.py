"""The text of the pages: help, one message, one approval, how chat comes in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.text import Text

from ipc.operator import VERBS
from ipc.protocol import Approval
from ipc.states import ChatKind, TurnOutcome
from tui.commands import COMMANDS, key_name, usage
from tui.model.lines import ChatLine
from tui.model.show import WITHHELD, Show
from tui.model.text import clean, cut, fit
from tui.panels.marks import OUTCOME_MARKS, ROLE_MARKS
from tui.panels.pane import plain
from tui.panels.talk import Clock

_LINES_OF_A_VIEWER = 12
_USAGE_CELLS = 25
_ROLE_WORDS = {"first": "writes for the first time"}


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
    yield from _legend()
    yield plain("")
    yield plain(" Commands, typed after :", "bold cyan")
    for verb in VERBS.values():
        off = "dim strike" if readonly and verb.changes else ""
        line = plain("   ")
        typed = usage(verb)
        line.append(typed if len(typed) > _USAGE_CELLS else fit(typed, _USAGE_CELLS), off or "bold")
        line.append(f"  {verb.summary}", off)
        yield line
    yield plain("")
    yield plain(" Escape closes what is open. Your own keys: [ui.keys] in config.toml.", "")


def _legend() -> Iterator[Text]:
    """What the marks before a name in the chat mean."""
    yield plain(" Marks in the chat", "bold cyan")
    yield plain("   the small letter is the platform, once there are several", "")
    marks = [
        *((glyph, word, style) for glyph, word, style in OUTCOME_MARKS.values()),
        *((letter, _ROLE_WORDS.get(role, role), how) for role, (letter, how) in ROLE_MARKS.items()),
    ]
    for at in range(0, len(marks), 2):
        line = plain("   ")
        for glyph, word, style in marks[at : at + 2]:
            line.append(glyph, style)
            line.append(f" {fit(word, 28)}")
        line.rstrip()
        yield line


def heading(name: str) -> Text:
    """The rule over a part of a page."""
    return plain(f" {name}", "bold cyan")


def facts(rows: Iterable[tuple[str, str, str]]) -> list[Text | str]:
    """Name, value and its style; what is empty is left out."""
    lines: list[Text | str] = []
    for name, value, how in rows:
        if value:
            row = plain(f" {name:<9}", "dim")
            row.append(value, how)
            lines.append(row)
    return lines


def message_lines(line: ChatLine, show: Show, clock: Clock) -> list[Text | str]:
    """One line of chat: who, when, what became of it and why; what else its viewer wrote."""
    glyph, word, style = _mark(line)
    rows = facts(
        (
            ("author", line.author, "bold"),
            ("id", clean(line.author_id, 80), ""),
            ("is", ", ".join(["new here"] * line.first + [clean(r, 20) for r in line.roles]), ""),
            ("platform", line.platform, ""),
            ("time", clock(line.at), ""),
            ("reply to", line.reply_to, ""),
            ("event", "" if line.kind is ChatKind.LINE else line.kind.value, "magenta"),
            ("paid", line.paid_text, "bold yellow"),
            ("outcome", f"{glyph} {word}", style),
            ("reason", line.reason or line.held_why, ""),
            ("turn", str(line.turn) if line.turn else "", ""),
        )
    )
    rows.extend(["", line.content])
    said = [
        clause.text
        for clause in show.clauses.values()
        if clause.turn == line.turn and clause.verdict not in WITHHELD
    ]
    if line.turn and said:
        rows.extend(["", heading("answer"), " ".join(said)])
    others = [other for other in show.by(line.viewer) if other is not line]
    if others:
        rows.extend(["", heading("lines here")])
        for other in reversed(others[-_LINES_OF_A_VIEWER:]):
            glyph, _, style = _mark(other)
            row = plain(f" {clock(other.at)} ", "dim")
            row.append(glyph, style)
            row.append(f" {cut(other.content, 300)}", "dim strike" if other.removed else "")
            rows.append(row)
    return rows


def _mark(line: ChatLine) -> tuple[str, str, str]:
    return OUTCOME_MARKS[TurnOutcome.REMOVED if line.removed else line.outcome]


def approval_lines(item: Approval, clock: Clock) -> list[Text | str]:
    """All of what waits for a person."""
    reply = item.kind == "reply"
    rows = facts(
        (
            ("kind", "a reply she was about to say" if reply else "a line of chat", ""),
            ("why", item.why, "yellow"),
            ("speaker", item.persona if reply else "", "bold"),
            ("viewer", item.author, "bold"),
            ("time", clock(item.at), ""),
            ("id", clean(item.id, 80), "dim"),
        )
    )
    if item.question:
        rows.extend(["", heading("asked"), item.question])
    rows.extend(["", heading("not said yet" if reply else "wrote"), item.text])
    return rows


def intake_lines(show: Show) -> list[Text | str]:
    """How chat comes in, and what was passed over and why."""
    intake = show.intake
    if intake is None:
        return [" nothing has come in yet"]
    rows = facts(
        (
            ("rate", f"{intake.per_minute:,.0f} lines a minute", ""),
            ("answered", "as a crowd" if intake.crowd else "one by one", ""),
            ("waiting", f"{intake.waiting:,}", ""),
            ("merged", f"{intake.merged:,} said the same as another", ""),
            (
                "delay",
                f"{intake.to_queue_p50_ms:.0f} ms from socket to queue, "
                f"p99 {intake.to_queue_p99_ms:.0f} ms",
                "",
            ),
        )
    )
    if intake.passed_over:
        rows.extend(["", heading("passed over")])
        for reason, count in sorted(intake.passed_over.items(), key=lambda item: -item[1]):
            rows.append(f"{count:>9,}  {clean(reason, 120)}".replace("  ", "\u00a0\u00a0"))
    return rows
