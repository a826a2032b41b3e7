"""Her own voice coming back through a microphone. Pure; times are CLOCK_MONOTONIC.

What the microphone heard is compared, letter by letter, with any stretch of what was
audible of her then. Letters, because a voice out of a loudspeaker across the room is heard
badly: words go wrong, their sounds less so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from workers.stt.words import words

_WORDS_A_SECOND = 1.8  # slower than she talks: better believe her audible a little too long
_LINGER_NS = 1_500_000_000  # rooms, buffers of sound and the way of the message
_EARLY_NS = 300_000_000  # the message may come after the sound it tells of
_KEPT_NS = 60_000_000_000
_TEXTS = 64
_ALIKE = 0.7  # part of the letters that must be hers
_SHORT = 8  # letters; shorter texts must be hers word by word


@dataclass(frozen=True)
class _Heard:
    text: str
    from_ns: int
    until_ns: int


class Echo:
    """Remembers what was played of her in the last minute."""

    def __init__(self) -> None:
        self._played: deque[_Heard] = deque(maxlen=_TEXTS)

    def playing(self, text: str, at_ns: int) -> None:
        """She is heard saying ``text`` from ``at_ns`` on."""
        takes_s = len(words(text)) / _WORDS_A_SECOND
        until_ns = at_ns + int(takes_s * 1e9) + _LINGER_NS
        self._played.append(_Heard(text, at_ns - _EARLY_NS, until_ns))
        while self._played and self._played[0].until_ns < at_ns - _KEPT_NS:
            self._played.popleft()

    def audible(self, from_ns: int, until_ns: int) -> bool:
        """Whether anything of her could be heard then."""
        return any(h.from_ns <= until_ns and h.until_ns >= from_ns for h in self._played)

    def is_hers(self, text: str, from_ns: int, until_ns: int) -> bool:
        """Whether ``text``, heard between the two times, is what was played then."""
        said = words(text)
        hers = [
            word
            for heard in self._played
            if heard.from_ns <= until_ns and heard.until_ns >= from_ns
            for word in words(heard.text)
        ]
        if not said or not hers:
            return False
        letters = "".join(said)
        if len(letters) < _SHORT:
            size = len(said)
            return any(hers[i : i + size] == said for i in range(len(hers) - size + 1))
        return 1 - distance_within(letters, "".join(hers)) / len(letters) >= _ALIKE


def distance_within(text: str, longer: str) -> int:
    """The fewest edits that make ``text`` a stretch of ``longer`` (Sellers' algorithm)."""
    row = np.frombuffer(longer.encode("utf-32-le"), np.uint32)
    places = np.arange(len(row) + 1)
    best = np.zeros(len(row) + 1, np.int64)  # the stretch may begin anywhere
    for number, letter in enumerate(np.frombuffer(text.encode("utf-32-le"), np.uint32), 1):
        taken = np.empty_like(best)
        taken[0] = number
        taken[1:] = np.minimum(best[:-1] + (row != letter), best[1:] + 1)
        # a letter of ``longer`` that is left out: running minimum along the row
        best = np.minimum.accumulate(taken - places) + places
    return int(best.min())
