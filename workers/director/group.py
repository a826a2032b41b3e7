"""Lines that say the same wait together and are answered with one reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ipc.protocol import ChatMessage
from workers.director.score import Factors, Scorer

LINES = 16  # of one group that are kept: four full ones make a crowd
PEOPLE = 501  # counted up to here, then it is "more than 500"


class Rank(IntEnum):
    """What no score outweighs."""

    CHAT = 0
    CONSOLE = 1  # whoever typed it sits there and waits
    AGAIN = 2  # its reply was prepared in vain
    OPERATOR = 3  # picked by hand


@dataclass(slots=True)
class Waiting:
    """One line in the queue and its own factors (powers of two)."""

    line: ChatMessage
    factors: Factors
    worth: float  # their sum


class Group:
    """``order`` sorts groups: the greatest is answered first, the least is shed first.

    It only changes when a line joins or leaves, not with time.
    """

    __slots__ = ("_people", "_scorer", "key", "lines", "newest_ns", "order", "rank", "seq")

    def __init__(self, key: str, rank: Rank, seq: int, scorer: Scorer) -> None:
        self.key, self.rank, self.seq = key, rank, seq
        self._scorer = scorer
        self._people: set[str] = set()
        self.lines: list[Waiting] = []
        self.newest_ns = 0
        self.order: tuple[int, float, int] = (rank, 0.0, -seq)

    @property
    def first(self) -> ChatMessage:
        return self.lines[0].line

    @property
    def people(self) -> int:
        return len(self._people)

    @property
    def best(self) -> Waiting:
        """The line whose factors count for all."""
        return max(self.lines, key=lambda waiting: waiting.worth)

    @property
    def oldest_ns(self) -> int:
        return min(waiting.line.received_ns for waiting in self.lines)

    def said_by(self, author_id: str) -> bool:
        return author_id in self._people

    def join(self, new: Waiting) -> None:
        self.lines.append(new)
        if len(self._people) < PEOPLE:
            self._people.add(new.line.author_id)
        self.weigh()

    def leave(self, gone: Callable[[ChatMessage], bool]) -> list[ChatMessage]:
        """Lines that leave for good: their authors do not count any more."""
        left = [waiting.line for waiting in self.lines if gone(waiting.line)]
        if left:
            self.lines = [waiting for waiting in self.lines if not gone(waiting.line)]
            still = {waiting.line.author_id for waiting in self.lines}
            self._people -= {line.author_id for line in left} - still
            self.weigh()
        return left

    def overflow(self) -> list[ChatMessage]:
        """The oldest beyond LINES; their authors go on counting."""
        over = len(self.lines) - LINES
        if over <= 0:
            return []
        out, self.lines = self.lines[:over], self.lines[over:]
        self.weigh()
        return [waiting.line for waiting in out]

    def move(self, rank: Rank, seq: int) -> None:
        self.rank, self.seq = rank, seq
        self.weigh()

    def weigh(self) -> None:
        """Set ``order`` after a change."""
        if not self.lines:
            return
        if len(self.lines) == 1:  # as nearly all do, thousands a minute
            best, self.newest_ns = self.lines[0].worth, self.lines[0].line.received_ns
        else:
            best = self.best.worth
            self.newest_ns = max(waiting.line.received_ns for waiting in self.lines)
        worth = 0.0
        if self.rank is Rank.CHAT:
            worth = best + self._scorer.fresh(self.newest_ns) + self._scorer.repeated(self.people)
        self.order = (self.rank, worth, -self.seq)
