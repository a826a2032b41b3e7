"""chat: the worker as a process, between a director, the events plane and an operator."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from doubles.tls import Authority
from doubles.twitch_irc import Trouble, TwitchIrcServer
from stage.rig import rig

from ipc.config import Config, TwitchSection
from ipc.protocol import (
    Beat,
    ChatEvent,
    ChatMessage,
    ChatOutcomeEvent,
    ChatRemovedEvent,
    Command,
    CommandResult,
    Failing,
    GateHit,
    NoticeEvent,
    Peer,
    Removed,
    Taken,
)
from ipc.states import TurnOutcome, WorkerState
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
        assert (await chat.ask("chat", text="abc xyz " * 12_500)).error == ""
        notice = await chat.until(NoticeEvent)
        assert "100000 characters" in notice.text
        assert len((await chat.until(ChatMessage, lambda m: m.text[:3] == "abc")).text) == 499
        for _ in range(50):  # a flood of them is said once
            assert (await chat.ask("chat", text="why oh why " * 60)).error == ""
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
        notice = await chat.until(NoticeEvent, lambda n: "went on" in n.text)
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


async def test_a_ban_holds_here_at_once_and_after_a_restart(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "chat", configure()) as chat:
        await chat.start()
        assert (await chat.ask("chat", text="hello", author="Mira")).error == ""
        banned = await chat.ask("ban", viewer="mira", reason="spam")
        assert banned.result["here"] == "banned"
        removed = await chat.until(Removed)
        assert (removed.author_id, removed.forget) == ("console:Mira", True)
        assert (await chat.until(ChatRemovedEvent)).author_id == "console:Mira"
        stopped = await chat.ask("chat", text="hello again", author="Mira")
        assert stopped.error == "the line was stopped: the viewer is banned"
        outcome = await chat.until(ChatOutcomeEvent)
        assert (outcome.outcome, outcome.reason) == (TurnOutcome.REMOVED, "the viewer is banned")
        assert (await chat.until(ChatEvent, lambda e: e.id == outcome.message_id)).author == "Mira"

        await chat.restart()
        assert (await chat.ask("chat", text="and again", author="Mira")).error
        assert (await chat.ask("bans")).result["banned"][0]["reason"] == "spam"
        assert (await chat.ask("unban", viewer="mira")).result["here"] == "may speak"
        assert (await chat.ask("chat", text="thanks", author="Mira")).error == ""
        assert (await chat.until(ChatMessage)).text == "thanks"


async def test_a_ban_of_which_the_director_was_never_told_is_told_after_a_restart(
    short_dir: Path, configure: Configure
) -> None:
    away = Peer(name="director", state=WorkerState.BACKOFF, incarnation=1)
    async with rig(short_dir, "chat", configure(), peers=[away]) as chat:
        await chat.start()
        assert (await chat.ask("ban", viewer="console:Mira", reason="spam")).error == ""
        assert (await chat.ask("timeout", viewer="console:Tom")).error == ""
        assert (await chat.ask("trust", viewer="console:Ann")).error == ""
        assert not chat.all(Removed)
        await chat.restart()
        chat.control(Peer(name="director", state=WorkerState.READY, incarnation=2))
        await chat.until(Removed, lambda r: r.author_id == "console:Tom")
        told = {r.author_id: (r.forget, r.reason) for r in chat.all(Removed)}
        assert told == {
            "console:Mira": (True, "spam by the operator"),
            "console:Tom": (False, "silenced by the operator"),
        }


async def test_what_was_decided_is_not_lost_with_an_unreadable_file(
    short_dir: Path, configure: Configure
) -> None:
    (short_dir / "viewers.json").write_text('{"viewers": [')
    async with rig(short_dir, "chat", configure()) as chat:
        await chat.start()
        notice = await chat.until(NoticeEvent)
        assert notice.level == "error"
        assert "viewers.json.unreadable-" in notice.text
    assert any("unreadable" in name for name in os.listdir(short_dir))


async def test_the_gate_stops_lines_and_tells_why(short_dir: Path, configure: Configure) -> None:
    words = short_dir / "words.txt"
    words.write_text("drop: grotbag\nhold: frumious\n")
    config = configure(gate={"words": str(words)})
    async with rig(short_dir, "chat", config) as chat:
        await chat.start()
        stopped = await chat.ask("chat", text="you grotbag")
        assert "grotbag" in stopped.error
        assert (await chat.until(ChatOutcomeEvent)).outcome is TurnOutcome.BLOCKED
        hit = await chat.until(GateHit)
        assert hit.hits == 1
        assert "grotbag" in hit.why
        await chat.ask("chat", text="how frumious")
        assert (await chat.until(ChatMessage)).held_why
        words.unlink()
        beat = await chat.until(Beat, lambda beat: "words.txt" in beat.problem)
        assert not beat.problem.startswith(";")
        assert (await chat.ask("chat", text="the old list holds")).error == ""


async def test_a_removal_reaches_a_director_that_was_away_before_the_lines(
    short_dir: Path, configure: Configure
) -> None:
    away = Peer(name="director", state=WorkerState.BACKOFF, incarnation=1)
    async with rig(short_dir, "chat", configure(), peers=[away]) as chat:
        await chat.start()
        for author in ("Mira", "Tom", "Mira"):
            await chat.ask("chat", text=f"I am {author}", author=author)
        await chat.ask("ban", viewer="Mira")
        assert not chat.all(Removed)
        chat.control(Peer(name="director", state=WorkerState.READY, incarnation=2))
        await chat.until(ChatMessage, lambda m: m.author == "Tom")
        told = [m for m, _ in chat.seen if isinstance(m, Removed | ChatMessage)]
        assert [type(message) for message in told] == [Removed, ChatMessage]


async def test_a_director_that_died_gets_untaken_lines_again(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "chat", configure()) as chat:
        await chat.start()
        ids = [
            (await chat.ask("chat", text=f"line {n}", author=f"v{n}")).result["message_id"]
            for n in range(3)
        ]
        await chat.until(ChatMessage, lambda m: m.text == "line 2")
        chat.send(Taken(message_ids=[ids[0]]))
        await chat.ask("ban", viewer="v1")
        chat.control(Peer(name="director", state=WorkerState.BACKOFF, incarnation=1))
        chat.control(Peer(name="director", state=WorkerState.READY, incarnation=2))
        await chat.until(ChatMessage, lambda m: chat.all(ChatMessage).count(m) == 2)
        assert [m.text for m in chat.all(ChatMessage)] == ["line 0", "line 1", "line 2", "line 2"]
        assert len(chat.all(Removed)) == 2


async def test_an_impossible_channel_is_a_configuration_error(
    short_dir: Path, configure: Configure
) -> None:
    config = configure(chat={"twitch": TwitchSection(channel="not a channel")})
    async with rig(short_dir, "chat", config) as chat:
        failing, code = await chat.fail()
        assert (failing.exit_code, code) == (78, 78)


async def test_unknown_verbs_are_refused(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "chat", configure()) as chat:
        await chat.start()
        assert "does not know" in (await chat.ask("dance")).error
        assert "no platform to write to" in (await chat.ask("send", text="hi")).error
        assert "nothing to undo" in (await chat.ask("undo")).error


async def test_twitch_beside_the_console(short_dir: Path, configure: Configure) -> None:
    async with TwitchIrcServer(Authority(short_dir)) as server:
        server.troubles.append(Trouble.REFUSED)
        twitch = TwitchSection(channel="spark", irc_host="localhost", irc_port=server.port)
        config = configure(chat={"twitch": twitch, "ca_file": server.ca_file, "retry_base_s": 0.05})
        async with rig(short_dir, "chat", config) as chat:
            assert (await chat.start()).details == {"platforms": "console, twitch"}
            # the platform is down at first: the console is there
            assert (await chat.ask("chat", text="typed")).error == ""
            await server.joined()
            await chat.until(Beat, lambda beat: not beat.problem)
            first = server.say("hello", author="mira")
            message = await chat.until(ChatMessage, lambda m: m.platform == "twitch")
            assert (message.id, message.text) == (f"twitch:{first}", "hello")

            server.say("hello", author="mira", line_id=first)  # twice, as after a reconnection
            server.delete("never-came")
            server.say("gone before it came", author="tom", line_id="never-came")
            server.delete(first)
            await chat.until(Removed, lambda r: f"twitch:{first}" in r.message_ids)
            server.say("still here", author="tom")
            await chat.until(ChatMessage, lambda m: m.text == "still here")
            assert [m.text for m in chat.all(ChatMessage) if m.platform == "twitch"] == [
                "hello",
                "still here",
            ]

            server.ban("mira", seconds=600)
            removed = await chat.until(Removed, lambda r: r.author_id == message.author_id)
            assert not removed.forget
            server.say("on its way", author="mira")
            blocked = await chat.until(ChatOutcomeEvent, lambda o: o.outcome is TurnOutcome.REMOVED)
            assert "silenced on twitch" in blocked.reason
            banned = await chat.ask("ban", viewer="tom")
            assert banned.result["here"] == "banned"
            assert banned.result["platform"].startswith("not there: ")
            warning = await chat.until(
                NoticeEvent, lambda n: n.text.startswith("ban: Tom: banned here")
            )
            assert "twitch_token" in warning.hint
            server.clear()
            assert (await chat.until(Removed, lambda r: r.everything)).platform == "twitch"
