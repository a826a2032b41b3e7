"""The screen itself: moving about, workers, copy and save, palette, help, leaving."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ipc.errors import RequestFailed
from ipc.operator import VERBS
from tui.actions import approvals, viewers
from tui.actions.act import Act
from tui.commands import Entry, palette, parse
from tui.model.text import clean
from tui.screens.answers import answer_lines
from tui.screens.over import Option, Palette
from tui.screens.pages import help_lines

if TYPE_CHECKING:
    from tui.app import ShowApp


def _move(steps: int) -> Act:
    return lambda app: app.view.move(app.show, steps)


def inspect(app: ShowApp) -> None:
    """Whatever the focused pane points at."""
    if app.view.focus == "workers":
        logs(app)
    elif app.view.focus == "approve":
        approvals.inspect(app)
    else:
        viewers.inspect(app)


def restart(app: ShowApp) -> None:
    name = app.view.selected_worker(app.show)
    if not name:
        app.hint("no worker is known yet", "warning")
        return

    def answered(answer: str) -> None:
        if answer:
            app.submit("restart", worker=name)

    app.ask(
        f"Restart {clean(name, 40)}?",
        "The show goes on without it until it is ready again.",
        [Option("", "n", "no"), Option("restart", "y", f"yes, restart {clean(name, 40)}")],
        answered,
    )


def logs(app: ShowApp) -> None:
    """What a worker printed, followed while the end is in sight."""
    name = app.view.selected_worker(app.show)
    if not name:
        return

    def again() -> None:
        app.ask_for(
            "logs",
            lambda answer: page.update(answer_lines(answer)),
            lambda error: app.hint(f"logs: {error}", "error"),
            worker=name,
        )

    page = app.page(f"logs {clean(name, 40)}", ["…"], again=again)
    again()


def _focus(steps: int) -> Act:
    def act(app: ShowApp) -> None:
        panes = app.main.panes_shown
        at = panes.index(app.view.focus) if app.view.focus in panes else 0
        app.view.focus = panes[(at + steps) % len(panes)]
        if app.view.focus == "approve":
            approvals.go(app)

    return act


def _go(pane: str) -> Act:
    return lambda app: app.main.go_to(pane)


def zoom(app: ShowApp) -> None:
    app.view.zoomed = "" if app.view.zoomed else app.view.focus
    app.main.lay_out()


def copy(app: ShowApp) -> None:
    line = app.view.pointed_at(app.show)
    if app.view.focus == "chat" and line is not None:
        app.copy(f"{line.author}: {line.content}")
    else:
        app.copy(app.main.pane(app.view.focus).whole())


def save(app: ShowApp) -> None:
    name = app.view.focus
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(app.now()))
    path = app.save_dir / f"spark-tui-{name}-{stamp}.txt"
    try:
        path.write_text(app.main.pane(name).whole() + "\n", encoding="utf-8")
    except OSError as error:
        app.hint(f"cannot write {path}: {error.strerror}; start in another folder", "error")
    else:
        app.hint(f"saved {path}")


def type_command(app: ShowApp, text: str = "") -> None:
    def typed(line: str) -> None:
        if not line.strip():
            app.hint("nothing was typed", "warning")
            return
        try:
            verb, args = parse(line)
        except RequestFailed as error:
            app.hint(f"{error.message} — {error.hint}", "warning")
        else:
            app.submit(verb.name, **args)

    app.main.open_line(": ", typed, text)


def open_palette(app: ShowApp) -> None:
    def chosen(entry: Entry | None) -> None:
        if entry is None:
            return
        if entry.command:
            app.action_perform(entry.command)
        elif VERBS[entry.verb].params:
            type_command(app, f"{entry.verb} ")
        elif entry.verb == "stop":
            leave(app)
        else:
            app.submit(entry.verb)

    app.push_screen(Palette(palette(app.keys), readonly=app.view.readonly), chosen)


def show_help(app: ShowApp) -> None:
    app.page("Keys", list(help_lines(app.keys, readonly=app.view.readonly)))


def leave(app: ShowApp) -> None:
    options = [Option("detach", "d", "detach: the show goes on without this screen")]
    if not app.view.readonly:
        options.append(Option("stop", "S", "stop the show: drain everything and end it"))
    options.append(Option("", "n", "stay"))

    def answered(answer: str) -> None:
        if answer == "detach":
            app.exit("detached")
        elif answer == "stop":
            app.hint("stopping the show …")
            app.submit("stop")

    app.ask("Leave?", "", options, answered)


ACTIONS: dict[str, Act] = {
    "inspect": inspect,
    "up": _move(-1),
    "down": _move(1),
    "page_up": _move(-10),
    "page_down": _move(10),
    "follow": lambda app: app.view.follow(app.show),
    "restart": restart,
    "logs": logs,
    "next_pane": _focus(1),
    "previous_pane": _focus(-1),
    "tab_show": _go("chat"),
    "tab_workers": _go("workers"),
    "tab_memory": _go("memory"),
    "tab_log": _go("log"),
    "zoom": zoom,
    "copy": copy,
    "save": save,
    "command": type_command,
    "palette": open_palette,
    "help": show_help,
    "quit": leave,
}
