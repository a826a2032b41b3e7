"""Replay, the backlog, and the chat worker as a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rig import rig

from ipc.config import Config
from ipc.errors import ConfigError
from ipc.protocol import ChatEvent, ChatMessage, Command, CommandResult, Failing, NoticeEvent, Peer
from ipc.states import WorkerState
from workers.chat.backlog import KEPT, Backlog
from workers.chat.platform import Line
from workers.chat.replay import PAUSE_S, Recorded, Replay, read_replay

Configure = Callable[..., Config]


def message(number: int) -> ChatMessage:
    return ChatMessage(
        id=str(number),
        platform="console",
        author="a",
        author_id="a",
        text=str(number),
        received_ns=1,
        at=1.0,
    )


class Enough(Exception):
    """Ends an endless replay."""


async def replayed(
    lines: list[Recorded], count: int, speed: float = 1.0, *, loop: bool = False
) -> list[tuple[float, str]]:
    """(virtual time, text) of the first ``count`` lines."""
    now = 100.0
    got: list[tuple[float, str]] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def deliver(line: Line) -> None:
        got.append((round(now - 100.0, 6), line.text))
        if len(got) == count:
            raise Enough

    replay = Replay(lines, speed=speed, loop=loop, now=lambda: now, sleep=sleep)
    try:
        await replay.run(deliver)
    except Enough:
        return got
    return got


LINES = [Recorded(at=1.0, author="a", text="x"), Recorded(at=4.0, author="b", text="y")]


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


def test_backlog_keeps_the_newest_in_order() -> None:
    sent: list[ChatMessage] = []
    backlog = Backlog(lambda m: sent.append(m) is None)
    for number in range(KEPT + 3):
        backlog.put(message(number), serves=False)
    assert (len(backlog), backlog.lost, sent) == (KEPT, 3, [])
    backlog.put(message(999), serves=True)
    assert [m.text for m in sent] == [*(str(n) for n in range(3, KEPT + 3)), "999"]
    assert len(backlog) == 0


def test_backlog_gives_a_lost_directors_lines_to_the_next_one_once() -> None:
    sent: list[ChatMessage] = []
    backlog = Backlog(lambda m: sent.append(m) is None)
    lines = [message(number) for number in range(4)]
    for line in lines[:3]:
        backlog.put(line, serves=True)
    backlog.taken(lines[0].id)
    backlog.again()
    backlog.put(lines[3], serves=False)
    assert backlog.flush()
    assert sent == [*lines[:3], *lines[1:]]

    backlog.taken(lines[1].id)
    backlog.again()  # lost again: line 2 had its second chance, line 3 has not
    assert backlog.flush()
    assert sent == [*lines[:3], *lines[1:], lines[3]]
    assert backlog.lost == 1


def test_backlog_survives_a_refused_send() -> None:
    room = 1
    sent: list[ChatMessage] = []

    def send(m: ChatMessage) -> bool:
        if len(sent) >= room:
            return False
        sent.append(m)
        return True

    backlog = Backlog(send)
    for number in range(3):
        backlog.put(message(number), serves=True)
    assert [m.text for m in sent] == ["0"]
    room = 9
    assert backlog.flush()
    assert [m.text for m in sent] == ["0", "1", "2"]


async def test_console_lines_arrive_clean(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "chat", configure()) as chat:
        assert (await chat.start()).details == {"platforms": "console"}
        chat.control(
            Command(
                id=7,
                verb="chat",
                args={"text": "hi\x07 [red]there\u202e", "author": "mi\nra"},
                who="test",
                sent_ns=123,
            )
        )
        result = await chat.until(CommandResult)
        line = await chat.until(ChatMessage)
        assert result.result == {"message_id": line.id}
        assert (line.text, line.author, line.received_ns) == ("hi [red]there", "mi ra", 123)
        assert line.author_id == "console:mi ra"
        event = await chat.until(ChatEvent)
        assert (event.id, event.text) == (line.id, line.text)
        empty = await chat.ask("chat", text=" \u200b\x00 ")
        assert empty.error == "the line is empty"
        assert (await chat.ask("chat", text="x" * 100_000)).error == ""
        notice = await chat.until(NoticeEvent)
        assert "100000 characters" in notice.text
        assert len((await chat.until(ChatMessage, lambda m: m.text[0] == "x")).text) == 500
        for _ in range(50):  # a flood of them is said once
            assert (await chat.ask("chat", text="y" * 600)).error == ""
        assert (await chat.ask("chat", text="z")).error == ""
        await chat.until(ChatEvent, lambda e: e.text == "z")
        assert chat.all(NoticeEvent) == [notice]
        assert await chat.drain() == 0


async def test_lines_wait_for_the_director(short_dir: Path, configure: Configure) -> None:
    away = Peer(name="director", state=WorkerState.BACKOFF, incarnation=1)
    async with rig(short_dir, "chat", configure(), peers=[away]) as chat:
        await chat.start()
        for number in range(KEPT + 2):
            assert (await chat.ask("chat", text=f"line {number}")).error == ""
        assert chat.all(ChatMessage) == []
        await chat.until(NoticeEvent, lambda n: "lines wait" in n.text)
        await chat.until(NoticeEvent, lambda n: "oldest are now lost" in n.text)
        chat.control(Peer(name="director", state=WorkerState.READY, incarnation=2))
        await chat.until(ChatMessage, lambda m: m.text == f"line {KEPT + 1}")
        assert [m.text for m in chat.all(ChatMessage)] == [f"line {n}" for n in range(2, KEPT + 2)]
        notice = await chat.until(NoticeEvent, lambda n: "delivered" in n.text)
        assert "2 older ones were lost" in notice.text


async def test_replay_through_the_worker(short_dir: Path, configure: Configure) -> None:
    path = short_dir / "chat.jsonl"
    rows = [{"at": n / 100, "author": f"v{n}", "text": f"row {n}"} for n in range(5)]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\nbroken\n")
    async with rig(short_dir, "chat", configure(chat={"replay": str(path)})) as chat:
        assert (await chat.start()).details == {"platforms": "console, replay"}
        await chat.until(ChatMessage, lambda m: m.text == "row 4")
        assert [m.author for m in chat.all(ChatMessage)] == ["v0", "v1", "v2", "v3", "v4"]
        notice = await chat.until(NoticeEvent)
        assert "1 lines" not in notice.text
        assert "line 6" in notice.text


async def test_missing_replay_file_is_not_retried(short_dir: Path, configure: Configure) -> None:
    config = configure(chat={"replay": str(short_dir / "nope.jsonl")})
    async with rig(short_dir, "chat", config) as chat:
        failing, process = await chat.fail()
        assert isinstance(failing, Failing)
        assert (failing.exit_code, process) == (78, 78)
        assert "chat.replay" in failing.error
