"""chat: the worker as a process, between a director, the events plane and an operator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from stage.rig import rig

from ipc.config import Config
from ipc.protocol import ChatEvent, ChatMessage, Command, CommandResult, Failing, NoticeEvent, Peer
from ipc.states import WorkerState
from workers.chat.backlog import KEPT

Configure = Callable[..., Config]


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
