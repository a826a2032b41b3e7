"""Writes the table of vowels that the face reads: workers/face/vowels.txt.

    python scripts/gen_vowels.py [--check] [--each N] [--seed S]

A source-filter synthesiser makes ``--each`` vowels of every variant: a glottal pulse with a
random shape, pitch and tilt, through five resonances drawn around the formants below and
scaled by a random length of the vocal tract. Their cepstra train a linear discriminant:
one normal distribution a variant, one common covariance. Nothing that the tests or
``measure_face.py`` hear is made here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.face.vowels import COEFFICIENTS, TABLE, Spectrum

PATH = Path(__file__).resolve().parent.parent / "workers" / "face" / TABLE
RATE = 16_000
LENGTH_S = 0.08
FORMANTS_HZ = {
    "A-back": ((620, 850), (950, 1250), (2300, 2800)),
    "A-front": ((700, 900), (1250, 1550), (2300, 2700)),
    "I": ((240, 350), (2100, 2500), (2700, 3300)),
    "U-back": ((260, 390), (600, 1000), (2100, 2500)),
    "U-middle": ((260, 390), (1000, 1350), (2100, 2450)),
    "U-front": ((260, 400), (1350, 1700), (2100, 2450)),
    "E-close": ((360, 490), (1850, 2350), (2450, 2850)),
    "E-open": ((490, 780), (1650, 2050), (2400, 2800)),
    "O-close": ((370, 500), (650, 1000), (2200, 2600)),
    "O-open": ((480, 610), (720, 1050), (2200, 2600)),
}
"""First to third formant of an adult male; the vocal tract's length scales them."""
HIGHER_HZ = (3500.0, 4500.0)
BANDWIDTHS_HZ = (60.0, 60.0, 80.0, 120.0, 180.0)
SCALE = (0.92, 1.3)
PITCH_HZ = (85.0, 330.0)
COLOUR_HZ = (200.0, 600.0, 1200.0, 2400.0, 4000.0)
COLOUR_DB = (5.0, 5.0, 5.0, 10.0, 10.0)
"""Deviation of a random equaliser: voices are brighter or darker than physics says."""
OPENING, CLOSING = (0.3, 0.5), (0.1, 0.25)  # of a period
PRIOR = {"I": 1.0, "E-close": -1.5}
"""Of the logarithm of how frequent a variant is. English, which the bundled voice speaks, has
no close [e], and the [i] of a woman is as open as the [e] of a man."""
SHRINK = 0.2  # of the common covariance towards its diagonal


def glottal(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """The derivative of an air flow of Rosenberg's kind, with jitter and a little breath."""
    flow = np.zeros(count)
    opening, closing = rng.uniform(*OPENING), rng.uniform(*CLOSING)
    pitch = np.exp(rng.uniform(*np.log(PITCH_HZ)))
    place = -rng.uniform(0, RATE / pitch)
    while place < count:
        period = RATE / (pitch * rng.normal(1.0, 0.008))
        time = np.arange(max(0, int(np.ceil(place))), min(count, int(place + period)))
        phase = (time - place) / period
        rise = 0.5 * (1.0 - np.cos(np.pi * phase / opening))
        fall = np.cos(0.5 * np.pi * np.clip((phase - opening) / closing, 0.0, 1.0))
        flow[time] = np.where(phase < opening, rise, fall)
        place += period
    return np.diff(flow, prepend=0.0) + rng.normal(0.0, 1.0, count) * 10 ** rng.uniform(-5, -2.7)


def vowel(rng: np.random.Generator, name: str) -> NDArray[np.float32]:
    """One vowel of that variant, of ``LENGTH_S`` at ``RATE``."""
    count = int(RATE * LENGTH_S)
    scale = rng.uniform(*SCALE)
    ranges = FORMANTS_HZ[name]
    formants = [scale * rng.uniform(low, high) for low, high in ranges]
    formants += [scale * hertz * rng.uniform(0.95, 1.05) for hertz in HIGHER_HZ]
    spectrum = np.fft.rfft(glottal(rng, count), 2 * count)
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * count))
    for hertz, wide in zip(formants, BANDWIDTHS_HZ, strict=True):
        if hertz < RATE * 0.48:
            radius = np.exp(-np.pi * wide * rng.uniform(0.7, 1.6) / RATE)
            real = 2.0 * radius * np.cos(2.0 * np.pi * hertz / RATE)
            spectrum = spectrum * (1.0 - real + radius**2) / (1.0 - real * z + radius**2 * z**2)
    hertz = np.fft.rfftfreq(2 * count, 1.0 / RATE)
    gain = np.interp(np.log(hertz + 1.0), np.log(COLOUR_HZ), rng.normal(0.0, COLOUR_DB))
    spectrum *= 10.0 ** (gain / 20.0)
    sound = np.fft.irfft(spectrum)[:count]
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def train(each: int, seed: int) -> str:
    """The text of the table."""
    rng = np.random.default_rng(seed)
    spectrum = Spectrum(RATE)
    start = int(RATE * LENGTH_S) - spectrum.size
    means, spread = [], np.zeros((COEFFICIENTS, COEFFICIENTS))
    for name in FORMANTS_HZ:
        windows = np.stack([vowel(rng, name)[start:] for _ in range(each)])
        cepstra = spectrum.cepstra(spectrum.power(windows)).astype(np.float64)
        means.append(cepstra.mean(axis=0))
        spread += np.cov(cepstra.T) / len(FORMANTS_HZ)
    spread = (1.0 - SHRINK) * spread + SHRINK * np.diag(np.diag(spread))
    lines = [
        "# Linear discriminant of vowels on mel cepstra; written by scripts/gen_vowels.py.",
        "# variant, bias, weights of the cepstral coefficients 1 to 10",
    ]
    for name, mean in zip(FORMANTS_HZ, means, strict=True):
        weights = np.linalg.solve(spread, mean)
        row = (PRIOR.get(name, 0.0) - 0.5 * mean @ weights, *weights)
        lines.append(f"{name:8} " + " ".join(f"{number:8.3f}" for number in row))
    return "\n".join(lines) + "\n"


def numbers(text: str) -> NDArray[np.float64]:
    """Of the table. Machines differ in the last digit."""
    lines = [line.split()[1:] for line in text.splitlines() if not line.startswith("#")]
    return np.array(lines, np.float64)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    options.add_argument("--check", action="store_true", help="only say whether it is up to date")
    options.add_argument("--each", type=int, default=1500, help="vowels of every variant")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    text = train(given.each, given.seed)
    if not given.check:
        PATH.write_text(text, "utf-8")
    elif not np.allclose(numbers(PATH.read_text("utf-8")), numbers(text), atol=0.02):
        sys.exit(f"{PATH.name} is not what this script writes: run scripts/gen_vowels.py")


if __name__ == "__main__":
    main()
