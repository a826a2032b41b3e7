"""Unit: lip sync. Frames come when their sound has come, follow loudness and the vowel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hibari import Hibari
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from voices import FORMANTS_HZ, pcm, sing

from workers.face.lipsync import AHEAD_S, COLUMNS, FRAMES_PER_S, LipSync
from workers.face.vowels import VOWELS, WINDOW_S, Floats, Spectrum, Vowels, bundled
from workers.tts import shape

RATE = 24_000
OPEN = COLUMNS.index("open")
REPLY = "Hi Kim, welcome in! Today we build a castle, and then, maybe, we look at the stars."


def whole(sound: bytes, rate: int = RATE) -> Floats:
    """All frames of one clause."""
    lips = LipSync(rate)
    return np.concatenate((lips.feed(sound), lips.finish()))


def silence(seconds: float, rate: int = RATE) -> NDArray[np.float64]:
    return np.zeros(int(seconds * rate))


def envelope(sound: NDArray[np.float64], rate: int, step_s: float) -> NDArray[np.float64]:
    """Strength of the sound around every multiple of ``step_s`` (+ half a step), as it is heard."""
    count = int(len(sound) / rate / step_s)
    size = int(0.02 * rate)
    padded = np.pad(sound, size)
    starts = ((np.arange(count) + 0.5) * step_s * rate).astype(int) - size // 2 + size
    windows = padded[starts[:, None] + np.arange(size)]
    return np.asarray(np.sqrt(np.mean(windows**2, axis=1)) ** 0.6, np.float64)


@pytest.fixture(scope="module")
def reply() -> NDArray[np.float64]:
    """A reply of the bundled voice, shaped as tts does."""
    pieces: list[NDArray[np.float32]] = []
    for sound in Hibari().stream(REPLY, seed=1):
        clause = shape.fade(shape.level(shape.trim(sound, RATE)), RATE)
        pieces += [clause, shape.pause(0.28, RATE)]
    return np.concatenate(pieces).astype(np.float64)


# --- the clock ---


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("seconds", [0.004, 0.05, 0.5])
def test_the_frames_of_a_clause_cover_its_sound_and_end_closed(rate: int, seconds: float) -> None:
    sound = sing("women", "A", rate, 1.0)[: int(rate * seconds)]
    frames = whole(pcm(sound), rate)
    assert frames.dtype == np.float32
    assert frames.shape == (-(-len(sound) * FRAMES_PER_S // rate), 6)
    assert not frames[-1].any()
    assert frames.min() >= 0.0
    assert frames.max() <= 1.0
    assert np.allclose(frames[:, :5].sum(axis=1), frames[:, OPEN], atol=1e-5)


def test_nothing_gives_nothing() -> None:
    lips = LipSync(RATE)
    assert lips.feed(b"").shape == (0, 6)
    assert lips.finish().shape == (0, 6)
    assert lips.feed(b"\x01").shape == (0, 6)  # half a sample
    assert lips.finish().shape == (0, 6)


def test_a_frame_waits_for_the_sound_it_looks_at_and_no_longer() -> None:
    sound = pcm(sing("men", "E", RATE, 0.5))
    lips = LipSync(RATE)
    given_frames = 0
    for fed in range(1, len(sound) // 2 + 1):
        given_frames += len(lips.feed(sound[2 * fed - 2 : 2 * fed]))
        # the window of frame k ends this long after the beginning
        looked_s = (np.arange(60) + 0.5) / FRAMES_PER_S + AHEAD_S + WINDOW_S / 2
        surely = np.count_nonzero(looked_s * RATE <= fed - 1)
        perhaps = np.count_nonzero(looked_s * RATE <= fed + 1)  # a window begins at a sample
        assert surely <= given_frames <= perhaps
    assert given_frames == 28  # of 30


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=14_400), max_size=12))
def test_frames_do_not_depend_on_how_the_sound_was_cut(cuts: list[int]) -> None:
    sound = pcm(np.concatenate((silence(0.05), sing("women", "O", RATE, 0.2), silence(0.05))))
    edges = [0, *sorted(cut for cut in cuts if cut < len(sound)), len(sound)]
    lips = LipSync(RATE)
    pieces = [lips.feed(sound[a:b]) for a, b in pairwise(edges)]
    frames = np.concatenate([*pieces, lips.finish()])
    assert np.allclose(frames, whole(sound), atol=1e-4)


def test_the_next_clause_begins_anew_with_what_was_learned_of_the_voice() -> None:
    soft = pcm(0.05 * sing("women", "A", RATE, 3.0))
    lips = LipSync(RATE)
    first = np.concatenate((lips.feed(soft), lips.finish()))
    for _ in range(4):
        later = np.concatenate((lips.feed(soft), lips.finish()))
    assert first.shape == later.shape
    assert first[0, OPEN] < 0.1  # it begins closed
    assert first[20, OPEN] < 0.35
    assert later[20, OPEN] > max(0.3, 1.5 * first[20, OPEN])


@pytest.mark.parametrize("rate", [0, -1, 7_999, 192_001])
def test_other_sample_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"not {rate}"):
        LipSync(rate)


# --- how open ---


@pytest.mark.parametrize("level_db", [-200.0, -62.0])
def test_silence_and_faint_noise_leave_the_mouth_closed(level_db: float) -> None:
    noise = np.random.default_rng(1).normal(0.0, 10 ** (level_db / 20), RATE)
    assert not whole(pcm(noise)).any()


def test_the_mouth_opens_with_the_sound_and_closes_after_it() -> None:
    sound = np.concatenate((silence(0.3), sing("women", "A", RATE, 0.4), silence(0.4)))
    frames = whole(pcm(sound))[:, OPEN]
    times_s = (np.arange(len(frames)) + 0.5) / FRAMES_PER_S
    loud = frames > 0.5 * frames.max()
    assert -0.045 < times_s[loud][0] - 0.3 < 0.045
    assert -0.045 < times_s[loud][-1] - 0.7 < 0.045
    assert not frames[times_s < 0.3 - 0.06].any()
    assert frames[times_s > 0.7 + 0.2].max() < 0.06
    assert frames.max() > 0.6


def test_it_opens_faster_than_it_closes() -> None:
    sound = np.concatenate((silence(0.3), sing("men", "A", RATE, 0.5), silence(0.5)))
    frames = whole(pcm(sound))[:, OPEN]
    middle = int(0.55 * FRAMES_PER_S)
    top = frames[middle]
    rising = np.count_nonzero((frames[:middle] > 0.1 * top) & (frames[:middle] < 0.9 * top))
    falling = np.count_nonzero((frames[middle:] > 0.1 * top) & (frames[middle:] < 0.9 * top))
    assert 1 <= rising < falling <= 14


@pytest.mark.parametrize("gain", [0.15, 1.0])
def test_openness_of_a_reply_follows_its_loudness(reply: NDArray[np.float64], gain: float) -> None:
    lips = LipSync(RATE)
    for _ in range(2):
        frames = np.concatenate((lips.feed(pcm(gain * reply)), lips.finish()))[:, OPEN]
    heard = envelope(reply, RATE, 1 / FRAMES_PER_S)
    count = min(len(frames), len(heard))
    assert np.corrcoef(frames[:count], heard[:count])[0, 1] > 0.8
    assert np.corrcoef(frames[:count], heard[:count] ** (1 / 0.6))[0, 1] > 0.75  # the plain RMS
    assert frames.max() > 0.5


def test_the_mouth_is_in_time_with_a_reply_and_rather_early(reply: NDArray[np.float64]) -> None:
    step_s = 0.001
    heard = envelope(reply, RATE, step_s)
    frames = whole(pcm(reply))[:, OPEN]
    times_s = (np.arange(len(heard)) + 0.5) * step_s
    mouth = np.interp(times_s, (np.arange(len(frames)) + 0.5) / FRAMES_PER_S, frames)
    lags = range(-60, 61)
    likeness = [np.corrcoef(mouth[60 + lag : lag - 60 or None][: len(heard) - 120], heard[60:-60])
                [0, 1] for lag in lags]  # fmt: skip
    late_ms = lags[int(np.argmax(likeness))]
    assert -30 <= late_ms <= 5


@pytest.mark.parametrize(
    "sound",
    [
        np.sign(np.sin(np.arange(RATE) * 0.1)) * 2.0,  # clipped
        np.full(RATE, 0.9),  # no sound but an offset
        np.random.default_rng(2).uniform(-1.0, 1.0, RATE),
        np.eye(1, RATE, RATE // 2)[0],  # a click
    ],
)
def test_odd_sounds_give_numbers_in_range(sound: NDArray[np.float64]) -> None:
    frames = whole(pcm(sound))
    assert np.isfinite(frames).all()
    assert frames.min() >= 0.0
    assert frames.max() <= 1.0


# --- which shape ---


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize(("who", "tract"), [("men", 1.0), ("women", 1.0), ("children", 1.2)])
def test_sustained_vowels_are_recognised(who: str, tract: float, rate: int) -> None:
    right: list[np.bool_] = []
    for vowel in FORMANTS_HZ[who]:
        lips = LipSync(rate, tract=tract)
        frames = np.concatenate((lips.feed(pcm(sing(who, vowel, rate))), lips.finish()))
        spoken = frames[frames[:, OPEN] > 0.2][:, :5]
        right += list(spoken.argmax(axis=1) == VOWELS.index(vowel))
    assert np.mean(right) >= 0.85


def test_the_shape_goes_over_from_one_vowel_to_the_next() -> None:
    frames = whole(pcm(np.concatenate((sing("men", "A", RATE, 0.5), sing("men", "U", RATE, 0.5)))))
    shape_of = frames[:, :5].argmax(axis=1)
    assert shape_of[15] == VOWELS.index("A")
    assert shape_of[45] == VOWELS.index("U")
    assert np.abs(np.diff(frames[10:50, :5], axis=0)).max() < 0.6


def test_the_shape_does_not_depend_on_loudness_or_sample_rate() -> None:
    shapes = []
    for rate, gain in [(16_000, 1.0), (16_000, 0.1), (44_100, 1.0)]:
        spectrum = Spectrum(rate)
        window = gain * sing("men", "A", rate)[rate // 5 : rate // 5 + spectrum.size]
        power = spectrum.power(window[None, :].astype(np.float32))
        assert power.sum() == pytest.approx(np.mean(window**2), rel=0.5)
        shapes.append(bundled().weights(spectrum.cepstra(power))[0])
    assert np.allclose(shapes[0], shapes[1], atol=1e-3)
    assert np.allclose(shapes[0], shapes[2], atol=0.1)


def test_a_table_is_read_with_its_variants_summed() -> None:
    table = Vowels.read("# a comment\nA-one 0 " + "0 " * 10 + "\nA-two 0 " + "0 " * 10
                        + "\nI 0 " + "0 " * 10)  # fmt: skip
    assert np.allclose(table.weights(np.zeros((1, 10), np.float32)), [[2 / 3, 1 / 3, 0, 0, 0]])
