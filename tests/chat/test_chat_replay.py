"""chat: a recorded chat, at its own times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ipc.errors import ConfigError
from workers.chat.platform import Line, Removal
from workers.chat.replay import PAUSE_S, Recorded, Replay, read_replay

LINES = [Recorded(at=1.0, author="a", text="x"), Recorded(at=4.0, author="b", text="y")]


class Enough(Exception):
    """Ends an endless replay."""


class Listening:
    """A Feed that notes (virtual time, text) and stops the replay after ``count`` lines."""

    def __init__(self, count: int) -> None:
        self.now_s = 100.0
        self.heard: list[tuple[float, str]] = []
        self._count = count

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self.heard.append((round(self.now_s - 100.0, 6), line.text))
        if len(self.heard) >= self._count:
            raise Enough

    def removed(self, removal: Removal) -> None:
        raise AssertionError(removal)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        raise AssertionError(text)

    def problem(self, text: str) -> None:
        raise AssertionError(text)


async def replayed(
    lines: list[Recorded], count: int, speed: float = 1.0, *, loop: bool = False
) -> list[tuple[float, str]]:
    """(virtual time, text) of the first ``count`` lines."""
    feed = Listening(count)
    replay = Replay(lines, speed=speed, loop=loop, now=lambda: feed.now_s, sleep=feed.sleep)
    try:
        await replay.run(feed)
    except Enough:
        return feed.heard
    return feed.heard


async def test_replay_keeps_the_times() -> None:
    assert await replayed(LINES, 9) == [(1.0, "x"), (4.0, "y")]
    assert await replayed(LINES, 9, speed=2.0) == [(0.5, "x"), (2.0, "y")]


async def test_replay_loops() -> None:
    second = 4.0 + PAUSE_S
    assert await replayed(LINES, 3, loop=True) == [(1.0, "x"), (4.0, "y"), (second + 1.0, "x")]


def test_sample_chat_is_whole() -> None:
    lines, bad = read_replay("sample")
    assert bad == []
    assert len(lines) >= 40
    assert 200 < lines[-1].at < 420
    assert len({line.author for line in lines}) >= 6


def test_bad_lines_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_bytes(
        b'{"at": 2, "author": "a", "text": "second"}\n'
        b"not json\n\n"
        b'{"at": "x", "author": "a", "text": "t"}\n'
        b'{"at": -1, "author": "a", "text": "t"}\n'
        b"\xff\xfe\n"
        b'{"at": 1, "author": "a", "text": "first", "more": 1}\n'
    )
    lines, bad = read_replay(str(path))
    assert [line.text for line in lines] == ["first", "second"]
    assert bad == [2, 4, 5, 6]


@pytest.mark.parametrize("content", [None, "", "nonsense\n"])
def test_a_file_without_lines_is_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "chat.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"chat\.replay"):
        read_replay(str(path))
