"""Files of lists: read when they changed, once whatever they are, and beside the work if big."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ipc.config import GateSection
from workers.gate import RECHECK_NS, Gate, Verdict
from workers.gate.entries import ListError
from workers.gate.lists import AT_ONCE_BYTES, LONGEST_BYTES, ListFile

BIG = "# long\n" * AT_ONCE_BYTES


class Rig:
    """A list file whose content is its value; "broken" is none. Threads run when told."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "list.txt"
        self.parsed: list[str] = []
        self.started: list[Callable[[], None]] = []
        self.file = ListFile("list", self.path, self.parse, self.started.append)

    def parse(self, text: str) -> str:
        self.parsed.append(text)
        if "broken" in text:
            raise ListError("line 1: it is broken")
        return text

    def write(self, text: str) -> None:
        """Replace the file, as editors do: another inode, whatever its time and size."""
        new = self.path.with_name("new")
        new.write_text(text)
        os.utime(new, ns=(1, 1))
        new.replace(self.path)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_version_is_parsed_once_good_or_not(rig: Rig) -> None:
    rig.write("one")
    assert [rig.file.refresh() for _ in range(3)] == [True, False, False]
    rig.write("broken")
    assert not any(rig.file.refresh() for _ in range(3))
    assert rig.parsed == ["one", "broken"]
    assert "line 1" in rig.file.problem
    assert rig.file.value == "one"
    rig.write("two")  # of the same time and size as "one"
    assert rig.file.refresh()
    assert (rig.file.value, rig.file.problem) == ("two", "")


def test_text_that_is_no_utf8_is_looked_at_once(rig: Rig) -> None:
    rig.path.write_bytes(b"\xff\xfe")
    assert not any(rig.file.refresh() for _ in range(3))
    assert "utf-8" in rig.file.problem
    assert not rig.parsed


def test_a_file_that_was_away_and_is_the_same_again_is_in_use_again(rig: Rig) -> None:
    rig.write("one")
    assert rig.file.refresh()
    rig.path.rename(rig.path.with_name("away"))
    assert not rig.file.refresh()
    assert rig.file.problem
    rig.path.with_name("away").rename(rig.path)
    assert rig.file.refresh()
    assert (rig.file.value, rig.file.problem) == ("one", "")


def test_only_regular_files_are_read(rig: Rig) -> None:
    os.mkfifo(rig.path)  # without a writer: to open it would wait for ever
    assert not rig.file.refresh()
    assert "regular" in rig.file.problem
    rig.path.unlink()
    rig.path.mkdir()
    open_before = len(os.listdir("/proc/self/fd"))
    assert not any(rig.file.refresh() for _ in range(5))
    assert "directory" in rig.file.problem
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_file_that_is_too_big_is_refused(rig: Rig) -> None:
    rig.write("#" * (LONGEST_BYTES + 1))
    assert not rig.file.refresh()
    assert "more than 8 MB" in rig.file.problem
    assert not rig.parsed


def test_a_big_file_is_parsed_beside_the_work_except_at_first(rig: Rig) -> None:
    rig.write(BIG + "one")
    assert rig.file.refresh()
    assert not rig.started
    rig.write(BIG + "two")
    assert not any(rig.file.refresh() for _ in range(3))
    assert len(rig.started) == 1
    assert not rig.file.parsed
    assert rig.file.value == BIG + "one"
    rig.write(BIG + "three")  # while the one before it is being parsed
    assert not rig.file.refresh()
    rig.started[0]()
    assert rig.file.parsed
    assert rig.file.refresh()
    assert rig.file.value == BIG + "two"
    assert not rig.file.refresh()
    rig.started[1]()
    assert rig.file.refresh()
    assert rig.file.value == BIG + "three"


def test_a_big_broken_file_is_parsed_once_too(rig: Rig) -> None:
    rig.write("one")
    rig.file.refresh()
    rig.write(BIG + "broken")
    rig.file.refresh()
    rig.started[0]()
    assert not any(rig.file.refresh() for _ in range(3))
    assert len(rig.started) == 1
    assert "line 1" in rig.file.problem
    assert rig.file.value == "one"


def test_an_error_nobody_thought_of_is_not_lost_in_the_thread(tmp_path: Path) -> None:
    path, started = tmp_path / "list.txt", list[Callable[[], None]]()
    file = ListFile("list", path, lambda text: 1 // len(text.strip()), started.append)
    path.write_text("x")
    assert file.refresh()
    path.write_text(" " * (AT_ONCE_BYTES + 1))
    assert not file.refresh()
    started[0]()
    with pytest.raises(ZeroDivisionError):
        file.refresh()


def test_a_gate_keeps_its_big_list_until_the_next_is_ready(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text(BIG + "one\n")
    gate = Gate(GateSection(words=str(path), allow=""), "output")
    assert gate.refresh(0)
    path.write_text(BIG + "two two\ndrop: two\n")
    assert not gate.refresh(RECHECK_NS)
    for thread in threading.enumerate():
        if thread.name == "gate-list":
            thread.join()
    assert gate.judge("one two").text == "*** two"
    assert gate.refresh(RECHECK_NS + 1)  # what is ready does not wait for the next second
    assert gate.judge("two").verdict is Verdict.DROP
    assert not gate.refresh(RECHECK_NS + 2)
