"""What the operator is told about a body: each thing once, and never a flood."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol


class Listener(Protocol):
    """Who passes it on; the worker. Nothing of it waits or raises."""

    def notice(self, level: str, text: str, hint: str = "") -> None:
        """A sentence for the operator, said once. ``level``: info, warning or error."""

    def problem(self, text: str) -> None:
        """Something is missing, until it is called with "" again."""


class Report:
    """``problem`` holds while something is missing; a notice is said when it begins.

    A connection that comes and goes is told of once in ``told_every_s``.
    """

    def __init__(
        self, listener: Listener, name: str, told_every_s: float, now_s: Callable[[], float]
    ) -> None:
        self._listener = listener
        self._name = name
        self._told_every_s = told_every_s
        self._now_s = now_s
        self._told_s = -math.inf
        self._back_told = True
        self._problem = ""
        self._lacks: dict[str, str] = {}
        self._said: set[str] = set()
        self._asked = ""  # what a person was asked for last

    def away(self, why: str, hint: str = "") -> None:
        """There is no connection, and another will be tried."""
        self._set(f"{self._name}: {why}")
        now_s = self._now_s()
        if now_s - self._told_s >= self._told_every_s and self._back_told:
            self._told_s, self._back_told = now_s, False
            self._listener.notice(
                "warning",
                f"{self._name}: {why}; it is tried again and again",
                hint or "nothing needs to be done",
            )

    def waits(self, level: str, text: str, hint: str) -> None:
        """A person has to do something before it goes on."""
        self._set(f"{self._name}: {text}")
        self._back_told = False
        if text != self._asked:
            self._asked = text
            self._listener.notice(level, f"{self._name}: {text}", hint)

    def back(self) -> None:
        """All is well again."""
        self._asked = ""
        if not self._back_told:
            self._back_told = True
            self._listener.notice("info", f"{self._name} is connected")
        self._set("")

    def lacks(self, what: str, text: str) -> None:
        """Connected, but something is missing: ``what`` names it; an empty text ends it."""
        if text:
            self._lacks[what] = text
        else:
            self._lacks.pop(what, None)
        if self._back_told:
            self._set("")

    def once(self, level: str, text: str, hint: str = "") -> None:
        """A notice that is not repeated."""
        if text not in self._said:
            self._said.add(text)
            self._listener.notice(level, f"{self._name}: {text}", hint)

    def _set(self, problem: str) -> None:
        if not problem and self._lacks:
            problem = f"{self._name}: {next(iter(self._lacks.values()))}"
        if problem != self._problem:
            self._problem = problem
            self._listener.problem(problem)
