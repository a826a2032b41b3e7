"""What opens over the main screen: a question, a page of text, the palette."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.commands import BY_ID, Entry, search
from tui.model.text import cut, fit, wrap
from tui.panels.pane import Pane, plain, title

FOLLOW_S = 1.0  # between two looks at what grows
PANIC = Binding(BY_ID["dump"].key, "app.panic", show=False, id="dump")
"""Works over whatever is open, except while something is typed."""


@dataclass(frozen=True)
class Option:
    """An answer: its key, what it says, and the value the question ends with."""

    value: str
    key: str
    label: str


class Choice(ModalScreen[str]):
    """A question. Enter takes the marked answer, a key its own, Escape the empty one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab,left", "move(-1)", show=False),
        Binding("down,tab,right", "move(1)", show=False),
        Binding("enter", "take", show=False),
        Binding("escape", "dismiss('')", show=False),
        PANIC,
    ]

    def __init__(
        self,
        question: str,
        text: str,
        options: Sequence[Option],
        *,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(id=id)
        self.question = question
        self._text = text
        self._options = tuple(options)
        self._at = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(id="said", markup=False)

    def on_mount(self) -> None:
        self._draw_said()

    def action_move(self, steps: int) -> None:
        self._at = (self._at + steps) % len(self._options)
        self._draw_said()

    def action_take(self) -> None:
        self.dismiss(self._options[self._at].value)

    def on_key(self, event: events.Key) -> None:
        for option in self._options:
            if event.character == option.key:
                event.stop()
                self.dismiss(option.value)
                return

    def on_resize(self) -> None:
        self._draw_said()

    def _draw_said(self) -> None:
        width = max(20, min(58, self.app.size.width - 8))
        said = Text()
        said.append(f"{self.question}\n", "bold")
        for line in wrap(self._text, width):
            said.append(f"{line}\n")
        for at, option in enumerate(self._options):
            said.append("\n")
            marked = at == self._at
            said.append(" ▸ " if marked else "   ", "bold cyan")
            said.append(option.key, "bold cyan")
            said.append(f"  {cut(option.label, width - 6)}", "bold" if marked else "")
        self.query_one("#said", Static).update(said)


class Page(ModalScreen[None]):
    """A page of text to scroll in: help, logs, one message, the answer to a command.

    With ``again`` it is one that grows: as long as its end is in sight it asks for more.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("pagedown,space", "scroll(15)", show=False),
        Binding("home,g", "scroll(-1000000)", show=False),
        Binding("end,G", "scroll(1000000)", show=False),
        Binding("c", "copy", show=False),
        Binding("escape,q,enter", "dismiss", show=False),
        PANIC,
    ]

    def __init__(
        self,
        name: str,
        lines: Sequence[Text | str],
        copied: Callable[[str], None],
        *,
        again: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.heading = name
        self._source = list(lines)
        self._copied = copied
        self._again = again
        self._at_end = again is not None
        self._at = 0

    def compose(self) -> ComposeResult:
        yield Pane(self._draw, id="page")
        yield Pane(self._foot, id="footer")

    def on_mount(self) -> None:
        self._flush()
        if self._again is not None:
            self.set_interval(FOLLOW_S, self.follow)

    def follow(self) -> None:
        """Ask for more, unless somebody reads further up."""
        if self._again is not None and self._at_end:
            self._again()

    def update(self, lines: Sequence[Text | str]) -> None:
        """Other text; whoever reads stays where they are."""
        self._source = list(lines)
        if self.is_attached:
            self._flush()

    @property
    def text(self) -> str:
        """All of it, without styles."""
        return "\n".join(str(line) for line in self._source)

    def action_scroll(self, steps: int) -> None:
        self._at = max(0, self._at + steps)
        self._at_end = False
        self._flush()

    def action_copy(self) -> None:
        self._copied(self.text)

    def _flush(self) -> None:
        for pane in self.query(Pane):
            pane.flush()

    def _draw(self, width: int, height: int) -> list[Text]:
        rows: list[Text] = []
        for line in self._source:
            if isinstance(line, Text):
                rows.append(line)
            else:
                rows.extend(plain(f" {row}") for row in wrap(line, width - 2) or [""])
        room = height - 1
        last = max(0, len(rows) - room)
        if self._again is not None and self._at >= last:
            self._at_end = True
        self._at = last if self._at_end else min(self._at, last)
        note = f"{self._at + 1}-{min(len(rows), self._at + room)} of {len(rows)}" if rows else ""
        if self._again is not None:
            note += " · live" if self._at_end else " · End: live"
        head = title(self.heading, width, focused=True, note=note)
        return [head, *rows[self._at : self._at + room]]

    def _foot(self, width: int, _: int) -> list[Text]:
        line = plain(" ")
        for key, what in (("Esc", "back"), ("↑↓ PgUp PgDn", "scroll"), ("c", "copy")):
            line.append(key, "bold cyan")
            line.append(f" {what}  ")
        line.truncate(width)
        return [line]


class Palette(ModalScreen[Entry | None]):
    """Everything that can be done, found by typing a part of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
        Binding("escape,ctrl+p", "dismiss(None)", show=False, priority=True),
    ]

    def __init__(self, entries: list[Entry], *, readonly: bool) -> None:
        super().__init__()
        self.entries = entries
        self._readonly = readonly
        self._found = entries
        self._at = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Input(placeholder="what do you want to do?", id="needle", compact=True)
            yield Pane(self._draw, id="found")

    def on_mount(self) -> None:
        needle = self.query_one(Input)
        needle.cursor_blink = False
        needle.focus()

    def action_move(self, steps: int) -> None:
        self._at = max(0, min(len(self._found) - 1, self._at + steps))
        self.query_one(Pane).flush()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._found = search(self.entries, event.value)
        self._at = 0
        self.query_one(Pane).flush()

    def on_input_submitted(self) -> None:
        self.dismiss(self._found[self._at] if self._found else None)

    def _draw(self, width: int, height: int) -> list[Text]:
        if not self._found:
            return [plain("nothing like that", "dim")]
        first = max(0, min(self._at - height // 2, len(self._found) - height))
        rows = []
        for at, entry in enumerate(self._found[first : first + height], start=first):
            disabled = entry.changes and self._readonly
            row = plain("▸ " if at == self._at else "  ")
            row.append(fit(entry.title, 26), "strike" if disabled else "bold")
            row.append(f" {fit(entry.key, 7)}", "cyan")
            row.append(cut(entry.summary, max(0, width - 36)), "dim")
            if at == self._at:
                row = plain(fit(row.plain, width), "reverse")
            rows.append(row)
        return rows
