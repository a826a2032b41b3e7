"""What an operator did to viewers in this run, so that the last of it can be undone. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from workers.chat.naming import Person
from workers.chat.standing import Mark

KEPT = 50


@dataclass(frozen=True, slots=True)
class Deed:
    """``before`` is the viewer's standing that comes back; None: it cannot come back."""

    verb: str
    person: Person
    before: Mark | None

    def __str__(self) -> str:
        return f"{self.verb} of {self.person}"


class Undoing:
    """The newest KEPT deeds."""

    def __init__(self) -> None:
        self._deeds: deque[Deed] = deque(maxlen=KEPT)

    def did(self, deed: Deed) -> None:
        self._deeds.append(deed)

    def take(self) -> Deed | None:
        """The last deed, which is no longer kept."""
        return self._deeds.pop() if self._deeds else None

    @property
    def next(self) -> Deed | None:
        """What the next undo would undo."""
        return self._deeds[-1] if self._deeds else None
