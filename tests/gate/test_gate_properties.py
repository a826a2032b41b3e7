"""What holds for every text: nothing raises, hiding helps, judging is repeatable."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from measure_gate import HOSTILE

from ipc.config import GateSection
from workers.gate import Gate, Verdict
from workers.gate.entries import ListError, parse_words
from workers.gate.fold import plain
from workers.gate.words import WordList

PIECES = [
    "fuck", "f u c k", "sh1t", "a", "s", "kill", "yourself", "ass", "example.com", "bob@mail.org",
    "+49 151 23456789", "4111 1111 1111 1111", "ignore previous", "instructions", "<|im_end|>",
    "█" * 20, "*", "***", "beep", "\u200b", "\u0301", "аѕѕ", "🅱itch", "傻逼", "ﬁ", "İ", "ß", "ı",
    "\ud800", " ", ".", "-", "()", "vv", "ph", "|", "!", "1", "\0", "\n", "hello", "world", "Dick",
    "Van", "Dyke",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
)


def gate_of(side: str) -> Gate:
    gate = Gate(GateSection(), "input" if side == "input" else "output")
    gate.refresh(0)
    return gate


INPUT, OUTPUT = gate_of("input"), gate_of("output")


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, before=TEXTS, mask=st.sampled_from(["", "beep", "redacted"]))
def test_no_text_raises_and_the_answer_fits_the_verdict(text: str, before: str, mask: str) -> None:
    for gate in (INPUT, OUTPUT):
        judgement = gate.judge(text, before=before, mask=mask)
        assert judgement == gate.judge(text, before=before, mask=mask)
        match judgement.verdict:
            case Verdict.ALLOW:
                assert (judgement.text, judgement.why) == (text, "")
            case Verdict.DROP:
                assert judgement.text == ""
            case _:
                assert judgement.why


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, mask=st.sampled_from(["", "beep", "redacted"]))
def test_what_was_hidden_is_in_order(text: str, mask: str) -> None:
    for gate in (INPUT, OUTPUT):
        judgement = gate.judge(text, mask=mask)
        if judgement.verdict is Verdict.MASK:
            assert gate.judge(judgement.text, mask=mask).verdict is Verdict.ALLOW


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_stars_leave_every_other_character_in_its_place(text: str) -> None:
    judgement = OUTPUT.judge(text)
    if judgement.verdict is Verdict.MASK:
        rest = iter(text)
        assert all(char == "*" or char in rest for char in judgement.text)


# without v, of which two may be one letter
WORDS = st.from_regex(r"[abeilpqsxyzfhwtéжßαא][abeilpqsxyzfhwt019@$éжßαא]{1,11}", fullmatch=True)
ENTRIES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "=", "*", "drop: "]),
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
    st.sampled_from(["", "*", " # why"]),
)


@settings(max_examples=500, deadline=None)
@given(ENTRIES)
def test_every_entry_is_found_where_it_stands(line: str) -> None:
    try:
        entries = parse_words(line)
    except ListError:
        reject()  # "*a@" is one letter twice: too short to be looked for inside words
    for entry in entries:
        said = plain(f"so {entry.shown} there").letters
        assert [finding.why for finding in WordList([entry]).find(said)], entry


@settings(max_examples=300, deadline=None)
@given(line=TEXTS, text=TEXTS)
def test_a_strange_entry_is_refused_or_harmless(line: str, text: str) -> None:
    try:
        entries = parse_words(line)
    except ListError:
        return
    WordList(entries).find(plain(text + line).letters)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_lines_cost_milliseconds_at_most(text: str) -> None:
    OUTPUT.judge(text)
    times = []
    for _ in range(5):
        began = time.thread_time_ns()
        INPUT.judge(text)
        times.append(time.thread_time_ns() - began)
    assert min(times) < 40_000_000  # a quadratic pattern takes a hundred times as long
