"""Unit: sound is cut into utterances that keep what belongs to them, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stt_rig import WINDOW_NS, levels, spoken_by_level

from ipc.config.stt import VadSection
from workers.stt.audio import RATE, Samples
from workers.stt.utterance import Segmenter, Step, Utterance
from workers.stt.vad import WINDOW

VAD = VadSection(start_ms=96, pause_ms=96, min_silence_ms=320, pre_roll_ms=320, max_s=5)
START_NS = 10**12


def segmenter() -> Segmenter:
    return Segmenter(VAD, spoken_by_level)


def fed(sound: Samples, piece: int = 10_000) -> list[tuple[Step, Utterance]]:
    made = segmenter()
    found: list[tuple[Step, Utterance]] = []
    for at in range(0, len(sound), piece):
        part = sound[at : at + piece]
        found += made.push(part, START_NS + int((at + len(part)) / RATE * 1e9))
    return found


def steps(found: list[tuple[Step, Utterance]]) -> list[Step]:
    return [step for step, _ in found if step is not Step.GREW]


def test_one_utterance_with_its_times() -> None:
    found = fed(levels(*[0.0] * 20, *[0.8] * 30, *[0.0] * 15))
    assert steps(found) == [Step.STARTED, Step.PAUSED, Step.ENDED]
    utterance = found[-1][1]
    assert utterance.number == 1
    assert utterance.started_ns == pytest.approx(START_NS + 20 * WINDOW_NS, abs=1000)
    assert utterance.ended_ns == pytest.approx(START_NS + 50 * WINDOW_NS, abs=1000)
    assert utterance.voiced_s == pytest.approx(30 * 0.032)


def test_the_sound_before_the_start_belongs_to_it() -> None:
    quiet = levels(*[0.01 * i for i in range(20)])  # every window is another one
    utterance = fed(np.concatenate((quiet, levels(*[0.8] * 30, *[0.0] * 15))))[-1][1]
    sound = utterance.sound()
    assert np.array_equal(sound[: 10 * WINDOW], quiet[10 * WINDOW :])
    assert np.all(sound[10 * WINDOW : 40 * WINDOW] == np.float32(0.8))


def test_words_after_a_pause_belong_to_it() -> None:
    found = fed(levels(*[0.8] * 10, *[0.0] * 6, *[0.8] * 10, *[0.0] * 15))
    assert steps(found) == [
        Step.STARTED,
        Step.PAUSED,
        Step.RESUMED,
        Step.PAUSED,
        Step.ENDED,
    ]


def test_too_long_is_cut_at_the_quietest_place() -> None:
    """5 s are 156 windows; the last third begins at 104."""
    found = fed(levels(*[0.8] * 120, *[0.45] * 3, *[0.8] * 80, *[0.0] * 15))
    ended = [utterance for step, utterance in found if step is Step.ENDED]
    assert steps(found) == [Step.STARTED, Step.ENDED, Step.STARTED, Step.PAUSED, Step.ENDED]
    assert len(ended[0].windows) == 121
    assert ended[0].ended_ns == pytest.approx(START_NS + 121 * WINDOW_NS, abs=1000)
    assert ended[1].number == 2
    assert ended[1].started_ns == ended[0].ended_ns
    assert len(ended[0].windows) + len(ended[1].windows) == 120 + 3 + 80 + 10  # nothing lost


def test_the_buffer_is_capped_however_long_somebody_speaks() -> None:
    made = segmenter()
    most = 0
    for second in range(120):
        made.push(levels(*[0.8] * 31), START_NS + second * 10**9)
        assert made.speaking
        assert made._now is not None
        most = max(most, len(made._now.windows))
    assert most <= 5 * RATE / WINDOW


def test_a_source_that_ends_in_the_middle_ends_its_utterance() -> None:
    made = segmenter()
    made.push(levels(*[0.8] * 10, *[0.0] * 4), START_NS)
    ((step, utterance),) = made.end(START_NS)
    assert step is Step.ENDED
    assert utterance.ended_ns == START_NS - 4 * WINDOW_NS
    assert made.end(START_NS) == []
    assert not made.speaking
    assert steps(made.push(levels(*[0.8] * 3), START_NS)) == [Step.STARTED]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.4, 0.8]), min_size=1, max_size=250),
    st.integers(1, 3000),
)
def test_pieces_do_not_matter(chances: list[float], piece: int) -> None:
    sound = levels(*chances)
    one, other = fed(sound), fed(sound, piece)
    assert [(s, u.number) for s, u in one] == [(s, u.number) for s, u in other]
    for (_, mine), (_, theirs) in zip(one, other, strict=True):
        assert mine.started_ns == pytest.approx(theirs.started_ns, abs=100_000)
        assert np.array_equal(mine.sound(), theirs.sound())
