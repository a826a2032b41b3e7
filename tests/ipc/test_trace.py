"""ipc: spans of a turn and their percentiles."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.trace import SPANS, Stamps, percentile

MS = 1_000_000


def test_a_whole_turn_has_every_span():
    stamps = Stamps(
        received=1 * MS,
        opened=2 * MS,
        recalled=5 * MS,
        generate_sent=6 * MS,
        first_token=86 * MS,
        first_clause=126 * MS,
        gate_done=127 * MS,
        synthesise_sent=128 * MS,
        audio_made=178 * MS,
        audible=180 * MS,
        llm_engine=118 * MS,
        tts_engine=49 * MS,
    )
    spans = stamps.spans_ms()
    assert set(spans) == set(SPANS)
    assert spans["queue"] == 1.0
    assert spans["llm_first_token"] == 80.0
    assert spans["tts_first_audio"] == 50.0
    assert spans["chat_to_audio"] == 179.0
    assert spans["engines"] == 167.0


def test_a_turn_that_was_cut_has_only_what_happened():
    spans = Stamps(received=1 * MS, opened=3 * MS, generate_sent=4 * MS).spans_ms()
    assert spans == {"queue": 2.0}


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=200))
def test_percentiles_lie_within_the_values_and_in_order(values):
    p50, p95 = percentile(values, 50), percentile(values, 95)
    assert min(values) <= p50 * (1 + 1e-9) + 1e-9
    assert p50 <= p95 + 1e-6
    assert p95 <= max(values) * (1 + 1e-9) + 1e-9


def test_the_median_is_the_median():
    values = [5.0, 1.0, 9.0, 3.0, 7.0]
    assert percentile(values, 50) == pytest.approx(statistics.median(values))


def test_one_value_is_every_percentile():
    assert percentile([4.2], 95) == 4.2
