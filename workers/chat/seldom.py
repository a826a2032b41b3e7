"""What happens often is told now and then: a flood must not fill the log with its own news. Pure.

``Seldom`` is for sentences to the operator, ``Sample`` for lines on the screen.
"""

from __future__ import annotations

import math


class Seldom:
    """Counts, and gives the count when it may be told again."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._told_s = -math.inf
        self._count = 0

    def happened(self, now_s: float, times: int = 1) -> int:
        """How often it happened since that was last told; 0: it is too early to tell."""
        self._count += times
        return self.due(now_s)

    def due(self, now_s: float) -> int:
        """The same, without anything new."""
        if not self._count or now_s - self._told_s < self._every_s:
            return 0
        count, self._count, self._told_s = self._count, 0, now_s
        return count


class Sample:
    """The first ``a_second`` things of each second, then one in ``one_in``."""

    def __init__(self, a_second: int, one_in: int) -> None:
        self._a_second = a_second
        self._one_in = one_in
        self._second_s = -math.inf
        self._seen = 0

    def takes(self, now_s: float) -> bool:
        """Whether this one is among the sample."""
        if now_s - self._second_s >= 1.0:
            self._second_s, self._seen = now_s, 0
        self._seen += 1
        beyond = self._seen - self._a_second
        return beyond <= 0 or beyond % self._one_in == 0
