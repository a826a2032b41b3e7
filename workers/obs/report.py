"""What the operator is told about OBS: each thing once, and never a flood.

OBS is optional and may be started later: that it is not there is an information, not a problem.
That it went away, or lets nobody in, is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

TOLD_S = 60.0  # a connection that comes and goes is told of once in this time


class Listener(Protocol):
    """Who passes it on; the worker. Nothing of it waits or raises."""

    def notice(self, level: str, text: str, hint: str = "") -> None:
        """A sentence for the operator. ``level``: info, warning or error."""

    def problem(self, text: str) -> None:
        """Something is missing, until it is called with "" again."""

    def details(self, details: Mapping[str, str]) -> None:
        """How things are, for the worker's row: OBS and its stream."""


class Report:
    """``away``, ``denied`` and ``here`` follow the connection; ``lacks`` what OBS does not have."""

    def __init__(self, listener: Listener, place: str, now_s: Callable[[], float]) -> None:
        self._listener = listener
        self._place = place
        self._now_s = now_s
        self._was_here = False
        self._told: str | None = None  # that it is away, and why; None: it is not, or not told
        self._told_s = -math.inf
        self._here = False
        self._lacks: dict[str, str] = {}
        self._said: set[str] = set()
        self._problem = ""
        self._version = ""

    def away(self, why: str, hint: str) -> None:
        """There is no connection, and another will be tried."""
        self._gone("not there")
        if self._was_here:
            self._set(why)
        else:
            self._set("")
        now_s = self._now_s()
        if self._told is None and now_s - self._told_s >= TOLD_S:
            self._told, self._told_s = why, now_s
            level = "warning" if self._was_here else "info"
            self._listener.notice(level, why, hint or "it is tried again and again")

    def denied(self, why: str, hint: str) -> None:
        """A person has to do something before it goes on."""
        self._gone("does not let the show in")
        self._set(why)
        self._told, self._told_s = why, -math.inf
        self._listener.notice("error", why, hint)

    def here(self, version: str) -> None:
        """Connected."""
        self._here, self._version = True, version
        if self._told is not None or not self._was_here:
            self._listener.notice("info", f"OBS {version} at {self._place} is connected")
        self._told, self._was_here = None, True
        self._lacks.clear()
        self._refresh()
        self._listener.details({"OBS": version})

    def stream(self, text: str) -> None:
        """How the stream is; first, because the row is narrow."""
        self._listener.details({"stream": text, "OBS": self._version})

    def lacks(self, what: str, text: str, hint: str = "") -> None:
        """Connected, but something is missing: ``what`` names it; an empty text ends it."""
        if text:
            self._lacks[what] = text
            self.once("warning", text, hint)
        else:
            self._lacks.pop(what, None)
        self._refresh()

    def once(self, level: str, text: str, hint: str = "") -> None:
        """A notice that is not repeated."""
        if text not in self._said:
            self._said.add(text)
            self._listener.notice(level, text, hint)

    def _gone(self, how: str) -> None:
        self._here = False
        self._listener.details({"OBS": how})

    def _refresh(self) -> None:
        if self._here:
            self._set("; ".join(self._lacks.values()))

    def _set(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._listener.problem(problem)
