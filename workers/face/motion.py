"""What a body does by itself: it blinks, looks around, breathes and sways; or it listens.

Everything is a function of a seed and a time in seconds, from 0 to years: asking twice or in
any order gives the same answer, and nothing grows. Time is cut into minutes; what happens in
one is drawn from the seed and its number.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

MOTION = ("eye_open", "gaze_x", "gaze_y", "head_yaw", "head_pitch", "head_roll", "breath", "brow")
"""``eye_open`` and ``breath`` are in 0..1, the others in -1..1: right, up, right ear to the
shoulder and raised are positive, left and right as she sees them. The avatar has the angles."""

BREATH_S = 4.0
BLINK_S = 0.15
_CLOSING = 1 / 3  # of a blink; opening takes the rest
_BLINK_EVERY_S, _BLINK_SPREAD = 4.2, 0.35  # log-normal: two of three between 3 and 6 s
_BLINK_AGAIN, _AGAIN_S = 0.12, 0.26  # so many are double blinks
_LOOK_EVERY_S, _LOOK_SPREAD = 1.6, 0.6
_SACCADE_S = 0.05
_NOD_EVERY_S, _NOD_SPREAD = 5.0, 0.5
_NOD_S = 0.45
_NOD_AGAIN = 0.4
_SHORTEST_S = 0.6
_EPOCH_S = 60.0
_SWAY_HZ = (0.067, 0.119, 0.211)  # no common period; each half as strong as the one before
_SWAY_WEIGHTS = (4 / 7, 2 / 7, 1 / 7)

Event = tuple[float, float, float]
"""When, and two numbers that say what."""


class Idle:
    """Somebody who is there and speaks or waits."""

    lively = 1.0  # how far the eyes wander
    nodding = 0.0
    toward_x, toward_y = 0.0, 0.0  # where eyes and head rest

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"{seed}/sway")
        self._phases = [[rng.uniform(0.0, math.tau) for _ in _SWAY_HZ] for _ in range(4)]
        self._breath = rng.uniform(0.0, BREATH_S)
        self._blinks = _Events(f"{seed}/blink", _blinks)
        self._looks = _Events(f"{seed}/look", _looks)
        self._nods = _Events(f"{seed}/nod", _nods)

    def at(self, t_s: float) -> dict[str, float]:
        """The names of ``MOTION`` with their values. Before 0 it is as at 0."""
        t_s = max(0.0, t_s)
        gaze_x, gaze_y = self._gaze(t_s)
        yaw, pitch, roll, brow = (_sway(t_s, phases) for phases in self._phases)
        return {
            "eye_open": 1.0 - self._shut(t_s),
            "gaze_x": _clip(self.toward_x + self.lively * gaze_x),
            "gaze_y": _clip(self.toward_y + self.lively * gaze_y),
            # the head follows the eyes a little
            "head_yaw": _clip(0.5 * self.toward_x + 0.3 * yaw),
            "head_pitch": _clip(0.3 * self.toward_y + 0.25 * pitch + self._nod(t_s)),
            "head_roll": _clip(0.25 * roll),
            "breath": 0.5 - 0.5 * math.cos(math.tau * (t_s + self._breath) / BREATH_S),
            "brow": 0.1 * brow,
        }

    def _shut(self, t_s: float) -> float:
        """How far the lids are closed, 0..1."""
        (began_s, _, _), _ = self._blinks.around(t_s)
        part = (t_s - began_s) / BLINK_S
        if part >= 1.0:
            return 0.0
        return _ease(part / _CLOSING) if part < _CLOSING else _ease((1 - part) / (1 - _CLOSING))

    def _gaze(self, t_s: float) -> tuple[float, float]:
        """Fixations with quick jumps between."""
        (began_s, x, y), (_, from_x, from_y) = self._looks.around(t_s)
        part = _ease((t_s - began_s) / _SACCADE_S)
        return from_x + (x - from_x) * part, from_y + (y - from_y) * part

    def _nod(self, t_s: float) -> float:
        if not self.nodding:
            return 0.0
        (began_s, deep, _), _ = self._nods.around(t_s)
        part = (t_s - began_s) / _NOD_S
        return -self.nodding * deep * math.sin(math.pi * part) ** 2 if part < 1.0 else 0.0


class Listening(Idle):
    """The silent one: looks at who speaks, nods, and keeps the eyes there.

    ``toward`` is where the speaker is, -1 (left) to 1 (right).
    """

    lively = 0.35
    nodding = 0.5

    def __init__(self, seed: int, toward: float = 0.0) -> None:
        super().__init__(seed)
        self.toward_x = 0.6 * _clip(toward)


class _Events:
    """Things that happen now and then, drawn minute by minute; two minutes are kept."""

    def __init__(self, seed: str, draw: Callable[[random.Random], list[Event]]) -> None:
        def epoch(number: int) -> list[Event]:
            return draw(random.Random(f"{seed}/{number}"))

        self._epoch = lru_cache(maxsize=3)(epoch)

    def around(self, t_s: float) -> tuple[Event, Event]:
        """The last event up to now and the one before it."""
        number = int(t_s // _EPOCH_S)
        found: list[Event] = []
        while len(found) < 2:
            if number < 0:  # before the beginning, long ago
                found.append((-_EPOCH_S, 0.0, 0.0))
                continue
            start_s = number * _EPOCH_S
            events = self._epoch(number)
            index = bisect_right(events, (t_s - start_s, math.inf, math.inf))
            for when_s, a, b in reversed(events[max(0, index + len(found) - 2) : index]):
                found.append((start_s + when_s, a, b))
            number -= 1
        return found[0], found[1]


def _times(rng: random.Random, every_s: float, spread: float) -> list[float]:
    """Of one minute. The first gap began before it, and the last event ends inside."""
    times = [rng.random() * every_s]
    while times[-1] < _EPOCH_S - 2 * _SHORTEST_S:
        gap_s = every_s * math.exp(rng.gauss(0.0, spread))
        times.append(times[-1] + min(max(gap_s, _SHORTEST_S), 3 * every_s))
    return times[:-1]


def _blinks(rng: random.Random) -> list[Event]:
    events: list[Event] = []
    for when_s in _times(rng, _BLINK_EVERY_S, _BLINK_SPREAD):
        events.append((when_s, 1.0, 0.0))
        if rng.random() < _BLINK_AGAIN:
            events.append((when_s + _AGAIN_S, 1.0, 0.0))
    return events


def _looks(rng: random.Random) -> list[Event]:
    return [
        (when_s, max(-0.8, min(0.8, rng.gauss(0.0, 0.22))), max(-0.5, min(0.5, rng.gauss(0, 0.12))))
        for when_s in _times(rng, _LOOK_EVERY_S, _LOOK_SPREAD)
    ]


def _nods(rng: random.Random) -> list[Event]:
    events: list[Event] = []
    for when_s in _times(rng, _NOD_EVERY_S, _NOD_SPREAD):
        deep = rng.uniform(0.4, 1.0)
        events.append((when_s, deep, 0.0))
        if rng.random() < _NOD_AGAIN:
            events.append((when_s + _NOD_S, 0.6 * deep, 0.0))
    return events


def _sway(t_s: float, phases: list[float]) -> float:
    """Smooth noise in -1..1 without a period."""
    return sum(
        weight * math.sin(math.tau * hertz * t_s + phase)
        for weight, hertz, phase in zip(_SWAY_WEIGHTS, _SWAY_HZ, phases, strict=True)
    )


def _ease(part: float) -> float:
    """From 0 to 1 with a soft start and end."""
    part = min(1.0, max(0.0, part))
    return part * part * (3.0 - 2.0 * part)


def _clip(value: float) -> float:
    return min(1.0, max(-1.0, value))
