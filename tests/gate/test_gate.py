"""What may be said: matching, masking, reloading, failing closed, and the price of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ipc.config import GateSection
from workers.gate.gate import RECHECK_NS, Gate, Verdict, WordList, WordListError

LIST = WordList.parse("""
# a comment
badger
mask: red herring   # two words
drop: goblin king
drop: лох
naïve
""")


@pytest.mark.parametrize(
    ("text", "verdict", "shown"),
    [
        ("A nice day.", "allow", "A nice day."),
        ("A badger, really?", "mask", "A ******, really?"),
        ("BADGER!", "mask", "******!"),
        ("b4dg3r", "mask", "******"),
        ("b\u0430dger", "mask", "******"),  # Cyrillic a
        ("ｂａｄｇｅｒ", "mask", "******"),
        ("bad\u200bger", "mask", "******"),
        ("_badger_ and __badger__", "mask", "_******_ and __******__"),  # the voice skips markup
        ("b\u0336a\u0336d\u20ddger", "mask", "*********"),  # struck through, in a circle
        ("bad\u2063g\u200eer", "mask", "******"),  # invisible
        ("a red \u2764\ufe0f herring", "mask", "a *** \u2764\ufe0f *******"),
        ("badgers and badgering", "allow", "badgers and badgering"),
        ("a red  Herring here", "mask", "a ***  ******* here"),
        ("red and herring", "allow", "red and herring"),
        ("The Goblin King comes", "drop", ""),
        ("how naive", "mask", "how *****"),
        ("13 37 times", "allow", "13 37 times"),
    ],
)
def test_verdicts(text: str, verdict: str, shown: str) -> None:
    judgement = LIST.judge(text)
    assert (judgement.verdict, judgement.text) == (Verdict(verdict), shown)


@pytest.mark.parametrize("line", ["blurt: word", "mask:", "drop: !!!"])
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(WordListError, match="line 2"):
        WordList.parse(f"fine\n{line}\n")


def test_the_stricter_of_two_entries_counts() -> None:
    for text in ("drop: word\nmask: word", "mask: word\ndrop: word"):
        assert WordList.parse(text).judge("a word").verdict is Verdict.DROP


def test_bundled_list_is_readable() -> None:
    gate = Gate(GateSection(), "output")
    assert gate.refresh(0)
    assert gate.loaded
    assert gate.judge("What a lovely day.").verdict is Verdict.ALLOW


def test_list_is_read_again_when_it_changes_and_kept_when_it_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("one\n")
    gate = Gate(GateSection(words=str(path)), "output")
    gate.refresh(0)
    assert gate.judge("one two").text == "*** two"
    path.write_text("mask: two\n")
    os.utime(path, ns=(1, 1))
    assert not gate.refresh(RECHECK_NS - 1)  # at most once a second
    assert gate.refresh(RECHECK_NS)
    assert gate.judge("one two").text == "one ***"
    path.write_bytes(b"\xff\xfe broken")
    assert gate.refresh(2 * RECHECK_NS)
    assert gate.problem
    assert gate.judge("one two").text == "one ***"
    assert not gate.refresh(3 * RECHECK_NS)  # said once
    path.write_text("one\n")
    assert gate.refresh(4 * RECHECK_NS)
    assert not gate.problem


def test_without_a_list_everything_is_dropped(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "missing.txt")
    assert gate.refresh(0)
    assert not gate.loaded
    assert gate.judge("Hello.").verdict is Verdict.DROP


def test_a_big_list_costs_nothing_per_clause() -> None:
    words = WordList.parse("\n".join(f"entry{n}\nsome phrase{n} here" for n in range(50_000)))
    clause = "this is some clause with about twenty five words in it, b4d w0rds " * 2
    times = []
    for _ in range(500):  # CPU time: other processes are not the gate's fault
        begin = time.thread_time_ns()
        words.judge(clause)
        times.append(time.thread_time_ns() - begin)
    assert sorted(times)[494] < 1_000_000
