"""The terminal UI: follows a show, draws it at a steady rate, asks it for things.

The show is another process. Whatever happens to this one, the show goes on, unless the
operator chose "stop the show".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from textual.app import App
from textual.binding import Binding, BindingType

from ipc.endpoints import Endpoints
from ipc.errors import RequestFailed, SparkError
from ipc.operator import VERBS
from ipc.protocol import Message, NoticeEvent, Snapshot
from tui.client import ShowClient
from tui.commands import BY_ID, Entry, keymap, palette, parse
from tui.model.show import Show
from tui.model.text import clean
from tui.model.view import View
from tui.panels.talk import Clock, local_clock
from tui.screens.main import MainScreen
from tui.screens.over import Choice, Option, Page, Palette
from tui.screens.pages import answer_lines, help_lines, message_lines

HINT_S = 4.0
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
        super().__init__(ansi_color=True)
        self.animation_level = "none"
        self.show = Show()
        self.view = View(readonly=readonly)
        self.failure: SparkError | None = None
        self._connect = connect
        self._rate_hz = rate_hz
        self._now = now
        self._clock = clock
        self._save_dir = save_dir or Path.cwd()
        self._port: Port | None = None
        self._follower: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._dirty = True
        self._second = 0
        self._hint_until = 0.0

    # --- life ---

    def on_mount(self) -> None:
        self.set_keymap(self.keys)
        self.main = MainScreen(
            self.show, self.view, self.keys, self._now, self._clock, self._line_typed
        )
        self.push_screen(self.main)
        self._follower = asyncio.get_running_loop().create_task(self._follow(), name="follow")
        self.set_interval(1 / self._rate_hz, self.flush)

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
        if self._now() - notice.at < HINT_S:
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

    def flush(self) -> None:
        """Draw what has changed since the last time, at most ``rate_hz`` times a second."""
        second = int(self._now())
        view = self.view
        if view.hint and self._now() >= self._hint_until:
            view.hint = ""
            self._dirty = True
        if second != self._second:
            self._second = second
            self.main.pane("status").flush()
        if not self._dirty:
            return
        self._dirty = False
        if view.wide or view.tab == "show":
            view.chat_seen = self.show.chat_count
        if view.wide or view.tab == "log":
            view.log_seen = self.show.log_count
        self.main.flush()

    def hint(self, text: str, level: str = "info") -> None:
        """Answer the operator in the last line for a few seconds."""
        self.view.hint, self.view.hint_level = clean(text, 300), level
        self._hint_until = self._now() + HINT_S
        self._dirty = True

    # --- asking the show ---

    def submit(self, verb: str, **args: Any) -> None:
        """Send a verb; its answer becomes a hint, or a page if there is something to read."""
        if VERBS[verb].changes and self.view.readonly:
            self.hint(f"read-only: {verb} is refused", "warning")
            return
        if self._port is None:
            self.hint(f"not connected: {verb} was not sent", "warning")
            return
        self._spawn(self._request(self._port, verb, args))

    async def _request(self, port: Port, verb: str, args: dict[str, Any]) -> None:
        try:
            result = await port.request(verb, **args)
        except SparkError as error:
            self.hint(f"{verb}: {error.message}" + (f" — {error.hint}" * bool(error.hint)), "error")
            return
        if verb == "stop":
            self.exit("stopped")
        elif VERBS[verb].changes:
            self.hint(f"{verb}: done")
        else:
            name = f"{verb} {' '.join(clean(str(value), 60) for value in args.values())}".strip()
            self.page(name, answer_lines(result), end=verb == "logs")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="operator request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def page(self, name: str, lines: list[Any], *, end: bool = False) -> None:
        """A page of text over the screen."""
        self.push_screen(Page(name, lines, self.copy, end=end))

    def copy(self, text: str) -> None:
        """To the clipboard of the operator's terminal, by OSC 52: it works over SSH."""
        self.copy_to_clipboard(text[:_COPY_CHARS])
        self.hint(f"copied {min(len(text), _COPY_CHARS)} characters")

    # --- what keys do ---

    def action_perform(self, name: str) -> None:
        """Carry out a command of ``tui.commands``."""
        if self.screen is not self.main:
            return
        command = BY_ID[name]
        if command.changes and self.view.readonly:
            self.hint(f"read-only: {command.short.lower()} is refused", "warning")
        else:
            getattr(self, f"_do_{name}")()
        self._dirty = True
        self.flush()

    def _do_hold(self) -> None:
        self.submit("release" if self.show.held else "hold")

    def _do_mute(self) -> None:
        self.submit("unmute" if self.show.muted else "mute")

    def _do_skip(self) -> None:
        self.submit("skip")

    def _do_dump(self) -> None:
        self.submit("dump")

    def _do_persona(self) -> None:
        names = self.show.personas
        others = [name for name in names if name != self.show.persona]
        if not others:
            self.hint("there is no other personality", "warning")
            return
        at = names.index(self.show.persona) if self.show.persona in names else -1
        self.submit("persona", name=names[(at + 1) % len(names)])

    def _do_say(self) -> None:
        self.main.open_line("say")

    def _do_chat(self) -> None:
        self.main.open_line("chat")

    def _do_filter(self) -> None:
        self.main.open_line("filter", self.view.needle)

    def _do_command(self) -> None:
        self.main.open_line("command")

    def _do_inspect(self) -> None:
        if self.view.focus == "workers":
            self._do_logs()
        elif (line := self.view.selected(self.show)) is not None:
            self.page("Message", message_lines(line, self.show, self._clock))

    def _do_up(self) -> None:
        self.view.move(self.show, -1)

    def _do_down(self) -> None:
        self.view.move(self.show, 1)

    def _do_page_up(self) -> None:
        self.view.move(self.show, -10)

    def _do_page_down(self) -> None:
        self.view.move(self.show, 10)

    def _do_follow(self) -> None:
        self.view.follow()

    def _do_restart(self) -> None:
        name = self.view.selected_worker(self.show)
        if not name:
            self.hint("no worker is known yet", "warning")
            return

        def answered(answer: str | None) -> None:
            if answer == "restart":
                self.submit("restart", worker=name)

        self.push_screen(
            Choice(
                f"Restart {clean(name, 40)}?",
                "The show goes on without it until it is ready again.",
                [Option("", "n", "no"), Option("restart", "y", f"yes, restart {clean(name, 40)}")],
            ),
            answered,
        )

    def _do_logs(self) -> None:
        if name := self.view.selected_worker(self.show):
            self.submit("logs", worker=name)

    def _do_next_pane(self) -> None:
        self._focus(1)

    def _do_previous_pane(self) -> None:
        self._focus(-1)

    def _focus(self, steps: int) -> None:
        panes = self.main.panes_shown
        at = panes.index(self.view.focus) if self.view.focus in panes else 0
        self.view.focus = panes[(at + steps) % len(panes)]

    def _tab(self, tab: str) -> None:
        self.view.tab, self.view.zoomed = tab, ""
        self.view.focus = "chat" if tab == "show" else tab
        self.main.lay_out()

    def _do_tab_show(self) -> None:
        self._tab("show")

    def _do_tab_workers(self) -> None:
        self._tab("workers")

    def _do_tab_memory(self) -> None:
        self._tab("memory")

    def _do_tab_log(self) -> None:
        self._tab("log")

    def _do_zoom(self) -> None:
        self.view.zoomed = "" if self.view.zoomed else self.view.focus
        self.main.lay_out()

    def _do_copy(self) -> None:
        line = self.view.selected(self.show)
        if self.view.focus == "chat" and self.view.cursor and line is not None:
            self.copy(f"{line.author}: {line.text}")
        else:
            self.copy(self.main.pane(self.view.focus).whole())

    def _do_save(self) -> None:
        name = self.view.focus
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._now()))
        path = self._save_dir / f"spark-tui-{name}-{stamp}.txt"
        try:
            path.write_text(self.main.pane(name).whole() + "\n", encoding="utf-8")
        except OSError as error:
            self.hint(f"cannot write {path}: {error.strerror}; start in another folder", "error")
        else:
            self.hint(f"saved {path}")

    def _do_palette(self) -> None:
        def chosen(entry: Entry | None) -> None:
            if entry is None:
                return
            if entry.command:
                self.action_perform(entry.command)
            elif VERBS[entry.verb].params:
                self.main.open_line("command", f"{entry.verb} ")
            elif entry.verb == "stop":
                self._do_quit()
            else:
                self.submit(entry.verb)

        self.push_screen(Palette(palette(self.keys), readonly=self.view.readonly), chosen)

    def _do_help(self) -> None:
        self.page("Keys", list(help_lines(self.keys, readonly=self.view.readonly)))

    def _do_quit(self) -> None:
        options = [Option("detach", "d", "detach: the show goes on without this screen")]
        if not self.view.readonly:
            options.append(Option("stop", "S", "stop the show: drain everything and end it"))
        options.append(Option("", "n", "stay"))
        self.push_screen(Choice("Leave?", "", options), self._quit_answered)

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "detach":
            self.exit("detached")
        elif answer == "stop":
            self.hint("stopping the show …")
            self.submit("stop")

    def _line_typed(self, mode: str, text: str) -> None:
        text = text.strip()
        if mode == "filter":
            self.view.needle = text
        elif not text:
            self.hint("nothing was typed", "warning")
        elif mode == "command":
            try:
                verb, args = parse(text)
            except RequestFailed as error:
                self.hint(f"{error.message} — {error.hint}", "warning")
            else:
                self.submit(verb.name, **args)
        else:
            self.submit(mode, text=text)
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
