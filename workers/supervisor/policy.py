"""When a crashed worker is started again, and when no more. Pure: clock and dice come in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import random


@dataclass
class RestartPolicy:
    """A sliding window of crashes and an exponential backoff with full jitter.

    The window only slides: crashes leave it by age, so a worker that dies just after
    each stable period still gives up if it dies too often. A stable period shortens the
    next delay, nothing else. Times are seconds of any one monotonic clock.
    """

    limit: int
    window_s: float
    base_s: float
    max_s: float
    stable_s: float
    dice: Callable[[], float] = random  # uniform in 0..1
    _crashes: deque[float] = field(default_factory=deque)
    _attempt: int = 0
    _ready_at: float | None = None

    def ready(self, now: float) -> None:
        """The worker began to serve."""
        self._ready_at = now

    def crashed(self, now: float) -> float | None:
        """Seconds until the next start, or None: give up."""
        if self._ready_at is not None and now - self._ready_at >= self.stable_s:
            self._attempt = 0
        self._ready_at = None
        self._crashes.append(now)
        while self._crashes[0] <= now - self.window_s:
            self._crashes.popleft()
        if len(self._crashes) >= self.limit:
            return None
        ceiling = min(self.max_s, self.base_s * 2.0 ** min(self._attempt, 60))
        self._attempt += 1
        return ceiling * self.dice()

    def reset(self) -> None:
        """The operator wants a fresh start."""
        self._crashes.clear()
        self._attempt = 0
        self._ready_at = None


def drain_time_s(left_s: float, levels_after: int, drain_s: float, term_s: float) -> float:
    """How long the next level of a stopping show may drain, seconds.

    Every level can need ``term_s`` and a little until SIGKILL has worked; that much is kept
    for this one and for each that follows, so that the whole stop ends in ``left_s``.
    """
    rung_s = term_s + 0.3
    return max(0.0, min(drain_s, left_s - rung_s * (levels_after + 1)))
