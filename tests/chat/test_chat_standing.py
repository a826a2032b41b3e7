"""chat: bans, timeouts and trust: how long they hold, and that they are kept."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.chat.standing import (
    FILE,
    LONGEST_S,
    MOST,
    OPERATOR,
    Mark,
    Standing,
    StandingFile,
    read,
)

NOON = 1_700_000_000.0


class Clocks:
    """A wall clock that may jump, and a monotonic one that cannot."""

    def __init__(self, wall_s: float = NOON) -> None:
        self.wall_s = wall_s
        self.now_s = 5.0

    def standing(self, marks: Iterable[Mark] = ()) -> Standing:
        return Standing(marks, lambda: self.wall_s, lambda: self.now_s)

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.now_s += seconds


def silenced(seconds: int, at: float = NOON, **more: str) -> Mark:
    return Mark(id="twitch:1", until=at + seconds, seconds=seconds, by=OPERATOR, at=at, **more)


def test_most_viewers_have_no_standing() -> None:
    standing = Clocks().standing()
    assert standing.why_silent("twitch:1") == ""
    assert not standing.knows("twitch:1")
    assert standing.get("twitch:1") == Mark(id="twitch:1")
    assert standing.listing() == []


def test_a_ban_has_no_end() -> None:
    clocks = Clocks()
    standing = clocks.standing([Mark(id="twitch:1", banned=True, by=OPERATOR)])
    clocks.pass_(1e9)
    assert standing.why_silent("twitch:1") == "the viewer is banned"
    standing.put(Mark(id="twitch:1"))
    assert standing.why_silent("twitch:1") == ""
    assert standing.listing() == []


def test_a_timeout_ends_by_itself() -> None:
    clocks = Clocks()
    standing = clocks.standing([silenced(60)])
    assert standing.why_silent("twitch:1") == "the viewer is silenced for 60 s"
    clocks.pass_(59)
    assert standing.why_silent("twitch:1")
    clocks.pass_(1.5)
    assert standing.why_silent("twitch:1") == ""
    assert standing.listing() == []


def test_trust_outlives_a_timeout() -> None:
    clocks = Clocks()
    standing = clocks.standing([Mark(id="a:b", trusted=True, until=NOON + 9, seconds=9)])
    clocks.pass_(10)
    assert standing.why_silent("a:b") == ""
    assert standing.listing() == [Mark(id="a:b", trusted=True)]


@pytest.mark.parametrize("jump_s", [-86_400 * 365, -3600, 0, 30])
def test_no_jump_of_the_clock_makes_a_timeout_longer(jump_s: float) -> None:
    clocks = Clocks()
    standing = clocks.standing([silenced(60)])
    clocks.wall_s += jump_s
    clocks.now_s += 60
    assert standing.why_silent("twitch:1") == ""


def test_a_clock_set_back_before_a_restart_makes_no_timeout_longer() -> None:
    clocks = Clocks(wall_s=NOON - 7200)  # it was NOON when the timeout began
    standing = clocks.standing([silenced(60)])
    assert standing.why_silent("twitch:1") == "the viewer is silenced for 60 s"
    clocks.pass_(61)
    assert standing.why_silent("twitch:1") == ""


@given(st.integers(1, LONGEST_S), st.floats(-1e9, 1e9), st.floats(0, 1e7))
def test_a_timeout_is_never_longer_than_asked(seconds: int, jump_s: float, wait_s: float) -> None:
    clocks = Clocks(wall_s=NOON + jump_s)
    standing = clocks.standing([silenced(seconds)])
    clocks.now_s += wait_s
    if wait_s >= seconds:
        assert not standing.why_silent("twitch:1")


def test_when_it_is_full_what_the_platform_keeps_itself_goes_first() -> None:
    clocks = Clocks()
    mine = Mark(id="twitch:mine", banned=True, by=OPERATOR)
    theirs = [Mark(id=f"twitch:{n}", banned=True, by="twitch") for n in range(MOST - 2)]
    short = Mark(id="twitch:short", until=NOON + 60, seconds=60, by=OPERATOR)
    standing = clocks.standing([mine, *theirs, short])
    trusted = Mark(id="twitch:t", trusted=True)
    assert [m.id for m in standing.put(trusted)] == ["twitch:short"]
    assert [m.id for m in standing.put(Mark(id="x:1", banned=True, by="x"))] == ["twitch:0"]
    assert len(standing.listing()) == MOST
    assert standing.why_silent("twitch:mine")


async def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    clocks = Clocks()
    standing = clocks.standing()
    file = StandingFile(tmp_path / FILE, standing)
    assert not file.due
    marks = [
        Mark(id="twitch:2", name="مرحبا", banned=True, by=OPERATOR, reason="spam", at=NOON),
        Mark(id="youtube:UC", trusted=True),
        silenced(600, reason="calm"),
    ]
    for mark in marks:
        standing.put(mark)
    assert file.due
    await file.save()
    assert (file.due, file.problem) == (False, "")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert read(tmp_path / FILE) == (marks, "")
    assert os.listdir(tmp_path) == [FILE]


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert read(tmp_path / FILE) == ([], "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b'{"viewers": [{"id": 5}]}',
        b'{"viewers": [{"id": "twitch:1", "until": -5}]}',
        b'{"viewers": [{"id": "twitch:1", "seconds": 99999999}]}',
        b'{"viewers": [{"id": "twitch:1", "until": NaN}]}',
    ],
)
def test_an_unreadable_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE
    path.write_bytes(content)
    marks, said = read(path, lambda: NOON)
    aside = tmp_path / f"{FILE}.unreadable-1700000000"
    assert marks == []
    assert str(aside) in said
    assert aside.read_bytes() == content
    assert not path.exists()


async def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    standing = Clocks().standing([Mark(id="a:1", banned=True)])
    path = tmp_path / FILE
    path.write_bytes(b"old")
    (tmp_path / f"{FILE}.new").write_bytes(b"half of what a process wrote before it d")
    file = StandingFile(path, standing)
    standing.put(Mark(id="a:2", banned=True))
    await file.save()
    assert [mark.id for mark in read(path)[0]] == ["a:1", "a:2"]


async def test_a_full_disk_is_told_and_tried_again(tmp_path: Path) -> None:
    full = True

    def write(path: Path, content: bytes) -> None:
        if full:
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    standing = Clocks().standing()
    file = StandingFile(tmp_path / FILE, standing, write)
    standing.put(Mark(id="a:1", banned=True))
    await file.save()
    assert "No space left" in file.problem
    assert file.due
    full = False
    await file.save()
    assert (file.due, file.problem) == (False, "")


async def test_many_at_once_are_written_together(tmp_path: Path) -> None:
    written: list[bytes] = []
    go = threading.Event()

    def write(path: Path, content: bytes) -> None:
        assert go.wait(20)
        written.append(content)

    standing = Clocks().standing()
    file = StandingFile(tmp_path / FILE, standing, write)
    saves = []
    for number in range(50):
        standing.put(Mark(id=f"a:{number}", banned=True))
        saves.append(asyncio.create_task(file.save()))
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*saves)
    assert len(written) == 2
    assert b"a:49" in written[-1]
