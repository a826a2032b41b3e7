"""Sounds in which nobody speaks: silence, noise, hum, music, a keyboard, a room.

All are made here from a seed, 16 kHz mono float32. Each is loud enough to be heard well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.float32]


def _level(sound: NDArray[np.float64], peak: float) -> Sound:
    return (sound / max(1e-9, float(np.abs(sound).max())) * peak).astype(np.float32)


def silence(seconds: float, rng: np.random.Generator) -> Sound:
    """With the last bit of a converter flickering."""
    return (rng.integers(-1, 2, int(seconds * RATE)) / 2**15).astype(np.float32)


def white(seconds: float, rng: np.random.Generator) -> Sound:
    return _level(rng.standard_normal(int(seconds * RATE)), 0.3)


def pink(seconds: float, rng: np.random.Generator) -> Sound:
    """Power falling by 3 dB an octave: rain, crowds far away."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return _level(np.fft.irfft(spectrum, count), 0.4)


def fan(seconds: float, rng: np.random.Generator) -> Sound:
    """Low noise with the whirr of blades in it."""
    noise = np.convolve(rng.standard_normal(int(seconds * RATE)), np.ones(24) / 24, "same")
    t = np.arange(len(noise)) / RATE
    return _level(noise * (1 + 0.3 * np.sin(2 * np.pi * 23 * t)), 0.3)


def hum(seconds: float, rng: np.random.Generator) -> Sound:
    """Mains at 50 Hz with harmonics, drifting a little."""
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * (50 * t + 0.2 * np.sin(2 * np.pi * t / 17))
    strengths = (1.0, 0.6, 0.4, 0.25, 0.2, 0.1, 0.08)
    total = sum(a * np.sin((i + 1) * phase + rng.uniform(0, 6)) for i, a in enumerate(strengths))
    return _level(np.asarray(total), 0.3)


def music(seconds: float, rng: np.random.Generator) -> Sound:
    """Chords, bass, a melody and drums at 112 beats a minute."""
    out = np.zeros(int(seconds * RATE) + 4 * RATE)
    beat = 60 / 112
    chords = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
    scale = (0, 2, 4, 7, 9, 12, 14, 16)

    def tone(at: float, length: float, note: float, strength: float, harmonics: int) -> None:
        t = np.arange(int(length * RATE)) / RATE
        pitch = 261.63 * 2 ** (note / 12)
        wave = sum(np.sin(2 * np.pi * pitch * h * t) / h**1.3 for h in range(1, harmonics + 1))
        shape = np.minimum(1, t / 0.01) * np.exp(-2.5 * t / length)
        start = int(at * RATE)
        out[start : start + len(t)] += strength * np.asarray(wave) * shape

    for number in range(int(seconds / beat)):
        at = number * beat
        chord = chords[number // 4 % 4]
        if number % 4 == 0:
            for note in chord:
                tone(at, beat * 4, note, 0.2, 6)
        tone(at, beat, chord[0] - 24, 0.4, 4)
        tone(at + beat * rng.choice((0, 0.5)), beat, rng.choice(scale) + 12, 0.3, 5)
        t = np.arange(int(0.08 * RATE)) / RATE
        hit = rng.standard_normal(len(t)) * np.exp(-60 * t)
        out[int(at * RATE) : int(at * RATE) + len(t)] += 0.5 * hit
    return _level(out[: int(seconds * RATE)], 0.5)


def keyboard(seconds: float, rng: np.random.Generator) -> Sound:
    """Somebody types, in bursts: each key a click down and a softer one up."""
    out = rng.standard_normal(int(seconds * RATE) + RATE) * 0.0005
    at = 0.5
    while at < seconds:
        for offset, strength in ((0.0, 1.0), (rng.uniform(0.06, 0.12), 0.5)):
            t = np.arange(int(0.03 * RATE)) / RATE
            pitch = rng.uniform(1500, 4500)
            click = (rng.standard_normal(len(t)) + np.sin(2 * np.pi * pitch * t)) * np.exp(-220 * t)
            start = int((at + offset) * RATE)
            out[start : start + len(t)] += click * strength * rng.uniform(0.05, 0.4)
        at += rng.uniform(0.08, 0.25) if rng.random() < 0.9 else rng.uniform(0.5, 2.5)
    return _level(out[: int(seconds * RATE)], 0.5)


def knocks(seconds: float, rng: np.random.Generator) -> Sound:
    """Bumps against a desk, breaths into the microphone, a chair."""
    out = rng.standard_normal(int(seconds * RATE) + 2 * RATE) * 0.001
    at = 1.0
    while at < seconds:
        length = rng.uniform(0.1, 0.9)
        t = np.arange(int(length * RATE)) / RATE
        start = int(at * RATE)
        if rng.random() < 0.5:
            piece = np.sin(2 * np.pi * rng.uniform(60, 220) * t) * np.exp(-t * 25)
        else:
            breath = np.convolve(rng.standard_normal(len(t)), np.ones(6) / 6, "same")
            piece = breath * np.sin(np.pi * t / length) ** 2 * 0.7
        out[start : start + len(t)] += piece * rng.uniform(0.1, 0.6)
        at += rng.uniform(0.8, 3.0)
    return _level(out[: int(seconds * RATE)], 0.5)


NOISES: dict[str, Callable[[float, np.random.Generator], Sound]] = {
    "silence": silence,
    "white noise": white,
    "pink noise": pink,
    "fan": fan,
    "hum": hum,
    "music": music,
    "keyboard": keyboard,
    "knocks and breaths": knocks,
}
