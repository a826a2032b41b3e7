"""Unit: emotions and events rise, stay, fade; the stronger one takes the room it needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.states import ChatKind
from workers.face.expression import (
    CUES_KEPT,
    EMOTIONS,
    EVENTS,
    EXPRESSIONS,
    Cue,
    Expressions,
    weights,
)

moments = st.floats(min_value=0.0, max_value=100.0)
cues = st.builds(
    Cue,
    expression=st.sampled_from((*EXPRESSIONS, "")),
    at_s=moments,
    strength=st.floats(min_value=0.0, max_value=1.0),
    attack_s=st.floats(min_value=0.0, max_value=1.0),
    hold_s=moments,
    decay_s=st.floats(min_value=0.01, max_value=10.0),
    priority=st.integers(min_value=0, max_value=2),
)


def test_a_cue_rises_stays_and_halves_as_it_fades() -> None:
    cue = Cue("joy", at_s=10.0, strength=0.8, attack_s=0.2, hold_s=1.0, decay_s=2.0)
    assert cue.weight(9.99) == 0.0
    assert cue.weight(10.1) == pytest.approx(0.4)
    assert cue.weight(10.2) == pytest.approx(0.8)
    assert cue.weight(11.2) == pytest.approx(0.8)
    assert cue.weight(13.2) == pytest.approx(0.8 / 2.718281828)
    assert cue.weight(1e6) == 0.0


def test_an_attack_of_nothing_is_there_at_once() -> None:
    assert Cue("joy", at_s=1.0, attack_s=0.0).weight(1.0) == 1.0


@given(st.lists(cues, max_size=6), moments)
def test_weights_are_in_range_and_sum_to_one_at_most(some: list[Cue], t_s: float) -> None:
    shown = weights(some, t_s)
    assert tuple(shown) == EXPRESSIONS
    assert all(0.0 <= weight <= 1.0 + 1e-9 for weight in shown.values())
    assert sum(shown.values()) <= 1.0 + 1e-9


def test_a_later_emotion_takes_over_without_a_jump() -> None:
    face = Expressions()
    assert face.emotion("happy", 0.0)
    assert face.emotion("sad", 1.0)
    before, start, after = face.at(0.999), face.at(1.0), face.at(1.25)
    assert before["joy"] == pytest.approx(start["joy"], abs=0.01)
    assert after["sorrow"] == pytest.approx(0.8)
    assert after["joy"] == pytest.approx(0.8 * 0.2)


def test_the_same_emotion_again_does_not_dip() -> None:
    face = Expressions()
    face.emotion("happy", 0.0)
    face.emotion("joy", 1.0)
    assert min(face.at(0.5 + k / 100)["joy"] for k in range(150)) >= 0.8 - 1e-9


def test_an_event_outranks_the_emotion_of_a_clause_that_comes_later() -> None:
    face = Expressions()
    assert face.event("raid", 0.0)
    face.emotion("angry", 0.5)
    assert face.at(1.5)["surprise"] == pytest.approx(1.0)
    assert face.at(1.5)["anger"] == pytest.approx(0.0)
    assert face.at(6.0)["surprise"] < 0.5


def test_neutral_is_a_plain_face() -> None:
    face = Expressions()
    face.emotion("happy", 0.0)
    assert face.emotion("Neutral ", 1.0)
    assert sum(face.at(1.5).values()) == pytest.approx(0.8 * 0.2)


def test_words_that_mean_nothing_here_show_nothing() -> None:
    face = Expressions()
    assert not face.emotion("purple", 0.0)
    assert not face.emotion("", 0.0)
    assert not face.event("line", 0.0)
    assert not any(face.at(0.5).values())


def test_every_word_and_event_names_an_expression() -> None:
    assert set(EMOTIONS.values()) == {*EXPRESSIONS, ""}
    assert {cue.expression for cue in EVENTS.values()} <= set(EXPRESSIONS)
    assert {ChatKind.SUB, ChatKind.GIFT, ChatKind.RAID} <= set(EVENTS)


def test_everything_fades_and_nothing_piles_up() -> None:
    face = Expressions(decay=2.0)
    face.emotion("happy", 0.0)
    assert face.at(5.2)["joy"] == pytest.approx(0.8 / 2.718281828)  # twice the usual 1.5 s
    assert sum(face.at(60.0).values()) < 1e-6
    for k in range(1000):
        face.event("laughter", 100.0 + k * 0.001)
    assert len(face._cues) == CUES_KEPT
    face.clear()
    assert not any(face.at(101.0).values())
