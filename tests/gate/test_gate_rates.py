"""The bounds the gate is held to: what it catches, what it spares, what it costs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from gen_innocent import innocent, scunthorpe
from gen_obfuscated import WORDS, listed_words
from measure_gate import big_gate, caught, sentences, timed, wrongly

from ipc.config import GateSection
from workers.gate import Gate, fold

SEED = 20


@pytest.fixture(scope="module")
def gate() -> Gate:
    gate = Gate(GateSection(), "output")
    gate.refresh(0)
    return gate


def test_disguised_words_are_caught(gate: Gate) -> None:
    all_of, found = caught(gate, SEED, 6000)
    assert found.total() >= 0.95 * all_of.total()
    for kind, count in all_of.items():  # no kind is given up for the others
        assert found[kind] >= 0.9 * count, kind
    assert len(listed_words(WORDS)) > 150


def test_innocent_words_and_names_are_spared(gate: Gate) -> None:
    family = scunthorpe()
    drawn = innocent(5000 + len(family), SEED)[len(family) :]
    assert len(drawn) == 5000
    for items in (family, drawn):
        assert len(wrongly(gate, items)) <= 0.01 * len(items)


def test_innocent_words_are_spared_in_company(gate: Gate) -> None:
    family = scunthorpe()
    drawn = innocent(8000 + len(family), SEED)[len(family) :]
    random.Random(SEED).shuffle(drawn)
    lines = [" ".join(drawn[at : at + 8]).lower() for at in range(0, len(drawn), 8)]
    assert len(wrongly(gate, lines)) <= 0.01 * len(lines)


def test_ten_thousand_entries_cost_less_than_a_millisecond(tmp_path: Path) -> None:
    gate = big_gate(tmp_path, 10_000, SEED)
    times = timed(gate.judge, sentences(), 5)
    assert times[int(len(times) * 0.99)] < 1000
    assert times[len(times) // 2] < 300  # about 50 on a quiet machine
    times = timed(fold, sentences(), 5)
    assert times[len(times) // 2] < 100  # about 7
