"""The face: mouth, eyes, head and expressions at any moment, as plain numbers.

Not a process: whoever plays sound or drives an avatar uses it. May import ``ipc``; knows no
worker. ``lipsync`` and ``vowels`` turn sound into mouth shapes and are the only modules that
load numpy, so they are not imported here; ``motion`` is what a body does by itself;
``expression`` is what it shows of feelings; ``frames`` joins all into one ``Face``.
"""

from workers.face.expression import EVENTS, EXPRESSIONS, Expressions
from workers.face.frames import CLOSED, Animator, Face, Mouth, Track
from workers.face.motion import Idle, Listening

__all__ = [
    "CLOSED",
    "EVENTS",
    "EXPRESSIONS",
    "Animator",
    "Expressions",
    "Face",
    "Idle",
    "Listening",
    "Mouth",
    "Track",
]
