"""How much came lately: lines a minute, and of or to whom. Pure, bounded, clock passed in."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

_S = 1_000_000_000
_WINDOW_S = 60
_CALM = 0.75  # the crowd is over below this part of where it begins: no flapping between


class Pace:
    """Lines of the last minute, by the second; ``crowd`` is on from ``crowd_per_minute`` on.

    Not every line makes a crowd: one viewer who floods does not, nor do commands.
    """

    def __init__(self, crowd_per_minute: int) -> None:
        self._limit = crowd_per_minute
        self._seconds: deque[list[int]] = deque()  # [second, lines, of a crowd], a minute of them
        self._lines = 0
        self._voices = 0
        self.crowd = False

    def note(self, now_ns: int, *, of_crowd: bool) -> None:
        """A line came."""
        second = now_ns // _S
        if not self._seconds or self._seconds[-1][0] < second:
            self._seconds.append([second, 0, 0])
            self.per_minute(now_ns)
        newest = self._seconds[-1]
        newest[1] += 1
        newest[2] += of_crowd
        self._lines += 1
        self._voices += of_crowd
        self.crowd = self.crowd or self._voices >= self._limit

    def per_minute(self, now_ns: int) -> int:
        """Lines of the last minute, up to now."""
        begin = now_ns // _S - _WINDOW_S
        while self._seconds and self._seconds[0][0] <= begin:
            _, lines, voices = self._seconds.popleft()
            self._lines -= lines
            self._voices -= voices
        if self._voices < self._limit * _CALM:
            self.crowd = False
        return self._lines


class Recent:
    """How often something happened lately; each time counts half after ``half_life_s``.

    Remembers ``size`` keys, the ones noted last.
    """

    def __init__(self, half_life_s: float, size: int) -> None:
        self._half_life_ns = half_life_s * _S
        self._size = size
        self._counts: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, key: Hashable, now_ns: int) -> float:
        """0.0 if never."""
        count, at_ns = self._counts.get(key, (0.0, now_ns))
        # what faded away is nothing: a float would keep a trace of it for ever
        faded = count * 0.5 ** max(0.0, (now_ns - at_ns) / self._half_life_ns) if count else 0.0
        return faded if faded > 0.01 else 0.0

    def note(self, key: Hashable, now_ns: int, amount: float = 1.0) -> float:
        """It happened (by ``amount``). How often now, this time included."""
        count = self.count(key, now_ns) + amount
        self._counts[key] = (count, now_ns)
        self._counts.move_to_end(key)
        if len(self._counts) > self._size:
            self._counts.popitem(last=False)
        return count
