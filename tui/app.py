"""The terminal UI: follows a show, draws it at a steady rate, asks it for things.

The show is another process. Whatever happens to this one, the show goes on, unless the
operator chose "stop the show".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType

from ipc.endpoints import Endpoints
from ipc.errors import SparkError
from ipc.operator import VERBS
from ipc.protocol import Message, NoticeEvent, Snapshot
from tui.actions import ACTIONS
from tui.client import ShowClient
from tui.commands import BY_ID, keymap
from tui.keyboard import Keyboard
from tui.model.show import Show
from tui.model.text import clean
from tui.model.view import View
from tui.panels.talk import Clock, local_clock
from tui.screens.answers import answer_lines, done_sentence
from tui.screens.main import MainScreen
from tui.screens.over import Choice, Option, Page

HINT_S, LONG_HINT_S = 4.0, 8.0  # what went wrong takes longer to read
CHAT_REST_S = 0.5
FLOOD_LINES, FLOOD_REST_S = 12, 1.0  # this many at once are not read one by one
_COPY_CHARS = 60_000  # terminals refuse longer OSC 52 sequences


class Port(Protocol):
    """What the screen needs of a client; ``tui.client.ShowClient`` is one."""

    async def request(self, verb: str, timeout_s: float | None = None, **args: Any) -> Any: ...


class Connect(Protocol):
    """Makes the client, with the three callbacks it reports to."""

    def __call__(
        self,
        *,
        on_event: Callable[[Message], None],
        on_reset: Callable[[Snapshot], None],
        on_lost: Callable[[], None],
    ) -> AbstractAsyncContextManager[Port]: ...


class ShowApp(App[str]):
    """The screen of one show. Its result is "detached" or "stopped"."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Spark VTuber"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "perform('quit')", show=False, priority=True)
    ]

    main: MainScreen

    def __init__(
        self,
        connect: Connect,
        *,
        readonly: bool = False,
        rate_hz: float = 4.0,
        keys: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
        clock: Clock = local_clock,
        save_dir: Path | None = None,
    ) -> None:
        self.keys = keymap(keys or {})  # first: a ConfigError must not leave half an app
        super().__init__(driver_class=Keyboard, ansi_color=True)
        self.animation_level = "none"
        self.show: Show = Show()
        self.view: View = View(readonly=readonly)
        self.failure: SparkError | None = None
        self._connect = connect
        self._rate_hz = rate_hz
        self.now = now
        self.clock = clock
        self.save_dir = save_dir or Path.cwd()
        self._port: Port | None = None
        self._follower: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._dirty = True
        self._second = 0
        self._chat_count = 0  # of lines when chat was drawn last
        self._chat_rest = 0  # ticks until it is drawn again
        self._hint_until = 0.0

    # --- life ---

    def on_mount(self) -> None:
        self.set_keymap(self.keys)
        self.main = MainScreen(self.show, self.view, self.keys, self.now, self.clock)
        self.push_screen(self.main)
        self._follower = asyncio.get_running_loop().create_task(self._follow(), name="follow")
        self.set_interval(1 / self._rate_hz, self.tick)

    async def on_unmount(self) -> None:
        tasks = [*self._tasks, *([self._follower] if self._follower else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        try:
            async with self._connect(
                on_event=self._on_event, on_reset=self._on_reset, on_lost=self._on_lost
            ) as port:
                self._port = port
                await asyncio.Event().wait()  # until the app ends and cancels this
        except SparkError as error:
            self.failure = error
            self.exit()
        finally:
            self._port = None

    def _on_event(self, event: Message) -> None:
        self.show.apply(event)
        self._dirty = True
        if isinstance(event, NoticeEvent) and event.level != "info" and not self.view.wide:
            self._point_out(event)

    def _point_out(self, notice: NoticeEvent) -> None:
        """The small screen has no log in sight; what a snapshot retells is old."""
        if self.now() - notice.at < HINT_S:
            self.hint(f"{notice.source}: {notice.text}", notice.level)

    def _on_reset(self, snapshot: Snapshot) -> None:
        again = bool(self.show.epoch) and self.show.epoch != snapshot.epoch
        was_lost = self.show.lost
        self.show.reset(snapshot)
        self._dirty = True
        if was_lost and isinstance(self.screen, Choice) and self.screen.id == "lost":
            self.screen.dismiss("wait")
        if again:
            self.hint("the show was started again")

    def _on_lost(self) -> None:
        self.show.lost = True
        self._dirty = True
        if not isinstance(self.screen, Choice):
            self.push_screen(
                Choice(
                    "The show has ended.",
                    "Its supervisor is gone. If somebody starts it again, this screen goes on.",
                    [
                        Option("leave", "l", "leave"),
                        Option("wait", "w", "wait for it to come back"),
                    ],
                    id="lost",
                ),
                self._lost_answered,
            )

    def _lost_answered(self, answer: str | None) -> None:
        if answer == "leave":
            self.exit("stopped")

    # --- drawing ---

    def tick(self) -> None:
        """``rate_hz`` times a second: draw what has changed, chat at the pace of a reader."""
        self._chat_rest = max(0, self._chat_rest - 1)
        self.flush(resting=("chat",) if self._chat_rest else ())

    def flush(self, resting: tuple[str, ...] = ()) -> None:
        """Draw what has changed since the last time, but for the panes that rest."""
        second = int(self.now())
        view = self.view
        if view.hint and self.now() >= self._hint_until:
            view.hint = ""
            self._dirty = True
        if second != self._second:
            self._second = second
            self.main.flush(only=("status", "approve"))
        if not self._dirty:
            return
        self._dirty = bool(resting)  # what is left out now is drawn later
        if view.wide or view.tab == "log":
            view.log_seen = self.show.log_count
        if "chat" not in resting:
            self._chat_drawn()
        self.main.flush(resting=resting)

    def _chat_drawn(self) -> None:
        """Every line that comes in moves the whole pane: a flood is drawn less often."""
        newer = self.show.chat_count - self._chat_count
        self._chat_count = self.show.chat_count
        if self.view.wide or self.view.tab == "show":
            self.view.chat_seen = self.show.chat_count
        if newer:
            rest_s = FLOOD_REST_S if newer > FLOOD_LINES else CHAT_REST_S
            self._chat_rest = round(rest_s * self._rate_hz)

    def hint(self, text: str, level: str = "info") -> None:
        """Answer the operator in the last line for a few seconds."""
        self.view.hint, self.view.hint_level = clean(text, 300), level
        self._hint_until = self.now() + (HINT_S if level == "info" else LONG_HINT_S)
        self._dirty = True

    # --- asking the show ---

    def submit(self, verb: str, **args: Any) -> None:
        """Send a verb; its answer becomes a hint, or a page if there is something to read."""
        if VERBS[verb].changes and self.view.readonly:
            self.hint(f"read-only: {verb} is refused", "warning")
        elif VERBS[verb].changes:
            self.ask_for(
                verb,
                lambda result: self._done(verb, result),
                lambda error: self.hint(f"{verb}: {error}", "error"),
                **args,
            )
        else:
            name = f"{verb} {' '.join(clean(str(value), 60) for value in args.values())}".strip()
            self.ask_for(
                verb,
                lambda result: self.page(name, answer_lines(result)),
                lambda error: self.hint(f"{verb}: {error}", "error"),
                **args,
            )

    def submit_text(self, verb: str, text: str) -> None:
        """Send a verb with the line that was typed for it."""
        if text.strip():
            self.submit(verb, text=text.strip())
        else:
            self.hint("nothing was typed", "warning")

    def _done(self, verb: str, result: Any) -> None:
        if verb == "stop":
            self.exit("stopped")
        else:
            self.hint(*done_sentence(verb, result))

    def ask_for(
        self,
        verb: str,
        answered: Callable[[Any], object],
        failed: Callable[[str], object],
        **args: Any,
    ) -> None:
        """Send a verb; one of the two is called with its result, or with what went wrong."""
        if self._port is None:
            failed(f"not connected: {verb} was not sent")
            return
        task = asyncio.get_running_loop().create_task(
            self._request(self._port, verb, args, answered, failed), name="operator request"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(
        self,
        port: Port,
        verb: str,
        args: dict[str, Any],
        answered: Callable[[Any], object],
        failed: Callable[[str], object],
    ) -> None:
        try:
            result = await port.request(verb, **args)
        except SparkError as error:
            failed(error.message + (f" — {error.hint}" * bool(error.hint)))
        else:
            answered(result)

    def ask(
        self, question: str, text: str, options: list[Option], answered: Callable[[str], None]
    ) -> None:
        """A question; ``answered`` gets the value of an option, "" if it was closed."""
        self.push_screen(Choice(question, text, options), lambda value: answered(value or ""))

    def page(
        self, name: str, lines: Sequence[Text | str], *, again: Callable[[], None] | None = None
    ) -> Page:
        """A page of text over the screen. Its ``again`` brings what has been added."""
        page = Page(name, lines, self.copy, again=again)
        self.push_screen(page)
        return page

    def copy(self, text: str) -> None:
        """To the clipboard of the operator's terminal, by OSC 52: it works over SSH."""
        self.copy_to_clipboard(text[:_COPY_CHARS])
        self.hint(f"copied {min(len(text), _COPY_CHARS)} characters")

    # --- what keys do ---

    def action_panic(self) -> None:
        """Dump, whatever question or page is open; that is closed, and its answer is no."""
        while self.screen is not self.main:
            self.pop_screen()
        self.action_perform("dump")

    def on_paste(self) -> None:
        """A pasted text that no open line took."""
        self.hint("pasted text is not taken for keys: open a line for it first", "warning")

    def action_perform(self, name: str) -> None:
        """Carry out a command of ``tui.commands``."""
        if self.screen is not self.main:
            return
        command = BY_ID[name]
        if command.changes and self.view.readonly:
            self.hint(f"read-only: {command.short.lower()} is refused", "warning")
        else:
            ACTIONS[name](self)
        self._dirty = True
        self.flush()


def run(endpoints: Endpoints, *, readonly: bool, rate_hz: float, keys: dict[str, str]) -> str:
    """Show the running show until the operator leaves: "detached" or "stopped".

    Raises ConfigError for ``keys`` that cannot be, NoShowRunning when there is no show, and
    RequestTimeout when it does not answer.
    """
    app = ShowApp(
        partial(ShowClient, endpoints, readonly=readonly),
        readonly=readonly,
        rate_hz=rate_hz,
        keys=keys,
    )
    result = app.run(mouse=False)  # the terminal's own selection keeps working
    if app.failure is not None:
        raise app.failure
    return result or "detached"
