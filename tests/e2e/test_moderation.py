"""Deleted, banned, held for a person: with real processes, a real socket and real restarts."""

from __future__ import annotations

import os
import signal

import pytest
from conversation import FAST, ask, heard
from harness import Show
from platforms import (
    Stage,
    arrived,
    audible,
    on_air,
    outcome_of,
    reading,
    trace_for,
    turn_for,
    twitch,
)

from ipc.protocol import ApprovalsEvent, AuditEvent, ChatRemovedEvent, ClauseEvent, TokenEvent
from ipc.states import ShowMode, TurnOutcome, WorkerState

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SLOW = FAST.replace("first_token_ms = 20", "first_token_ms = 400").replace(
    "word_s = 0.06", "word_s = 0.3"
)


def _generating(show: Show, message_id: str) -> object:
    return turn_for(show, message_id)


def _written(show: Show, message_id: str) -> object:
    turn = turn_for(show, message_id)
    return turn and any(e.turn == turn for e in show.of(TokenEvent))


def _audible(show: Show, message_id: str) -> object:
    turn = turn_for(show, message_id)
    return turn and audible(show, turn)


STAGES: dict[str, Stage] = {
    "waiting for the model": _generating,
    "written": _written,
    "spoken": _audible,
}


@pytest.mark.parametrize("way", ["delete", "timeout", "ban", "wipe"])
async def test_what_a_platform_takes_back_is_not_heard(way: str) -> None:
    async with twitch() as server, on_air(server, engines=SLOW) as show:
        for number, (stage, reached) in enumerate(STAGES.items()):
            author, text = f"viewer{number}", f"will you read this one, number {number}?"
            line_id = server.say(text, author=author)
            message_id = await arrived(show, text)
            await show.until(lambda s, r=reached, m=message_id: r(s, m))
            match way:
                case "delete":
                    server.delete(line_id, author)
                case "timeout":
                    server.ban(author, 60)
                case "ban":
                    server.ban(author)
                case _:
                    server.clear()
            outcome = await outcome_of(show, message_id)
            assert outcome.outcome is TurnOutcome.REMOVED, (stage, outcome)
            turn = turn_for(show, message_id)
            trace = await show.until(lambda s, t=turn: trace_for(s, t))
            assert trace.outcome is TurnOutcome.REMOVED, stage
            sound = len((await heard(show, turn)).samples) if trace.audio_s else 0
            assert trace.audio_s < 2.0, "a whole reply lasts longer"
            if stage != "written":  # then it may have begun to sound
                assert bool(sound) == (stage == "spoken"), stage
            # a whole other reply later, nothing of it has come out
            answer = await ask(show, f"and what do you say, number {number}?")
            assert answer["outcome"] == "played"
            assert {e.turn for e in show.of(ClauseEvent)} & {turn} == ({turn} if sound else set())
            if sound:
                assert len((await heard(show, turn)).samples) == sound
        assert len(show.of(ChatRemovedEvent)) == len(STAGES)


async def test_lines_that_wait_are_taken_out(tmp_path: object) -> None:
    async with twitch() as server, on_air(server, engines=SLOW) as show:
        await show.operator.request("hold")
        kept, gone = "is this one answered later?", "and is this one never answered?"
        server.say(kept, author="kim")
        line_id = server.say(gone, author="mira")
        kept_id, gone_id = await arrived(show, kept), await arrived(show, gone)
        server.delete(line_id)
        assert (await outcome_of(show, gone_id)).outcome is TurnOutcome.REMOVED
        await show.operator.request("release")
        assert (await outcome_of(show, kept_id)).outcome is TurnOutcome.PLAYED
        assert not turn_for(show, gone_id)


async def _kill(show: Show, name: str) -> None:
    """SIGKILL a worker and wait until it serves again."""
    worker = show.workers[name]
    os.kill(worker.pid, signal.SIGKILL)
    await show.until_state(name, WorkerState.READY, after=worker.incarnation)


async def test_a_ban_survives_chat_and_the_show() -> None:
    async with twitch() as server:
        config = reading(server)
        async with Show(config, profile="scripted") as show:
            await show.until_ready()
            await server.joined()

            async def says(text: str) -> str:
                server.say(text, author="mira")
                return str((await outcome_of(show, await arrived(show, text))).outcome)

            assert await says("hello, may I speak?") == "played"
            told = await show.operator.request("ban", viewer="mira", reason="rude")
            assert told["here"] == "banned"
            assert await says("may I speak now?") == "removed"
            await _kill(show, "chat")
            await server.joined()
            assert await says("and after your accident?") == "removed"
            await show.operator.request("stop")
            await show.wait_exit()
            show.events.clear()
            await show.start()
            await show.until_ready()
            await server.joined()
            assert await says("and in a new show?") == "removed"
            bans = await show.operator.request("bans")
            assert [ban["name"] for ban in bans["banned"]] == ["Mira"]
            await show.operator.request("unban", viewer="mira")
            assert await says("and now that I am forgiven?") == "played"
            assert [e.verb for e in show.of(AuditEvent) if e.ok] == ["unban"]


async def test_what_waits_for_a_person_survives_director_and_show() -> None:
    async with twitch() as server, Show(reading(server), profile="scripted") as show:
        await show.until_ready()
        await server.joined()
        await show.operator.request("mode", name="approval")

        def items(s: Show) -> list[str]:
            events = s.of(ApprovalsEvent)
            return [item.id for item in events[-1].items] if events else []

        for number in range(3):
            server.say(f"what do you think of number {number}?", author=f"v{number}")
        await show.until(lambda s: len(items(s)) == 3)
        before = items(show)
        assert not show.of(ClauseEvent)
        show.events.clear()
        await _kill(show, "director")
        await show.until(lambda s: items(s) == before)
        await show.operator.request("stop")
        await show.wait_exit()
        show.events.clear()
        await show.start()
        await show.until_ready()
        await show.until(lambda s: items(s) == before)
        status = await show.operator.request("status")
        assert status["show"]["mode"] == ShowMode.APPROVAL
        await show.operator.request("deny", id=before[0])
        await show.operator.request("approve", id=before[1])
        await show.operator.request("approve", id=before[2], text="Edited by a person.")
        said = await show.until(
            lambda s: [e.text for e in s.of(ClauseEvent) if e.heard >= 1.0 and "Edited" in e.text]
        )
        assert said == ["Edited by a person."]
        assert not items(show)
