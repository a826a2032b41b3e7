"""What happens to a text, from mild to strict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Ordered: ``ALLOW < MASK < HOLD < DROP``, so that ``max`` is the strictest."""

    ALLOW = "allow"
    MASK = "mask"
    HOLD = "hold"  # for a person to decide
    DROP = "drop"

    def __lt__(self, other: str) -> bool:
        return _RANK[self] < _RANK[Verdict(other)]

    def __le__(self, other: str) -> bool:
        return _RANK[self] <= _RANK[Verdict(other)]

    def __gt__(self, other: str) -> bool:
        return _RANK[self] > _RANK[Verdict(other)]

    def __ge__(self, other: str) -> bool:
        return _RANK[self] >= _RANK[Verdict(other)]


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and the text that may go on. ``why`` names what was found.

    ``text`` is the source for ALLOW, has the found words hidden for MASK and HOLD (a HOLD may
    go on if a person says so), and is empty for DROP.
    """

    verdict: Verdict
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A slice of the plain text that is not in order, and what follows from it."""

    start: int
    end: int
    verdict: Verdict
    why: str


Slice = tuple[int, int, str]
"""What a detector found in a plain text: start, end, why."""
