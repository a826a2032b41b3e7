"""Vowels by formant wave functions, for people as Peterson and Barney measured them in 1952.

Every pulse of the voice starts one decaying sine for each formant. There is no filter, no
glottal model and no number in common with what the table of vowels was trained on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PITCH_HZ = {"men": 132.0, "women": 223.0, "children": 264.0}
FORMANTS_HZ = {
    "men": {
        "A": (730, 1090, 2440),
        "I": (270, 2290, 3010),
        "U": (300, 870, 2240),
        "E": (530, 1840, 2480),
        "O": (570, 840, 2410),
    },
    "women": {
        "A": (850, 1220, 2810),
        "I": (310, 2790, 3310),
        "U": (370, 950, 2670),
        "E": (610, 2330, 2990),
        "O": (590, 920, 2710),
    },
    "children": {
        "A": (1030, 1370, 3170),
        "I": (370, 3200, 3730),
        "U": (430, 1170, 3260),
        "E": (690, 2610, 3570),
        "O": (680, 1060, 3180),
    },
}
LEVELS_DB = {
    "A": (-1, -5, -28),
    "I": (-4, -24, -28),
    "U": (-3, -19, -43),
    "E": (-2, -17, -24),
    "O": (0, -7, -34),
}
_BANDWIDTHS_HZ = (60.0, 90.0, 130.0)


def sing(who: str, vowel: str, rate: int, seconds: float = 0.6) -> NDArray[np.float64]:
    """A sustained vowel, in -0.3..0.3, with a slow vibrato."""
    count = int(rate * seconds)
    sound = np.zeros(count + rate // 10)
    time = np.arange(rate // 20) / rate
    wave = sum(
        10 ** (level / 20) * np.exp(-np.pi * wide * time) * np.sin(2 * np.pi * hertz * time)
        for hertz, level, wide in zip(
            FORMANTS_HZ[who][vowel], LEVELS_DB[vowel], _BANDWIDTHS_HZ, strict=True
        )
    )
    at_s = 0.0
    while at_s < seconds:
        start = round(at_s * rate)
        sound[start : start + len(time)] += wave
        at_s += 1.0 / (PITCH_HZ[who] * (1.0 + 0.02 * np.sin(2 * np.pi * 5.5 * at_s)))
    sound = sound[:count]
    return 0.3 * sound / np.abs(sound).max()


def pcm(sound: NDArray[np.float64]) -> bytes:
    """16-bit little-endian."""
    return np.asarray(np.clip(sound, -1.0, 1.0) * 32767.0, "<i2").tobytes()
