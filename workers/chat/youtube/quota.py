"""The units a Google project may spend a day, and how often the chat may be looked at.

A day of Google's quota ends at midnight Pacific time. What is counted here is only what this
run has spent: other programs of the same project and an earlier run are not known, so
YouTube's own "quotaExceeded" is what counts in the end. Times are epoch seconds by YouTube's
clock. Units a call costs: the API's quota calculator.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

LOOK_UNITS = 1  # videos.list
DEED_UNITS = 50  # insert and delete of messages and bans

_PACIFIC = ZoneInfo("America/Los_Angeles")
_AT_LEAST_S = 3600.0  # longer shows than planned: what is left is spread over one more hour ...
_LONGEST_S = 120.0  # ... but two minutes between two looks is as slow as it gets


def next_reset(now: float) -> float:
    """The midnight Pacific time after ``now``."""
    day = datetime.fromtimestamp(now, _PACIFIC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=_PACIFIC).timestamp()


class Quota:
    """What is left of today's units. ``spread_s``: how long they should last; 0: do not care."""

    def __init__(self, daily: int, spread_s: float) -> None:
        self.daily = daily
        self._spread_s = spread_s
        self._spent = 0
        self._day: date | None = None
        self._until = -math.inf

    def spend(self, units: int, now: float) -> None:
        self._turn(now)
        self._spent += units

    def left(self, now: float) -> int:
        self._turn(now)
        return max(0, self.daily - self._spent)

    def begin(self, now: float) -> None:
        """The show reads the chat from now on."""
        self._until = now + self._spread_s

    def interval_s(self, asked_s: float, units: int, now: float) -> float:
        """Time until the next look of ``units``, when YouTube asks for ``asked_s``."""
        if not self._spread_s:
            return asked_s
        left = self.left(now)
        window_s = min(next_reset(now) - now, max(self._until - now, _AT_LEAST_S))
        stretched_s = window_s * units / left if left else math.inf
        return max(asked_s, min(stretched_s, _LONGEST_S))

    def lasts_s(self, interval_s: float, units: int, now: float) -> float:
        """How long what is left lasts at that pace; infinity if it outlasts the day."""
        lasts_s = self.left(now) / units * interval_s
        return lasts_s if now + lasts_s < next_reset(now) else math.inf

    def _turn(self, now: float) -> None:
        # by the date, not by an instant: the first calls may go by a wrong clock
        day = datetime.fromtimestamp(now, _PACIFIC).date()
        if day != self._day:
            self._day, self._spent = day, 0
