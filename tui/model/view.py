"""What the operator looks at: cursor, filter, selection. Plain state beside the show's."""

from __future__ import annotations

from dataclasses import dataclass

from tui.model.show import ChatLine, Show

TABS = ("show", "workers", "memory", "log")


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
    log_back: int = 0  # entries scrolled back from the newest
    log_seen: int = 0
    chat_seen: int = 0
    hint: str = ""  # answer to the last key, until the next one
    hint_level: str = "info"

    def move(self, show: Show, steps: int) -> None:
        """Move the selection of the focused pane; down past the newest follows again."""
        if self.focus == "workers":
            names = show.worker_names
            if names:
                at = names.index(self.worker) if self.worker in names else 0
                self.worker = names[max(0, min(len(names) - 1, at + steps))]
        elif self.focus == "log":
            self.log_back = max(0, min(len(show.log) - 1, self.log_back - steps))
        elif self.focus == "chat":
            self._move_chat(show.matching(self.needle), steps)

    def _move_chat(self, lines: list[ChatLine], steps: int) -> None:
        if not lines:
            self.cursor = ""
            return
        ids = [line.id for line in lines]
        at = ids.index(self.cursor) + steps if self.cursor in ids else len(ids) - 1 + min(steps, 0)
        if self.cursor not in ids and steps < 0:
            at = len(ids) + steps
        self.cursor = "" if at >= len(ids) else ids[max(0, at)]

    def follow(self) -> None:
        """Back to the newest everywhere."""
        self.cursor = ""
        self.log_back = 0

    def selected(self, show: Show) -> ChatLine | None:
        """The chat line under the cursor, or the newest one."""
        lines = show.matching(self.needle)
        if self.cursor:
            return next((line for line in lines if line.id == self.cursor), None)
        return lines[-1] if lines else None

    def selected_worker(self, show: Show) -> str:
        """The worker that keys act on; empty before any is known."""
        names = show.worker_names
        return self.worker if self.worker in names else (names[0] if names else "")
