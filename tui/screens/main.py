"""The screen: nine panes, one line to type in, and where they go at each size."""

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
from tui.panels.approve import draw_approvals
from tui.panels.chat import draw_chat
from tui.panels.machine import draw_footer, draw_log, draw_status, draw_tabs, draw_workers
from tui.panels.pane import Pane
from tui.panels.talk import Clock, draw_memory, draw_tokens, draw_transcript

WIDE_COLUMNS, WIDE_ROWS = 110, 32  # from here on everything fits at once
TALL_ROWS, SHORT_ROWS = 52, 40

TAB_PANES: dict[str, tuple[str, ...]] = {
    "show": ("chat", "transcript", "tokens"),
    "workers": ("workers",),
    "memory": ("memory",),
    "log": ("log",),
    "approve": ("approve",),
}
PANES = ("chat", "transcript", "approve", "tokens", "memory", "workers", "log")
_SIDE = ("transcript", "approve", "tokens", "memory")

Typed = Callable[[str], None]


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
    ) -> None:
        super().__init__()
        self._show_state = show
        self._view = view
        self._keys = keys
        self._now = now
        self._clock = clock
        self._laid_out: tuple[str, ...] = ()
        self._done: Typed | None = None  # while a line is open
        self._changed: Typed | None = None

    def compose(self) -> ComposeResult:
        show, view, clock, now = self._show_state, self._view, self._clock, self._now
        yield Pane(lambda w, _: [draw_status(show, view, w, now())], id="status")
        yield Pane(lambda w, _: [draw_tabs(show, view, w)], id="tabs")
        with Container(id="top"):
            yield Pane(lambda w, h: draw_chat(show, view, w, h, clock, now()), id="chat")
            with Container(id="side"):
                yield Pane(lambda w, h: draw_transcript(show, view, w, h), id="transcript")
                yield Pane(lambda w, h: draw_approvals(show, view, w, h, now()), id="approve")
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
        if not view.wide:
            return TAB_PANES[view.tab]
        if not self._show_state.approvals and view.focus != "approve":
            return tuple(name for name in PANES if name != "approve")
        short = self.app.size.height < SHORT_ROWS and view.focus != "memory"
        return tuple(name for name in PANES if name != "memory") if short else PANES

    def go_to(self, pane: str) -> None:
        """Bring a pane to the front and make it the one that keys are about."""
        view = self._view
        view.tab = next(tab for tab, panes in TAB_PANES.items() if pane in panes)
        view.zoomed = ""
        view.focus = pane
        self.lay_out()

    def lay_out(self) -> None:
        """Show what fits this size, tab and zoom."""
        view = self._view
        width, height = self.app.size
        view.wide = width >= WIDE_COLUMNS and height >= WIDE_ROWS
        shown = self.panes_shown
        if view.focus not in shown:
            view.focus = shown[0]
        shown = self._laid_out = self.panes_shown
        self.set_class(view.wide, "wide")
        self.set_class(not view.wide, "narrow")
        self.set_class(height >= TALL_ROWS, "tall")
        self.set_class(height < SHORT_ROWS, "short")
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

    def flush(self, *, only: tuple[str, ...] = (), resting: tuple[str, ...] = ()) -> None:
        """Bring the visible panes up to date, as one write to the terminal."""
        if self.panes_shown != self._laid_out:  # something came to be approved, or was
            self.lay_out()
        with self.app.batch_update():
            for pane in self.query(Pane):
                if pane.id not in resting and (not only or pane.id in only):
                    pane.flush()

    # --- the line to type in ---

    def open_line(
        self, prompt: str, done: Typed, text: str = "", *, changed: Typed | None = None
    ) -> None:
        """Ask for a line. ``done`` gets it on Enter; ``changed`` at every key, and "" if it is
        given up."""
        self._done, self._changed = done, changed
        self.query_one("#prompt", Static).update(f" {prompt}")
        line = self.query_one("#line", Input)
        line.disabled = False
        line.value = text
        line.cursor_position = len(text)
        self.query_one("#entry").add_class("open")
        line.focus()

    def close_line(self) -> None:
        self._done = self._changed = None
        line = self.query_one("#line", Input)
        self.query_one("#entry").remove_class("open")
        line.value = ""
        line.disabled = True
        self.set_focus(None)
        self.call_after_refresh(self.flush)

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._changed is not None:
            self._changed(event.value)
            self.flush()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        done, text = self._done, event.value
        self.close_line()
        if done is not None:
            done(text)
        self.flush()

    def action_close(self) -> None:
        """Escape: one step back, the innermost first."""
        view = self._view
        if self._done is not None:
            if self._changed is not None:
                self._changed("")
            self.close_line()
        elif view.hint:
            view.hint = ""
        elif view.zoomed:
            view.zoomed = ""
            self.lay_out()
        elif view.needle:
            view.needle = ""
        else:
            view.follow(self._show_state)
        self.flush()
