"""Unit: sound of any kind becomes 16 kHz mono float32."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from workers.stt.audio import RATE, BadSound, Converter, Samples, check_format, to_mono


def tone(rate: int, hertz: float, seconds: float = 1.0) -> Samples:
    t = np.arange(int(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def as_bytes(sound: Samples, format_: str) -> bytes:
    if format_ == "f32le":
        return sound.astype("<f4").tobytes()
    if format_ == "s16le":
        return (sound * 32767).astype("<i2").tobytes()
    wide = (sound.astype(np.float64) * (2**31 - 1)).astype("<i4")
    if format_ == "s32le":
        return wide.tobytes()
    return wide.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


@pytest.mark.parametrize("format_", ["s16le", "s24le", "s32le", "f32le"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_every_format_keeps_its_samples(format_: str, channels: int) -> None:
    sound = tone(RATE, 440, 0.05)
    mono = to_mono(as_bytes(np.repeat(sound, channels), format_), channels, format_)
    assert mono.dtype == np.float32
    assert np.allclose(mono, sound, atol=1e-4)


def test_channels_are_mixed_not_interleaved() -> None:
    left, right = np.full(100, 0.5, np.float32), np.full(100, -0.25, np.float32)
    mixed = to_mono(as_bytes(np.stack((left, right), 1).reshape(-1), "s16le"), 2, "s16le")
    assert np.allclose(mixed, 0.125, atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_a_tone_stays_that_tone(rate: int) -> None:
    converter = Converter(rate, 1, "f32le")
    data = tone(rate, 1000).tobytes()
    step = 4 * 441
    parts = [converter.push(data[i : i + step]) for i in range(0, len(data), step)]
    sound = np.concatenate([*parts, converter.flush()])
    assert abs(len(sound) - RATE) <= 2
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) == pytest.approx(1000, abs=2)
    assert np.abs(sound[2000:-2000]).max() == pytest.approx(0.5, abs=0.02)


def test_what_is_too_high_goes_and_is_not_folded_down() -> None:
    """A tone of 15 kHz sampled at 48 kHz would appear at 1 kHz."""
    converter = Converter(48_000, 1, "f32le")
    sound = np.concatenate((converter.push(tone(48_000, 15_000).tobytes()), converter.flush()))
    assert np.abs(sound[2000:-2000]).max() < 0.001


def test_what_comes_in_pieces_is_what_comes_at_once() -> None:
    data = as_bytes(tone(44_100, 300), "s16le")
    whole, pieces = Converter(44_100, 1, "s16le"), Converter(44_100, 1, "s16le")
    once = np.concatenate((whole.push(data), whole.flush()))
    bits = [pieces.push(data[i : i + 246]) for i in range(0, len(data), 246)]
    assert np.allclose(once, np.concatenate([*bits, pieces.flush()]), atol=1e-5)


def test_numbers_that_are_no_sound_become_silence() -> None:
    data = struct.pack("<5f", math.nan, math.inf, -math.inf, 9.0, 0.25)
    assert to_mono(data, 1, "f32le").tolist() == [0.0, 0.0, 0.0, 1.0, 0.25]


@pytest.mark.parametrize(
    ("data", "channels", "format_"),
    [(b"123", 1, "s16le"), (b"1234", 1, "s24le"), (b"12", 2, "s16le"), (b"12", 1, "f32le")],
)
def test_parts_of_samples_are_refused(data: bytes, channels: int, format_: str) -> None:
    with pytest.raises(BadSound, match="not whole samples"):
        to_mono(data, channels, format_)


@pytest.mark.parametrize(
    ("rate", "channels", "format_", "why"),
    [
        ("48000", 1, "s16le", "is no whole number"),
        (True, 1, "s16le", "is no whole number"),
        (44_100.5, 1, "s16le", "is no whole number"),
        (0, 1, "s16le", "cannot be used"),
        (-48_000, 1, "s16le", "cannot be used"),
        (10**9, 1, "s16le", "cannot be used"),
        (48_000, 0, "s16le", "channels"),
        (48_000, 99, "s16le", "channels"),
        (48_000, "two", "s16le", "channels"),
        (48_000, 1, "mp3", "not known"),
        (48_000, 1, None, "not known"),
    ],
)
def test_what_cannot_be_sound_is_said(
    rate: object, channels: object, format_: object, why: str
) -> None:
    with pytest.raises(BadSound, match=why) as refused:
        check_format(rate, channels, format_)
    assert refused.value.hint


def test_not_a_number_of_samples_is_refused() -> None:
    for rate in (math.nan, math.inf):
        with pytest.raises(BadSound):
            check_format(rate, 1, "s16le")
