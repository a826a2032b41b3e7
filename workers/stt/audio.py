"""Sound of any rate, width and number of channels becomes 16 kHz mono float32."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from ipc.errors import SparkError

RATE = 16_000  # what the voice detector and Whisper were trained on

Samples = NDArray[np.float32]
"""Mono, 16 kHz, -1..1, shape (n,)."""

WIDTHS = {"s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}
"""Sample formats and their bytes a sample."""

_FULL_16, _FULL_32 = np.float32(2**15), np.float32(2**31)
RATES = (8_000, 192_000)
CHANNELS = 8


class BadSound(SparkError):
    """A source said or sent something that cannot be sound."""


def check_format(rate: object, channels: object, format_: object) -> tuple[int, int, str]:
    """The three, if they describe sound that can be taken. Raises BadSound."""
    if isinstance(rate, float) and rate.is_integer():
        rate = int(rate)
    if isinstance(rate, bool) or not isinstance(rate, int):
        raise BadSound(
            f"the rate {rate!r} is no whole number", "say how many samples a second come"
        )
    if not RATES[0] <= rate <= RATES[1]:
        raise BadSound(
            f"the rate {rate} cannot be used", f"send {RATES[0]} to {RATES[1]} samples a second"
        )
    if isinstance(channels, bool) or not isinstance(channels, int) or not 1 <= channels <= CHANNELS:
        raise BadSound(f"{channels!r} channels cannot be used", f"send 1 to {CHANNELS} channels")
    if format_ not in WIDTHS:
        raise BadSound(f"the format {format_!r} is not known", f"send one of {', '.join(WIDTHS)}")
    return rate, channels, str(format_)


def to_mono(data: bytes, channels: int, format_: str) -> Samples:
    """Interleaved samples as the mean of their channels. Raises BadSound for parts of samples.

    What no converter can give, infinities and NaN, becomes silence.
    """
    width = WIDTHS[format_]
    if len(data) % (width * channels):
        raise BadSound(
            f"{len(data)} bytes are not whole samples of {channels} x {format_}",
            "send whole samples, and say the format and channels that are sent",
        )
    sound: Samples
    if format_ == "s16le":
        sound = np.frombuffer(data, "<i2").astype(np.float32) / _FULL_16
    elif format_ == "s24le":
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        sound = wide.view("<i4")[:, 0].astype(np.float32) / _FULL_32
    elif format_ == "s32le":
        sound = np.frombuffer(data, "<i4").astype(np.float32) / _FULL_32
    else:
        sound = np.nan_to_num(
            np.frombuffer(data, "<f4").astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0
        )
        sound = np.clip(sound, -1.0, 1.0)
    if channels == 1:
        return sound
    mixed: Samples = sound.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mixed


class Converter:
    """One stream of sound. ``push`` takes what came, in order, and returns what is ready.

    The resampler holds back a few milliseconds; ``flush`` gives them at the end.
    """

    def __init__(self, rate: object, channels: object, format_: object) -> None:
        self.rate, self.channels, self.format = check_format(rate, channels, format_)
        self._stream = (
            None
            if self.rate == RATE
            else soxr.ResampleStream(self.rate, RATE, 1, dtype="float32", quality="HQ")
        )

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return WIDTHS[self.format] * self.channels

    def push(self, data: bytes) -> Samples:
        """Raises BadSound for parts of samples."""
        return self._resampled(to_mono(data, self.channels, self.format), last=False)

    def flush(self) -> Samples:
        """What the resampler still holds. The stream is over then."""
        return self._resampled(np.zeros(0, np.float32), last=True)

    def _resampled(self, sound: Samples, *, last: bool) -> Samples:
        if self._stream is None:
            return sound
        made: Samples = self._stream.resample_chunk(sound, last=last)
        return made
