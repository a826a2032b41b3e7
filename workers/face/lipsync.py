"""The mouth that belongs to a sound: sixty times a second how open it is and in which shape.

How open follows loudness in decibels, against a reference that slowly adapts to the voice;
the shape follows the vowel. The mouth opens faster than it closes, and it looks a little ahead
in the sound, because a mouth that is early looks right and one that is late does not
(ITU-R BT.1359: 45 ms early, 125 ms late can just be noticed, for the sound against the picture).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from workers.face import vowels
from workers.face.vowels import VOWELS, Floats

FRAMES_PER_S = 60
COLUMNS = (*VOWELS, "open")
"""Of a frame. The five vowels sum to ``open``; all are in 0..1."""

ATTACK_S = 0.03  # time constants of opening and closing
RELEASE_S = 0.06
SHAPE_S = 0.04  # ... and of going from one vowel to the next
AHEAD_S = 0.025  # about what attack and release take: without it the mouth would be that late

SILENCE_DB = -55.0  # of full scale; below this nothing is heard
RANGE_DB = 28.0  # below the reference the mouth is closed
CURVE = 2.4  # of openness over decibels: between how loud it is and how strong the wave is
_REFERENCE_DB = -15.0  # frames of speech at the level that tts gives to every clause
_REFERENCE_LIMITS_DB = (-42.0, -6.0)
_SOFT_DB = 12.0  # below the reference: what is softer lowers it no faster
_PAUSE_DB = 42.0  # below the reference: says nothing about the voice
_LOUDER_S, _SOFTER_S = 0.15, 5.0  # time constants of the reference

Indices = NDArray[np.int64]

_RATES = range(8_000, 192_001)
_BATCH = 240  # frames computed together: a long clause in one piece takes little memory
_CLOSING = 2  # frames in which the mouth closes when the sound ends open


class LipSync:
    """Clause by clause: feed its sound in pieces of any size, then ``finish`` it.

    Frame k of a clause belongs to (k + 0.5) / 60 s after the beginning of its sound. What
    was learned about how loud the voice is stays for the next clause. ``tract`` says how much
    higher than an adult's the resonances of this voice are: 2 ** (semitones / 12) for one that
    was raised by resampling, 1.2 for a child. ValueError for a sample rate outside 8 to 192 kHz.
    """

    def __init__(
        self,
        rate: int,
        *,
        tract: float = 1.0,
        attack_s: float = ATTACK_S,
        release_s: float = RELEASE_S,
        ahead_s: float = AHEAD_S,
    ) -> None:
        if rate not in _RATES:
            raise ValueError(f"lip sync takes {_RATES[0]} to {_RATES[-1]} samples/s, not {rate}")
        self._rate = rate
        self._attack, self._release = _gain(attack_s), _gain(release_s)
        self._ahead = round(ahead_s * rate)
        self._spectrum = vowels.Spectrum(rate, tract)
        self._vowels = vowels.bundled()
        self._reference_db = _REFERENCE_DB
        self._begin()

    def _begin(self) -> None:
        """Nothing was heard and the mouth is closed."""
        self._half = b""  # of a sample
        # windows of the first frames reach before the beginning, where there is silence
        self._origin = min(0, int(self._starts(np.array([0]))[0]))
        self._sound: Floats = np.zeros(-self._origin, np.float32)  # from sample ``_origin`` on
        self._received = 0
        self._next = 0  # frame
        self._open = 0.0
        self._shape = [1.0 / len(VOWELS)] * len(VOWELS)
        self._shaped = False

    def feed(self, pcm: bytes) -> Floats:
        """More of the clause, 16-bit little-endian mono. The frames (n, 6) that are now certain.

        A frame waits until all the sound that it looks at has come: about 50 ms.
        """
        pcm = self._half + pcm
        whole = len(pcm) // 2 * 2
        self._half = pcm[whole:]
        samples = np.frombuffer(pcm[:whole], "<i2").astype(np.float32) / np.float32(32768.0)
        self._sound = np.concatenate((self._sound, samples))
        self._received += len(samples)
        return self._frames(self._ready())

    def finish(self) -> Floats:
        """The clause has no more sound: the frames (n, 6) up to its end; the last is closed.

        All frames of a clause cover its sound, rounded up. The next ``feed`` begins another.
        """
        end = -(-self._received * FRAMES_PER_S // self._rate)
        missing = self._starts(np.array([end]))[0] + self._spectrum.size - self._origin
        padding = max(0, int(missing) - len(self._sound))
        self._sound = np.concatenate((self._sound, np.zeros(padding, np.float32)))
        frames = self._frames(end - self._next)
        steps = min(_CLOSING, len(frames))
        if steps:
            fading = np.arange(_CLOSING - 1, -1, -1, dtype=np.float32)[-steps:] / _CLOSING
            frames[-steps:] *= fading[:, None]
        self._begin()
        return frames

    def _starts(self, frames: Indices) -> Indices:
        """Where the windows of these frames begin, in samples of the clause."""
        centres = (2 * frames + 1) * self._rate // (2 * FRAMES_PER_S)
        return centres + self._ahead - self._spectrum.size // 2

    def _ready(self) -> int:
        """How many frames have all their sound. The last ones wait: they may have to close."""
        after = self._received * FRAMES_PER_S // self._rate + 1
        frames = np.arange(self._next, max(self._next, after))
        seen = self._starts(frames) + self._spectrum.size <= self._received
        held = (frames + _CLOSING) * self._rate >= self._received * FRAMES_PER_S
        return int(np.count_nonzero(seen & ~held))

    def _frames(self, count: int) -> Floats:
        """The next ``count`` frames; the sound behind them is there."""
        batches = [np.zeros((0, len(COLUMNS)), np.float32)]
        while count > 0:
            batches.append(self._batch(min(count, _BATCH)))
            count -= _BATCH
        return np.concatenate(batches)

    def _batch(self, count: int) -> Floats:
        starts = self._starts(np.arange(self._next, self._next + count)) - self._origin
        windows = self._sound[starts[:, None] + np.arange(self._spectrum.size)]
        power = self._spectrum.power(windows)
        level_db = 10.0 * np.log10(power.sum(axis=1) + 1e-12)
        shapes = self._vowels.weights(self._spectrum.cepstra(power))
        self._next += count
        keep = int(self._starts(np.array([self._next]))[0])
        self._sound = self._sound[max(0, keep - self._origin) :]
        self._origin = max(self._origin, keep)
        return self._smooth(level_db.tolist(), shapes.tolist())

    def _smooth(self, levels_db: list[float], shapes: list[list[float]]) -> Floats:
        """Frame by frame: each depends on the one before."""
        out: list[list[float]] = []
        for level_db, shape in zip(levels_db, shapes, strict=True):
            wanted = self._openness(level_db)
            gain = self._attack if wanted > self._open else self._release
            self._open += (wanted - self._open) * gain
            if wanted > 0.0:  # silence has no shape: the mouth closes in the one it has
                gain = _SHAPE if self._shaped else 1.0
                self._shape = [a + (b - a) * gain for a, b in zip(self._shape, shape, strict=True)]
                self._shaped = True
            out.append([*(part * self._open for part in self._shape), self._open])
        return np.array(out, np.float32)

    def _openness(self, level_db: float) -> float:
        if level_db < SILENCE_DB:
            return 0.0
        over_db = level_db - self._reference_db
        openness: float = min(1.0, max(0.0, 1.0 + over_db / RANGE_DB)) ** CURVE
        if over_db > 0.0:
            self._reference_db += over_db * _LOUDER
        elif over_db > -_PAUSE_DB:
            self._reference_db += max(over_db, -_SOFT_DB) * _SOFTER
        low, high = _REFERENCE_LIMITS_DB
        self._reference_db = min(high, max(low, self._reference_db))
        return openness


def _gain(constant_s: float) -> float:
    """Of one frame, for an exponential approach with that time constant."""
    return 1.0 - math.exp(-1.0 / (FRAMES_PER_S * constant_s)) if constant_s > 0.0 else 1.0


_SHAPE, _LOUDER, _SOFTER = _gain(SHAPE_S), _gain(_LOUDER_S), _gain(_SOFTER_S)
