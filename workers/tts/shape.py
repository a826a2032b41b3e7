"""From a model's raw sound to a clause that can stand between others. Pure numpy.

All functions take and return float32 mono in -1..1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

LOUDNESS_RMS = 0.1  # -20 dBFS while speaking: common for speech, with room for peaks
PEAK = 0.95
_GAIN = (0.25, 4.0)  # more would amplify noise, less would flatten a whisper
_SILENCE = 0.006  # of the loudest frame (-44 dB): quiet fricatives are louder
_FRAME_S = 0.005
_LEAD_S = 0.015  # kept before the first sound, so that soft onsets survive
_TAIL_S = 0.04
_FADE_S = 0.004
_GRID = 64  # samples; lengths without large prime factors keep the Fourier transform fast

SENTENCE_PAUSE_S = 0.28
CLAUSE_PAUSE_S = 0.12
_SENTENCE_ENDS = ".!?…"
_CLAUSE_ENDS = ",;:—–-"
_CLOSERS = "\"'”’)]* "

FIRST_CHUNK_S = 0.08
CHUNK_S = 0.2


def pause_after(text: str) -> float:
    """Seconds of silence that belong behind a text, by its last punctuation mark."""
    end = text.rstrip(_CLOSERS)[-1:]
    if end and end in _SENTENCE_ENDS:
        return SENTENCE_PAUSE_S
    return CLAUSE_PAUSE_S if end and end in _CLAUSE_ENDS else 0.0


def trim(sound: Sound, rate: int) -> Sound:
    """Without the silence around it. Empty if there is nothing but silence."""
    size = max(1, int(rate * _FRAME_S))
    frames = len(sound) // size
    if not frames:
        return sound[:0]
    rms = np.sqrt(np.mean(sound[: frames * size].reshape(frames, size) ** 2, axis=1))
    loud = np.flatnonzero(rms > _SILENCE * rms.max())
    if not len(loud):
        return sound[:0]
    start = loud[0] * size - int(rate * _LEAD_S)
    end = (loud[-1] + 1) * size + int(rate * _TAIL_S)
    return sound[max(0, start) : end]


def level(sound: Sound) -> Sound:
    """At the loudness all clauses have, without clipping."""
    peak = float(np.max(np.abs(sound), initial=0.0))
    if peak == 0.0:
        return sound
    speaking = sound[np.abs(sound) > peak * 0.02]
    rms = float(np.sqrt(np.mean(speaking**2)))
    gain = min(float(np.clip(LOUDNESS_RMS / rms, *_GAIN)), PEAK / peak)
    return np.asarray(sound * np.float32(gain), np.float32)


def fade(sound: Sound, rate: int) -> Sound:
    """With ends that start and stop at zero: no clicks."""
    size = min(int(rate * _FADE_S), len(sound) // 2)
    faded = sound.copy()
    if size:
        ramp = np.linspace(0.0, 1.0, size, dtype=np.float32)
        faded[:size] *= ramp
        faded[-size:] *= ramp[::-1]
    return faded


def pitch_factor(semitones: float) -> float:
    """Frequency ratio of equal temperament."""
    return float(2.0 ** (semitones / 12.0))


def resample(sound: Sound, factor: float) -> Sound:
    """Played ``factor`` times faster: pitch up, duration down.

    In the frequency domain, which takes any factor and needs no scipy.signal (0.6 s and
    45 MB to import). It treats the sound as a circle; both its ends are silent.
    """
    if factor == 1.0 or not len(sound):
        return sound
    padded = np.pad(sound, (0, -len(sound) % _GRID))
    size = round(len(padded) / factor / _GRID) * _GRID
    if not size:
        return sound[:0]
    spectrum = np.fft.rfft(padded)
    moved = np.fft.irfft(spectrum[: size // 2 + 1], size) * (size / len(padded))
    return np.asarray(moved, np.float32)


def pause(seconds: float, rate: int) -> Sound:
    """Silence."""
    return np.zeros(int(seconds * rate), np.float32)


def to_pcm(sound: Sound) -> bytes:
    """Signed 16-bit little-endian."""
    return (np.clip(sound, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def chunks(pcm: bytes, rate: int) -> Iterator[bytes]:
    """A small first piece, to be heard early, then larger ones, to be cheap."""
    size = int(rate * FIRST_CHUNK_S) * 2
    start = 0
    while start < len(pcm):
        yield pcm[start : start + size]
        start += size
        size = int(rate * CHUNK_S) * 2
