"""The chat cursor: what is done with a line, and with the viewer who wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipc.states import Role
from tui.actions.act import Act
from tui.model.lines import ChatLine
from tui.model.text import clean, cut
from tui.screens.answers import queue_lines, viewer_lines
from tui.screens.over import Option
from tui.screens.pages import heading, intake_lines, message_lines

if TYPE_CHECKING:
    from tui.app import ShowApp

_DURATIONS = (
    ("60", "1", "60 seconds"),
    ("600", "2", "10 minutes"),
    ("3600", "3", "1 hour"),
    ("86400", "4", "a day"),
)


def _target(app: ShowApp) -> ChatLine | None:
    """The line that was pointed at. Never the newest: by the time a key is pressed it is
    another one."""
    if app.view.focus != "chat":
        app.hint("go to the chat with Tab, and select a line with the arrows first", "warning")
        return None
    line = app.view.pointed_at(app.show)
    if line is None:
        app.hint("select a line with the arrows first", "warning")
    return line


def _on_line(verb: str) -> Act:
    def act(app: ShowApp) -> None:
        if (line := _target(app)) is not None:
            app.submit(verb, message_id=line.id)

    return act


def timeout(app: ShowApp) -> None:
    if (line := _target(app)) is None:
        return

    def answered(answer: str) -> None:
        if answer:
            app.submit("timeout", viewer=line.viewer, seconds=int(answer))

    app.ask(
        f"Silence {_name(line)} for how long?",
        _quoted(line),
        [Option("", "n", "not at all"), *(Option(*duration) for duration in _DURATIONS)],
        answered,
    )


def ban(app: ShowApp) -> None:
    if (line := _target(app)) is None:
        return

    def answered(answer: str) -> None:
        if answer:
            app.submit("ban", viewer=line.viewer)

    app.ask(
        f"Ban {_name(line)}?",
        _quoted(line),
        [Option("", "n", "no"), Option("ban", "y", f"yes, here and on {clean(line.platform, 20)}")],
        answered,
    )


def trust(app: ShowApp) -> None:
    if (line := _target(app)) is not None:
        known = Role.TRUSTED in line.roles
        app.submit("untrust" if known else "trust", viewer=line.viewer)


def _name(line: ChatLine) -> str:
    return cut(line.author, 30) or clean(line.viewer, 30)


def _quoted(line: ChatLine) -> str:
    return f"{clean(line.viewer, 60)}: {cut(line.content, 160)}"


def inspect(app: ShowApp) -> None:
    """The message with everything its viewer wrote here, then what the chat worker knows."""
    line = app.view.selected(app.show)
    if line is None:
        return
    lines = message_lines(line, app.show, app.clock)
    page = app.page("Message", lines)
    app.ask_for(
        "viewer",
        lambda known: page.update([*lines, "", heading("viewer"), *viewer_lines(known, app.now())]),
        lambda error: page.update([*lines, "", heading("viewer"), clean(error, 300)]),
        viewer=line.viewer,
    )


def queue(app: ShowApp) -> None:
    """What waits with its score, and what was passed over and why."""
    lines = intake_lines(app.show)
    page = app.page("Backlog", lines)
    app.ask_for(
        "queue",
        lambda waiting: page.update([*lines, "", heading("waiting"), *queue_lines(waiting)]),
        lambda error: page.update([*lines, "", clean(error, 300)]),
    )


def filter_chat(app: ShowApp) -> None:
    def narrow(text: str) -> None:
        app.view.needle = text
        app.view.follow(app.show)

    app.main.open_line("/ ", lambda text: narrow(text.strip()), app.view.needle, changed=narrow)


ACTIONS: dict[str, Act] = {
    "next": _on_line("next"),
    "drop": _on_line("drop"),
    "delete": _on_line("delete"),
    "timeout": timeout,
    "ban": ban,
    "trust": trust,
    "undo": lambda app: app.submit("undo"),
    "queue": queue,
    "chat": lambda app: app.main.open_line("chat › ", lambda text: app.submit_text("chat", text)),
    "filter": filter_chat,
}
