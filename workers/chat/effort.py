"""How much of the processor viewers may cost. Pure; the clock is told.

A line made to be expensive to judge costs milliseconds, an ordinary one a twentieth of one.
Thousands of the first kind must not keep a ban from being carried out.
"""

from __future__ import annotations

from dataclasses import dataclass

SHORT_CHARS = 120  # what is shorter is cheap, however it is made
_SHARE = 0.5  # of one core
_BURST_S = 1.0


@dataclass(slots=True)
class Effort:
    """A bucket of processor time that fills at half a core. When it is empty, only short lines
    are read."""

    left_s: float = _BURST_S
    at_s: float = 0.0

    def affords(self, length: int, now_s: float) -> bool:
        """Whether a line of so many characters may be judged now."""
        self.left_s = min(_BURST_S, self.left_s + max(0.0, now_s - self.at_s) * _SHARE)
        self.at_s = now_s
        return self.left_s > 0 or length <= SHORT_CHARS

    def spent(self, seconds: float) -> None:
        """What judging a line took."""
        self.left_s -= seconds
