"""How much sound may be on its way to the stage. Pure."""

from __future__ import annotations

_TURNS_KEPT = 32  # late credits come for the newest few; the rest is history


class AudioCredits:
    """Counts samples sent but not consumed, over all turns, against a limit.

    The stage reports per turn, and cumulatively, so a lost report heals with the next.
    """

    def __init__(self, limit_samples: int) -> None:
        self._limit = limit_samples
        self._sent: dict[int, int] = {}
        self._consumed: dict[int, int] = {}

    @property
    def outstanding(self) -> int:
        """Samples sent and not yet consumed."""
        return sum(max(0, n - self._consumed.get(turn, 0)) for turn, n in self._sent.items())

    def allow(self, samples: int) -> bool:
        """Whether a chunk may be sent. One larger than the limit may when nothing is out."""
        outstanding = self.outstanding
        return outstanding == 0 or outstanding + samples <= self._limit

    def sent(self, turn: int, samples: int) -> None:
        """A chunk of this turn was sent."""
        self._sent[turn] = self._sent.get(turn, 0) + samples
        while len(self._sent) > _TURNS_KEPT:
            self.forget(next(iter(self._sent)))

    def consumed(self, turn: int, total: int) -> None:
        """The stage reports the turn's total so far. Never goes back; unknown turns are ignored."""
        if turn in self._sent:
            self._consumed[turn] = max(self._consumed.get(turn, 0), total)

    def forget(self, turn: int) -> None:
        """The turn is dead: what it had on its way will not be played."""
        self._sent.pop(turn, None)
        self._consumed.pop(turn, None)

    def turns(self) -> list[int]:
        """The turns that are counted, oldest first."""
        return list(self._sent)

    def reset(self) -> None:
        """The stage is a new process: nothing is on its way there."""
        self._sent.clear()
        self._consumed.clear()
