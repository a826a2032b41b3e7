"""What waits for a person: lines the gate doubts, and replies that must not be said yet."""

from __future__ import annotations

from rich.text import Text

from ipc.protocol import Approval
from ipc.states import ShowMode
from tui.model.show import Show
from tui.model.text import cut, fit, wrap_at_most
from tui.model.view import View
from tui.panels.marks import MODE_MARKS, duration, persona_style
from tui.panels.pane import plain, title

_ROWS, _SELECTED_ROWS = 2, 6  # of the text of one item


def draw_approvals(show: Show, view: View, width: int, height: int, now: float) -> list[Text]:
    """Oldest first; the one that keys act on is marked and shown longer."""
    items = list(show.approvals.values())
    note = ""
    if items:
        note = f"{len(items)} waiting"
        if not view.readonly and width >= 60:
            note += " · a approve · e edit · N deny"
    head = [title("Approve", width, focused=view.focus == "approve", note=note)]
    if show.mode is not ShowMode.OPEN and height > 4:
        glyph, word, style = MODE_MARKS[show.mode]
        why = show.mode_reason or "set by the operator"
        head.append(plain(cut(f" {glyph} {word}: {why} · M changes it", width), style))
    room = height - len(head)
    if room <= 0:
        return head[:height]
    if not items:
        return [*head, plain(cut(" nothing waits for a person", width), "dim")]
    at = next((i for i, item in enumerate(items) if item.id == view.approval), 0)
    body: list[Text] = []
    for item in reversed(items[: at + 1]):
        block = _block(item, show, view, width, now)
        if body and len(body) + len(block) > room:
            break
        body[:0] = block
    for item in items[at + 1 :]:
        if len(body) >= room:
            break
        body += _block(item, show, view, width, now)
    return [*head, *body[:room]]


def _block(item: Approval, show: Show, view: View, width: int, now: float) -> list[Text]:
    selected = item.id == view.approval and view.focus == "approve"
    reply = item.kind == "reply"
    who = item.persona if reply else item.author
    top = plain("")
    top.append(" ▸ " if selected else "   ", "bold cyan")
    top.append("REPLY" if reply else "LINE", "reverse cyan" if reply else "reverse yellow")
    top.append(" " * (2 if reply else 3))
    top.append(cut(who, 16), f"bold {persona_style(who, show.personas)}" if reply else "bold")
    if item.at:
        top.append(f" {duration(now - item.at)}", "dim")
    top.append(" ")
    top.append(cut(item.why, max(0, width - top.cell_len - 1)), "yellow")
    rows = [plain(fit(top.plain, width), "reverse") if selected else top]
    if reply and (item.question or item.author):
        asked = plain("   ↳ ", "dim")
        asked.append(cut(f"{item.author}: {item.question}".strip(": "), width - 6), "dim")
        rows.append(asked)
    most = _SELECTED_ROWS if selected else _ROWS
    rows += [plain(f"   {row}") for row in wrap_at_most(item.text, max(4, width - 4), most)]
    return rows
