"""The names of what a face does: the one vocabulary between whoever moves it and the clients.

A frame is a mapping of these names to numbers. A name that is missing is left to whatever else
moves the avatar (a tracker, say); a name that is not here is passed over. Numbers are clamped
to their range; one that is not finite is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Frame = Mapping[str, float]
Frames = Callable[[int], Frame]
"""What the face does at this CLOCK_MONOTONIC, nanoseconds. Called once a frame; does not wait."""


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a face: 0..1, or -1..1 if ``signed``. ``rest`` is where a calm face has it."""

    text: str
    signed: bool = False
    rest: float = 0.0

    def clamped(self, number: float) -> float:
        """Into the range."""
        return min(1.0, max(-1.0 if self.signed else 0.0, number))


VALUES: dict[str, Value] = {
    "mouth_open": Value("how far the mouth is open"),
    "mouth_a": Value("the mouth forms A, as in father; the five vowels sum to at most 1"),
    "mouth_i": Value("it forms I, as in see"),
    "mouth_u": Value("it forms U, as in boot"),
    "mouth_e": Value("it forms E, as in bed"),
    "mouth_o": Value("it forms O, as in law"),
    "smile": Value("the corners of the mouth are down (-1) or up (1)", signed=True),
    "eye_open_left": Value("her left eye is open", rest=1.0),
    "eye_open_right": Value("her right eye is open", rest=1.0),
    "gaze_x": Value("she looks to her left (-1) or right (1)", signed=True),
    "gaze_y": Value("she looks down (-1) or up (1)", signed=True),
    "brow": Value("she frowns (-1) or raises her brows (1)", signed=True),
    "head_yaw": Value("the head is turned to her left (-1) or right (1)", signed=True),
    "head_pitch": Value("it looks down (-1) or up (1)", signed=True),
    "head_roll": Value("it leans to her left (-1) or right (1) shoulder", signed=True),
    "breath": Value("the chest is empty (0) or full (1)"),
    "joy": Value("how glad she looks"),
    "anger": Value("how angry"),
    "sorrow": Value("how sad"),
    "fun": Value("how amused"),
    "surprise": Value("how surprised"),
}


def number(frame: Frame, name: str) -> float | None:
    """The value of that name, clamped; None if the frame does not tell it."""
    found = frame.get(name)
    if found is None or not math.isfinite(found):
        return None
    return VALUES[name].clamped(found)
