"""Unit: start and end of speech, and Silero's model on real and no speech."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stt_rig import Speaker

from ipc.config.stt import VadSection
from workers.stt.vad import WINDOW, Edge, Endpointer, Silero, load_silero, windows

SETTINGS = VadSection(start_ms=96, pause_ms=96, min_silence_ms=450)


def edges(*chances: float) -> list[tuple[int, Edge]]:
    endpointer = Endpointer(SETTINGS)
    found = [(number, endpointer.push(chance)) for number, chance in enumerate(chances)]
    return [(number, edge) for number, edge in found if edge is not None]


def test_speech_and_silence() -> None:
    assert edges(*[0.9] * 10, *[0.1] * 20) == [
        (2, Edge.STARTED),
        (12, Edge.PAUSED),
        (23, Edge.ENDED),
    ]


def test_a_click_is_no_start() -> None:
    assert edges(0.9, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9) == []


def test_a_pause_is_not_the_end() -> None:
    assert edges(*[0.9] * 5, *[0.1] * 6, *[0.9] * 2, *[0.1] * 20)[1:] == [
        (7, Edge.PAUSED),
        (11, Edge.RESUMED),
        (15, Edge.PAUSED),
        (26, Edge.ENDED),
    ]


def test_between_the_thresholds_nothing_changes() -> None:
    assert edges(*[0.4] * 50) == []
    assert edges(*[0.9] * 3, *[0.4] * 50) == [(2, Edge.STARTED)]


def test_between_the_thresholds_silence_goes_on() -> None:
    assert edges(*[0.9] * 3, 0.1, *[0.4] * 20)[-1] == (16, Edge.ENDED)


def test_a_gap_shorter_than_a_pause_is_nothing() -> None:
    assert edges(*[0.9] * 3, 0.1, 0.1, 0.9, 0.9) == [(2, Edge.STARTED)]


def test_lengths_become_windows() -> None:
    assert [windows(ms) for ms in (0, 10, 32, 96, 100, 450)] == [1, 1, 1, 3, 3, 14]


@given(st.lists(st.floats(0, 1), max_size=300))
def test_edges_come_in_an_order_that_makes_sense(chances: list[float]) -> None:
    follows = {
        None: {Edge.STARTED},
        Edge.STARTED: {Edge.PAUSED},
        Edge.PAUSED: {Edge.RESUMED, Edge.ENDED},
        Edge.RESUMED: {Edge.PAUSED},
        Edge.ENDED: {Edge.STARTED},
    }
    before: Edge | None = None
    for _, edge in edges(*chances):
        assert edge in follows[before]
        before = edge


def chances(sound: np.ndarray) -> list[float]:
    silero = Silero(load_silero())
    whole = len(sound) // WINDOW * WINDOW
    return [silero.probability(w) for w in sound[:whole].astype(np.float32).reshape(-1, WINDOW)]


def test_the_model_knows_speech(speaker: Speaker) -> None:
    found = chances(speaker.between_silence("The quick brown fox jumps over the lazy dog."))
    assert max(found[:12]) < 0.2  # half a second of silence first
    assert max(found[-20:]) < 0.2
    assert sum(chance > 0.5 for chance in found) * 0.032 > 1.8  # seconds of speech in it


def test_the_model_keeps_two_sources_apart(speaker: Speaker) -> None:
    session = load_silero()
    one, other = Silero(session), Silero(session)
    sound = speaker.between_silence("Nobody knew the answer to the last question.")
    alone = chances(sound)
    together = []
    for window in sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW):
        together.append(one.probability(window))
        other.probability(np.zeros(WINDOW, np.float32))
    assert together == pytest.approx(alone, abs=1e-4)
