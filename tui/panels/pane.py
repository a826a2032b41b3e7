"""The widget under every pane: lines in, and only the lines that changed go to the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.model.text import cut

_WHOLE_ROWS = 10_000
Draw = Callable[[int, int], list[Text]]
"""(width, height) in cells to at most ``height`` lines."""


def plain(text: str, style: str = "") -> Text:
    """A styled line of data. Never markup."""
    return Text(text, style=style, no_wrap=True, end="")


def title(
    name: str, width: int, *, focused: bool = False, note: str = "", note_style: str = ""
) -> Text:
    """The rule above a pane: its name, and a note at the right where there is room."""
    line = plain("")
    line.append("━━ " if focused else "── ", "cyan" if focused else "dim")
    line.append(name, "bold cyan" if focused else "bold")
    line.append(" ")
    room = width - line.cell_len
    note = cut(note, max(0, room - 5))
    tail = f" {note} " if note else ""
    rule = max(0, room - cell_len(tail) - (2 if note else 0))
    stroke, style = ("━", "cyan") if focused else ("─", "dim")
    line.append(stroke * rule, style)
    if note:
        line.append(tail, note_style or ("cyan" if focused else "dim"))
        line.append(stroke * 2, style)
    return line


class Pane(Widget, can_focus=False):
    """Draws what ``draw`` returns. ``flush`` compares and refreshes single lines."""

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"

    def __init__(self, draw: Draw, *, id: str, focusable: bool = False) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.can_focus = focusable
        self._draw = draw
        self._lines: list[Text] = []
        self.redrawn = 0  # lines sent so far

    @property
    def text(self) -> str:
        """What is visible, as plain text."""
        return "\n".join(line.plain.rstrip() for line in self._lines)

    def whole(self) -> str:
        """Everything the pane could show with room enough, as plain text."""
        lines = self._draw(max(self.size.width, 20), _WHOLE_ROWS)
        return "\n".join(line.plain.rstrip() for line in lines)

    def flush(self) -> None:
        """Draw again and refresh the lines that differ."""
        width, height = self.size
        if not width or not height or not self.display:
            return
        lines = self._draw(width, height)[:height]
        before, self._lines = self._lines, lines
        for y in range(max(len(lines), len(before))):
            old = before[y] if y < len(before) else None
            new = lines[y] if y < len(lines) else None
            if old != new or (old is not None and new is not None and old.style != new.style):
                self.redrawn += 1
                self.refresh(Region(0, y, width, 1))

    def on_resize(self, _: events.Resize) -> None:
        self._lines = []
        self.refresh()
        self.flush()

    def on_show(self) -> None:
        self.flush()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[y].copy()
        line.truncate(width)
        strip = Strip(line.render(self.app.console)).apply_style(self.rich_style)
        return strip.adjust_cell_length(width, self.rich_style)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  # Textual's signature
        return len(self._lines)
