"""What the operator looks at: cursor, filter, selection. Plain state beside the show's."""

from __future__ import annotations

from dataclasses import dataclass

from ipc.protocol import Approval
from tui.model.lines import ChatLine
from tui.model.show import Show

TABS = ("show", "workers", "memory", "log", "approve")


@dataclass
class View:
    """Choices of the person at this terminal; never sent to the show."""

    readonly: bool = False
    wide: bool = True
    tab: str = "show"
    zoomed: str = ""
    focus: str = "chat"
    cursor: str = ""  # message id; empty follows the newest
    needle: str = ""
    worker: str = ""
    approval: str = ""  # id; only a key of the operator ever moves it
    log_back: int = 0  # entries scrolled back from the newest
    log_seen: int = 0
    chat_seen: int = 0
    hint: str = ""  # answer to the last key, until the next one
    hint_level: str = "info"

    def move(self, show: Show, steps: int) -> None:
        """Move the selection of the focused pane; down past the newest follows again."""
        if self.focus == "workers":
            self.worker = _moved(show.worker_names, self.worker, steps)
        elif self.focus == "log":
            self.log_back = max(0, min(len(show.log) - 1, self.log_back - steps))
        elif self.focus == "approve":
            first = not self.approval or self.approval not in show.approvals
            self.approval = _moved(list(show.approvals), self.approval, 0 if first else steps)
        elif self.focus == "chat":
            self._move_chat(show, steps)

    def _move_chat(self, show: Show, steps: int) -> None:
        """Chat stands still while a line of it is selected."""
        if not self.cursor and steps > 0:
            return
        show.pause()
        ids = [line.id for line in show.matching(self.needle)]
        at = (ids.index(self.cursor) if self.cursor in ids else len(ids)) + steps
        if at >= len(ids) or not ids:
            self.follow(show)
        else:
            self.cursor = ids[max(0, at)]

    def follow(self, show: Show) -> None:
        """Back to the newest everywhere."""
        self.cursor = ""
        show.resume()
        self.log_back = 0

    def selected(self, show: Show) -> ChatLine | None:
        """The chat line under the cursor, or the newest one."""
        if self.cursor:
            return self.pointed_at(show)
        lines = show.matching(self.needle)
        return lines[-1] if lines else None

    def pointed_at(self, show: Show) -> ChatLine | None:
        """The chat line under the cursor. None while the newest is followed: it moves."""
        return show.line(self.cursor) if self.cursor else None

    def selected_worker(self, show: Show) -> str:
        """The worker that keys act on; empty before any is known."""
        names = show.worker_names
        return self.worker if self.worker in names else (names[0] if names else "")

    def selected_approval(self, show: Show) -> Approval | None:
        """What approve, deny and edit act on. None if it is gone, or nothing was selected."""
        return show.approvals.get(self.approval)

    def after_approval(self, show: Show) -> None:
        """The one under the cursor was dealt with: point at the next, or at the one before."""
        ids = list(show.approvals)
        if self.approval in ids:
            at = ids.index(self.approval)
            rest = ids[at + 1 :] or ids[:at][-1:]
            self.approval = rest[0] if rest else ""


def _moved(names: list[str], now: str, steps: int) -> str:
    if not names:
        return ""
    at = names.index(now) if now in names else 0
    return names[max(0, min(len(names) - 1, at + steps))]
