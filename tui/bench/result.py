"""One line of the bench table."""

from __future__ import annotations

from msgspec import Struct


class Result(Struct, frozen=True):
    """``value`` against ``bound``, both in ``unit``. ``more`` adds what the bound does not say."""

    measure: str
    statistic: str  # p50, p95, worst, total ...
    value: float
    bound: float
    unit: str
    samples: int
    at_least: bool = False  # the bound is a floor, not a ceiling

    @property
    def ok(self) -> bool:
        """Whether the bound is kept."""
        return self.value >= self.bound if self.at_least else self.value < self.bound
