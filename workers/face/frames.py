"""The whole face at a moment: mouth from the sound, the rest from motion and expressions.

Times are seconds of one clock, the one by which the sound is played. Everything can be asked
for any moment, also later or again; asking changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.face.expression import Expressions
from workers.face.motion import Idle, Listening

if TYPE_CHECKING:
    from workers.face.vowels import Floats

_FRAME_S = 1.0 / 60.0
_TRACK_FRAMES = 60 * 120  # two minutes: more than ever waits to be heard
_TURN_S = 0.5  # from being idle to listening and back


@dataclass(frozen=True, slots=True)
class Mouth:
    """All in 0..1; the five vowels sum to ``open``."""

    a: float = 0.0
    i: float = 0.0
    u: float = 0.0
    e: float = 0.0
    o: float = 0.0
    open: float = 0.0


CLOSED = Mouth()


class Track:
    """The mouth along the sound that is played: closed where nothing was placed.

    Bounded: of more than two minutes the oldest is forgotten.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._rows: list[list[float]] = []

    def place(self, start_s: float, frames: Floats) -> None:
        """Frames (n, 6) of ``LipSync`` for the sound heard from ``start_s`` on.

        What was placed later than that goes: a clock plays one thing at a time. The next
        frames of the same clause start n / 60 s later, unless the sound was late.
        """
        if not len(frames):
            return
        self.cut(start_s)
        first_s = start_s + 0.5 * _FRAME_S
        self._times += [first_s + k * _FRAME_S for k in range(len(frames))]
        self._rows += frames.tolist()
        spare = len(self._times) - _TRACK_FRAMES
        if spare > 0:
            del self._times[:spare], self._rows[:spare]

    def cut(self, at_s: float) -> None:
        """Nothing is heard from here on: skipped, interrupted, dumped."""
        keep = bisect_left(self._times, at_s)
        del self._times[keep:], self._rows[keep:]

    def forget(self, before_s: float) -> None:
        """Nobody will ask for moments before this one."""
        spare = bisect_left(self._times, before_s - _FRAME_S)
        del self._times[:spare], self._rows[:spare]

    @property
    def end_s(self) -> float | None:
        """Where the last frame ends; None without any."""
        return self._times[-1] + 0.5 * _FRAME_S if self._times else None

    def at(self, t_s: float) -> Mouth:
        """Between two frames a mixture; at the edge of a stretch it closes within a frame."""
        low = bisect_right(self._times, t_s - _FRAME_S)
        high = bisect_left(self._times, t_s + _FRAME_S)
        sums, total = [0.0] * 6, 0.0
        for time_s, row in zip(self._times[low:high], self._rows[low:high], strict=True):
            share = 1.0 - abs(t_s - time_s) / _FRAME_S
            total += share
            sums = [value + share * part for value, part in zip(sums, row, strict=True)]
        if not total:
            return CLOSED
        # where two stretches meet, frames may be closer than usual
        scale = 1.0 / max(1.0, total)
        return Mouth(*(value * scale for value in sums))


@dataclass(frozen=True, slots=True)
class Face:
    """A moment. Ranges as in ``Mouth``, ``motion.MOTION`` and ``EXPRESSIONS``.

    ``smile`` is in -1 (corners down) to 1; ``brow`` in -1 (frowning) to 1 (raised).
    """

    mouth: Mouth = CLOSED
    smile: float = 0.0
    eye_open_left: float = 1.0
    eye_open_right: float = 1.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    brow: float = 0.0
    head_yaw: float = 0.0
    head_pitch: float = 0.0
    head_roll: float = 0.0
    breath: float = 0.0
    expressions: dict[str, float] = field(default_factory=dict)


def join(mouth: Mouth, motion: dict[str, float], expressions: dict[str, float]) -> Face:
    """One face from its parts; what a feeling does to brows, lids and smile is added."""
    smile = brow = squint = 0.0
    for name, weight in expressions.items():
        bent, raised, narrowed = _LOOKS.get(name, (0.0, 0.0, 0.0))
        smile += weight * bent
        brow += weight * raised
        squint += weight * narrowed
    lids = motion["eye_open"] * (1.0 - squint)
    return Face(
        mouth=mouth,
        smile=_clip(smile),
        eye_open_left=lids,
        eye_open_right=lids,
        gaze_x=motion["gaze_x"],
        gaze_y=motion["gaze_y"],
        brow=_clip(motion["brow"] + brow),
        head_yaw=motion["head_yaw"],
        head_pitch=motion["head_pitch"],
        head_roll=motion["head_roll"],
        breath=motion["breath"],
        expressions=expressions,
    )


_LOOKS = {
    "joy": (1.0, 0.3, 0.25),
    "anger": (-0.5, -0.9, 0.2),
    "sorrow": (-0.8, 0.4, 0.3),
    "fun": (0.8, 0.2, 0.35),
    "surprise": (0.0, 1.0, 0.0),
}
"""Smile, brow, and how far the lids narrow, at full weight."""


class Animator:
    """One avatar: its track, its expressions, and whether it speaks or listens."""

    def __init__(self, seed: int, *, toward: float = 0.0, decay: float = 1.0) -> None:
        self.track = Track()
        self.expressions = Expressions(decay)
        self._idle = Idle(seed)
        self._listening = Listening(seed, toward)
        self._listens = 0.0  # share of listening when it last changed its mind, and now wanted
        self._wanted = 0.0
        self._since_s = 0.0

    def listen(self, listening: bool, at_s: float) -> None:
        """From this moment on it listens, or no longer. The change takes half a second."""
        wanted = 1.0 if listening else 0.0
        if wanted != self._wanted:
            self._listens = self._share(at_s)
            self._wanted, self._since_s = wanted, at_s

    def at(self, t_s: float) -> Face:
        """The face at that moment."""
        share = self._share(t_s)
        motion = self._idle.at(t_s) if share < 1.0 else self._listening.at(t_s)
        if 0.0 < share < 1.0:
            other = self._listening.at(t_s)
            motion = {name: v + (other[name] - v) * share for name, v in motion.items()}
        return join(self.track.at(t_s), motion, self.expressions.at(t_s))

    def _share(self, t_s: float) -> float:
        """How far it listens, 0..1."""
        step = max(0.0, t_s - self._since_s) / _TURN_S
        if self._wanted > self._listens:
            return min(self._wanted, self._listens + step)
        return max(self._wanted, self._listens - step)


def _clip(value: float) -> float:
    return min(1.0, max(-1.0, value))
