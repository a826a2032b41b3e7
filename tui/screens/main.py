"""The screen: eight panes, one line to type in, and where they go at each size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.commands import COMMANDS
from tui.model.show import Show
from tui.model.view import View
from tui.panels.machine import draw_footer, draw_log, draw_status, draw_tabs, draw_workers
from tui.panels.pane import Pane
from tui.panels.talk import Clock, draw_chat, draw_memory, draw_tokens, draw_transcript

WIDE_COLUMNS, WIDE_ROWS = 110, 32  # from here on everything fits at once
TALL_ROWS = 52

TAB_PANES: dict[str, tuple[str, ...]] = {
    "show": ("chat", "transcript", "tokens"),
    "workers": ("workers",),
    "memory": ("memory",),
    "log": ("log",),
}
PANES = ("chat", "transcript", "tokens", "memory", "workers", "log")
_SIDE = ("transcript", "tokens", "memory")

PROMPTS = {"chat": "chat › ", "say": "say › ", "command": ": ", "filter": "/ "}


class MainScreen(Screen[None]):
    """Lays panes out and takes typed lines; what keys do is decided by the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(command.key, f"app.perform('{command.id}')", command.short, id=command.id)
            for command in COMMANDS
        ),
        Binding("escape", "close", show=False),
        Binding("ctrl+c", "app.perform('quit')", show=False),
    ]

    def __init__(
        self,
        show: Show,
        view: View,
        keys: Mapping[str, str],
        now: Callable[[], float],
        clock: Clock,
        typed: Callable[[str, str], None],
    ) -> None:
        super().__init__()
        self._show_state = show
        self._view = view
        self._keys = keys
        self._now = now
        self._clock = clock
        self._typed = typed
        self.mode = ""

    def compose(self) -> ComposeResult:
        show, view, clock = self._show_state, self._view, self._clock
        yield Pane(lambda w, _: [draw_status(show, view, w, self._now())], id="status")
        yield Pane(lambda w, _: [draw_tabs(show, view, w)], id="tabs")
        with Container(id="top"):
            yield Pane(lambda w, h: draw_chat(show, view, w, h, clock), id="chat")
            with Container(id="side"):
                yield Pane(lambda w, h: draw_transcript(show, view, w, h), id="transcript")
                yield Pane(lambda w, h: draw_tokens(show, view, w, h), id="tokens")
                yield Pane(lambda w, h: draw_memory(show, view, w, h), id="memory")
        yield Pane(lambda w, h: draw_workers(show, view, w, h), id="workers")
        yield Pane(lambda w, h: draw_log(show, view, w, h, clock), id="log")
        with Horizontal(id="entry"):
            yield Static(id="prompt", markup=False)
            yield Input(id="line", compact=True, select_on_focus=False, disabled=True)
        yield Pane(lambda w, _: [draw_footer(view, self._keys, w)], id="footer")

    def on_mount(self) -> None:
        self.query_one("#line", Input).cursor_blink = False
        self.lay_out()

    def on_resize(self) -> None:
        self.lay_out()

    def pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    @property
    def panes_shown(self) -> tuple[str, ...]:
        """Panes on screen now, in the order Tab visits them."""
        view = self._view
        if view.zoomed:
            return (view.zoomed,)
        return PANES if view.wide else TAB_PANES[view.tab]

    def lay_out(self) -> None:
        """Show what fits this size, tab and zoom."""
        view = self._view
        width, height = self.app.size
        view.wide = width >= WIDE_COLUMNS and height >= WIDE_ROWS
        shown = self.panes_shown
        if view.focus not in shown:
            view.focus = shown[0]
        self.set_class(view.wide, "wide")
        self.set_class(not view.wide, "narrow")
        self.set_class(height >= TALL_ROWS, "tall")
        self.set_class(bool(view.zoomed), "zoom")
        for name in PANES:
            pane = self.pane(name)
            pane.display = name in shown
            pane.set_class(name == view.zoomed, "zoomed")
        side = any(name in shown for name in _SIDE)
        self.query_one("#side").display = side
        self.query_one("#side").set_class("chat" not in shown, "alone")
        self.query_one("#top").display = side or "chat" in shown
        self.query_one("#tabs").display = not view.wide and not view.zoomed
        self.call_after_refresh(self.flush)

    def flush(self) -> None:
        """Bring every visible pane up to date, as one write to the terminal."""
        with self.app.batch_update():
            for pane in self.query(Pane):
                pane.flush()

    # --- the line to type in ---

    def open_line(self, mode: str, text: str = "") -> None:
        """Ask for a line: chat, say, command or filter."""
        self.mode = mode
        self.query_one("#prompt", Static).update(f" {PROMPTS[mode]}")
        line = self.query_one("#line", Input)
        line.disabled = False
        line.value = text
        line.cursor_position = len(text)
        self.query_one("#entry").add_class("open")
        line.focus()

    def close_line(self) -> None:
        self.mode = ""
        line = self.query_one("#line", Input)
        self.query_one("#entry").remove_class("open")
        line.value = ""
        line.disabled = True
        self.set_focus(None)
        self.call_after_refresh(self.flush)

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.mode == "filter":
            self._view.needle = event.value
            self._view.cursor = ""
            self.flush()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        mode, text = self.mode, event.value
        self.close_line()
        self._typed(mode, text)

    def action_close(self) -> None:
        """Escape: one step back, the innermost first."""
        view = self._view
        if self.mode:
            if self.mode == "filter":
                view.needle = ""
            self.close_line()
        elif view.hint:
            view.hint = ""
        elif view.zoomed:
            view.zoomed = ""
            self.lay_out()
        elif view.needle:
            view.needle = ""
        else:
            view.follow()
        self.flush()
