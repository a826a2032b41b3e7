"""Which vowel a moment of speech sounds like: a linear discriminant on mel cepstra.

The spectrum of a 32 ms window is taken in 20 bands that are as wide as the ear's, in decibels,
lifted towards high frequencies; its cosine transform without the mean says how the mouth
shapes the sound and little about how loud or how high it is. ``vowels.txt``, which
``scripts/gen_vowels.py`` writes, has a linear score for every variant of A I U E O. All is
independent of the sample rate, from 8 kHz up.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

VOWELS = ("A", "I", "U", "E", "O")
WINDOW_S = 0.032  # two periods of the lowest voices
COEFFICIENTS = 10  # cepstral, behind the mean
TABLE = "vowels.txt"

_BANDS = 20
_LOW_HZ, _HIGH_HZ = 150.0, 3900.0  # first to third formant; the top fits into 8 kHz sound
_LIFT_HZ = 16_000.0  # the lift is that of a first difference (0.97) at this sample rate
_FLOOR = 0.03  # of the mean band: how deep a valley is between formants says nothing
_SILENCE = 1e-12


class Spectrum:
    """Windows of sound to power and to cepstra, at one sample rate.

    ``tract`` moves the bands: for a vocal tract that much shorter than an adult's.
    """

    def __init__(self, rate: int, tract: float = 1.0) -> None:
        self.size = round(rate * WINDOW_S)
        """Samples of a window."""
        self._transform = _smooth_length(self.size)
        window = np.hanning(self.size + 2)[1:-1]
        self._window = (window / np.sqrt(self.size * np.sum(window**2))).astype(np.float32)
        hertz = np.asarray(np.fft.rfftfreq(self._transform, 1.0 / rate), np.float64)
        self._bins = int(np.searchsorted(hertz, _HIGH_HZ * tract)) + 1
        hertz = hertz[: self._bins] / tract
        lift = 1.0 + 0.97**2 - 2.0 * 0.97 * np.cos(2.0 * np.pi * hertz / _LIFT_HZ)
        self._mel = (_triangles(hertz) * lift).T.astype(np.float32)
        order = np.arange(1, COEFFICIENTS + 1)[None, :]
        band = np.arange(_BANDS)[:, None] + 0.5
        self._cosines = (np.cos(np.pi * order * band / _BANDS) * np.sqrt(2.0 / _BANDS)).astype(
            np.float32
        )

    def power(self, windows: Floats) -> Floats:
        """(n, size) samples in -1..1 to the power (n, bins) of each frequency up to 3.9 kHz.

        The sum of a row is the mean square of its window, as far as it lies below 3.9 kHz.
        """
        bins = np.fft.rfft(windows * self._window, self._transform)[:, : self._bins]
        power = bins.real**2 + bins.imag**2
        return np.asarray(power * np.float32(2.0 * self.size / self._transform), np.float32)

    def cepstra(self, power: Floats) -> Floats:
        """(n, bins) to (n, 10)."""
        bands = power @ self._mel
        floor = bands.mean(axis=1, keepdims=True) * np.float32(_FLOOR) + np.float32(_SILENCE)
        return np.asarray(np.log10(bands + floor) @ self._cosines, np.float32)


class Vowels:
    """The table: cepstra to weights of A I U E O."""

    def __init__(self, names: tuple[str, ...], weights: Floats, bias: Floats) -> None:
        self._weights = weights
        self._bias = bias
        self._member = np.array(
            [[name.startswith(vowel) for vowel in VOWELS] for name in names], np.float32
        )

    @classmethod
    def read(cls, text: str) -> Vowels:
        """One variant a line: name (its first letter is the vowel), bias, ten weights."""
        rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        numbers = np.array([[float(field) for field in row[1:]] for row in rows], np.float32)
        return cls(tuple(row[0] for row in rows), numbers[:, 1:].T, numbers[:, 0])

    def weights(self, cepstra: Floats) -> Floats:
        """(n, 10) to (n, 5): each row is positive and sums to 1."""
        scores = cepstra @ self._weights + self._bias
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray((odds @ self._member) / odds.sum(axis=1, keepdims=True), np.float32)


@cache
def bundled() -> Vowels:
    """The table of the package."""
    return Vowels.read(files(__package__).joinpath(TABLE).read_text("utf-8"))


def _triangles(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """(bands, bins): overlapping triangles, evenly spaced in mel, each of area 1."""

    def mel(value: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return 2595.0 * np.log10(1.0 + np.asarray(value) / 700.0)

    edges = np.linspace(mel(_LOW_HZ), mel(_HIGH_HZ), _BANDS + 2)[:, None]
    place = mel(hertz)[None, :]
    rising = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - place) / (edges[2:] - edges[1:-1])
    shape = np.clip(np.minimum(rising, falling), 0.0, None)
    area = shape.sum(axis=1, keepdims=True)
    return np.asarray(shape / np.where(area > 0.0, area, 1.0), np.float64)


def _smooth_length(least: int) -> int:
    """The first length from ``least`` whose Fourier transform is fast."""
    sizes = (factor << power for factor in (1, 3, 5, 9, 15) for power in range(16))
    return min(size for size in sizes if size >= least)
