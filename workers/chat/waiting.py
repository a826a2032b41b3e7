"""Says that lines wait for the director, that some are lost, and that the rest was delivered.

Once each: whoever looks at the log of a long absence must find the other lines too. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from workers.chat.backlog import KEPT, Backlog
from workers.chat.seldom import Seldom

TOLD_S = 60.0


class Waiting:
    """``notice`` takes level, text and hint."""

    def __init__(self, notice: Callable[[str, str, str], None]) -> None:
        self._notice = notice
        self._waited = 0
        self._told = self._told_lost = False
        self._slow = Seldom(TOLD_S)

    def begin(self, waited: int) -> None:
        """The director serves now; so many lines wait for it."""
        self._waited = max(self._waited, waited)

    def tell(self, backlog: Backlog, now_s: float, *, serves: bool) -> None:
        """What there is to say about the backlog as it is now."""
        if not serves:
            self._tell_away(backlog)
        elif not self._waited:
            self._tell_slow(backlog, now_s)
        elif not len(backlog):
            self._tell_delivered(backlog)

    def _tell_away(self, backlog: Backlog) -> None:
        self._waited = len(backlog)
        if not self._waited or (self._told and (self._told_lost or not backlog.lost)):
            return
        self._told, self._told_lost = True, bool(backlog.lost)
        lost = " and the oldest are now lost" if backlog.lost else ""
        self._notice(
            "warning",
            f"the director is away: chat lines wait (the newest {KEPT}){lost}",
            "spark-tui status shows what it is doing",
        )

    def _tell_delivered(self, backlog: Backlog) -> None:
        lost, backlog.lost = backlog.lost, 0
        waited, self._waited = self._waited, 0
        self._told = self._told_lost = False
        lines = "1 chat line" if waited == 1 else f"{waited} chat lines"
        text = f"{lines} waited for the director and went on"
        if lost:
            text += f", {lost} older ones were lost"
        self._notice("info", text, "")

    def _tell_slow(self, backlog: Backlog, now_s: float) -> None:
        lost, backlog.lost = backlog.lost, 0
        count = self._slow.happened(now_s, lost) if lost else self._slow.due(now_s)
        if count:
            self._notice(
                "warning",
                f"more chat comes than the director takes: lines were lost ({count})",
                "spark-tui status shows how busy it is",
            )
