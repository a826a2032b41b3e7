"""A show without sockets for the screen's tests: real events in, requests recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from fake_show import ANSWERS, opening
from textual.pilot import Pilot

from ipc.errors import RequestFailed
from ipc.protocol import Message, Snapshot
from tui.app import ShowApp

NOW = 1_700_000_000.0


def utc(at: float) -> str:
    """Hours and minutes that are the same in every time zone."""
    return f"{int(at // 3600 % 24):02}:{int(at // 60 % 60):02}"


class FakePort:
    """The app's port. Entering it resets the screen and plays the events."""

    def __init__(self, events: Sequence[Message] | None = None) -> None:
        self.events = list(opening(NOW) if events is None else events)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.results: dict[str, Any] = {
            "logs": {"worker": "x", "lines": ["one", "two"]},
            **ANSWERS,
        }
        self.error = ""
        self.emit: Callable[[Message], None]
        self.reset: Callable[[Snapshot], None]
        self.lose: Callable[[], None]

    def __call__(
        self,
        *,
        on_event: Callable[[Message], None],
        on_reset: Callable[[Snapshot], None],
        on_lost: Callable[[], None],
    ) -> Self:
        self.emit, self.reset, self.lose = on_event, on_reset, on_lost
        return self

    def snapshot(self, epoch: str = "one") -> None:
        self.reset(Snapshot(epoch=epoch, sequences={}, events=[], started_at=NOW - 3725))
        for event in self.events:
            self.emit(event)

    async def __aenter__(self) -> Self:
        self.snapshot()
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def request(self, verb: str, timeout_s: float | None = None, **args: Any) -> Any:
        self.requests.append((verb, args))
        if self.error:
            raise RequestFailed(self.error, "mend it")
        return self.results.get(verb, {})


def make(port: FakePort, **more: Any) -> ShowApp:
    """The app on a clock that stands still and a timer that does not fire."""
    return ShowApp(port, rate_hz=0.01, now=lambda: NOW, clock=utc, **more)


def drawn(app: ShowApp) -> str:
    """The whole terminal as plain text."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


async def settle(pilot: Pilot[str]) -> None:
    """Until everything that was asked for is drawn."""
    await pilot.pause()
    app = pilot.app
    assert isinstance(app, ShowApp)
    app._dirty = True
    app.flush()
    await pilot.pause()


def saved(path: Path) -> str:
    (found,) = path.glob("spark-tui-*.txt")
    return found.read_text(encoding="utf-8")
