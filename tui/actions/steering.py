"""Steering the show: hold, mute, skip, dump, who is on air, what she is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipc.states import ShowMode
from tui.actions.act import Act
from tui.screens.over import Option

if TYPE_CHECKING:
    from tui.app import ShowApp

_MODES = {
    ShowMode.OPEN: ("o", "open: she answers freely"),
    ShowMode.APPROVAL: ("a", "approval: every reply waits for a person"),
    ShowMode.SAFE: ("s", "safe: the safe personality is on air"),
}


def hold(app: ShowApp) -> None:
    app.submit("release" if app.show.held else "hold")


def mute(app: ShowApp) -> None:
    app.submit("unmute" if app.show.muted else "mute")


def persona(app: ShowApp) -> None:
    names = app.show.personas
    if not [name for name in names if name != app.show.persona]:
        app.hint("there is no other personality", "warning")
        return
    at = names.index(app.show.persona) if app.show.persona in names else -1
    app.submit("persona", name=names[(at + 1) % len(names)])


def mode(app: ShowApp) -> None:
    """The next more careful mode is one key away, and so is any other."""
    now = app.show.mode
    others = [mode for mode in ShowMode if mode is not now]

    def answered(answer: str) -> None:
        if answer:
            app.submit("mode", name=answer)

    app.ask(
        f"The mode is {now}. Change it?",
        app.show.mode_reason,
        [Option("", "n", f"no, stay {now}")]
        + [Option(mode.value, _MODES[mode][0], _MODES[mode][1]) for mode in others],
        answered,
    )


def say(app: ShowApp) -> None:
    app.main.open_line("say › ", lambda text: app.submit_text("say", text))


def whisper(app: ShowApp) -> None:
    app.main.open_line("whisper › ", lambda text: app.submit_text("whisper", text))


def topic(app: ShowApp) -> None:
    """An empty line ends the topic."""

    def typed(text: str) -> None:
        if text.strip():
            app.submit("topic", text=text.strip())
        else:
            app.submit("topic")

    app.main.open_line("topic › ", typed, app.show.topic)


ACTIONS: dict[str, Act] = {
    "hold": hold,
    "mute": mute,
    "skip": lambda app: app.submit("skip"),
    "dump": lambda app: app.submit("dump"),
    "persona": persona,
    "mode": mode,
    "say": say,
    "whisper": whisper,
    "topic": topic,
}
