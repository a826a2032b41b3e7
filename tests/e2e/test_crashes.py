"""kill -9 in the middle of a reply: the show goes on and nothing stale is heard."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from conversation import FAST, ask, heard, open_turns, say_as_viewer, sounding
from harness import STARTED, Show

from ipc.errors import RequestFailed
from ipc.protocol import TraceEvent, TurnEvent
from ipc.states import WorkerState
from workers.tts.scripted import tone_hz

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def strangers(pitches: list[int], turn: int) -> list[int]:
    """Pitches that are not this turn's (a window on a clause border may smear by 15 Hz)."""
    own = [tone_hz(turn, clause) for clause in range(8)]
    return [pitch for pitch in pitches if min(abs(pitch - hz) for hz in own) > 15]


async def test_every_worker_may_die_in_the_middle_of_a_reply() -> None:
    async with Show(FAST, profile="scripted") as show:
        await show.until_ready()
        assert (await ask(show, "warm up"))["outcome"] == "played"
        for name in STARTED:
            before = {n: w.incarnation for n, w in show.workers.items()}
            message_id = await say_as_viewer(show, f"watch me end {name}")
            cut = await show.until(lambda s, m=message_id: sounding(s, m))
            os.kill(show.workers[name].pid, signal.SIGKILL)
            await show.until(lambda s, n=name, b=before[name]: s.workers[n].incarnation > b)
            await show.until_ready()
            now = {n: w.incarnation for n, w in show.workers.items()}
            assert now == {**before, name: before[name] + 1}, "only the killed one restarts"

            answer = await ask(show, "and now?", author="lee")
            assert answer["outcome"] == "played", (name, answer)
            sound = await heard(show, answer["turn"])
            assert sound.seconds > 0.3
            assert not strangers(sound.pitches(), answer["turn"]), (name, answer["turn"])
            # a dead director's turn ends with it, unannounced; every other one says how
            unannounced = {cut.turn} if name == "director" else set()
            await show.until(lambda s, u=unannounced: open_turns(s) <= u)
            show.events.clear()


async def test_lines_that_wait_outlive_the_director() -> None:
    async with Show(FAST, profile="scripted") as show:
        await show.until_ready()
        spoken = await say_as_viewer(show, "the one being answered")
        waiting = [await say_as_viewer(show, f"line {n}", author=f"viewer{n}") for n in range(3)]
        await show.until(lambda s: sounding(s, spoken))
        os.kill(show.workers["director"].pid, signal.SIGKILL)
        for message_id in waiting:
            await show.until(
                lambda s, m=message_id: [
                    e for e in s.of(TraceEvent) if m in e.message_ids and e.outcome == "played"
                ]
            )
        assert len([e for e in show.of(TurnEvent) if set(e.message_ids) & set(waiting)]) == 3


async def test_a_question_to_a_director_that_dies_is_answered_with_an_error() -> None:
    async with Show(FAST, profile="scripted") as show:
        await show.until_ready()
        message_id = await say_as_viewer(show, "are you there?")
        waiting = asyncio.ensure_future(
            show.operator.request("outcome", message_id=message_id, timeout_s=20)
        )
        await show.until(lambda s: sounding(s, message_id))
        os.kill(show.workers["director"].pid, signal.SIGKILL)
        with pytest.raises(RequestFailed, match="director"):
            await waiting


async def test_a_stopped_worker_is_mended() -> None:
    config = FAST + "[supervisor]\nheartbeat_s = 0.2\nbeat_timeout_s = 1.5\n"
    async with Show(config, profile="scripted") as show:
        await show.until_ready()
        for name in ("tts", "director"):
            victim = show.workers[name]
            os.kill(victim.pid, signal.SIGSTOP)
            await show.until_state(name, WorkerState.READY, after=victim.incarnation)
            answer = await ask(show, "still there?")
            assert answer["outcome"] == "played", (name, answer)


async def test_without_a_voice_there_are_captions() -> None:
    config = FAST + '[tts]\npython = "/bin/false"\nrestart_limit = 2\n'
    async with Show(config, profile="scripted") as show:
        await show.until_state("tts", WorkerState.FAILED)
        await show.until_ready("director", "chat", "stage")
        answer = await ask(show, "can I read you?")
        assert answer["outcome"] == "played", answer
        assert answer["reply"]
        assert answer["audio_s"] == 0
        status = await show.operator.request("status")
        assert "caption" in " ".join(status["show"]["degraded"])


async def test_killing_the_supervisor_while_she_speaks_leaves_nothing() -> None:
    async with Show(FAST, profile="scripted") as show:
        await show.until_ready()
        message_id = await say_as_viewer(show, "how does it end?")
        await show.until(lambda s: sounding(s, message_id))
        assert len(show.descendants()) >= len(STARTED)
        gone = [os.pidfd_open(pid) for pid in show.descendants() if pid != show.pid]
        show.kill()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(3):
            for pidfd in gone:
                ended = asyncio.Event()
                loop.add_reader(pidfd, ended.set)
                await ended.wait()
                loop.remove_reader(pidfd)
                os.close(pidfd)
        assert show.descendants() == []


async def test_sigterm_under_load_drains_and_writes_the_memory() -> None:
    async with Show(FAST, profile="scripted") as show:
        await show.until_ready()
        first = await ask(show, "remember the blue teapot", author="ana")
        assert first["outcome"] == "played"
        for i in range(50):
            await say_as_viewer(show, f"message number {i}", author=f"viewer{i % 7}")
        await show.until(lambda s: len(s.of(TraceEvent)) >= 2)
        os.kill(show.pid, signal.SIGTERM)
        assert await show.wait_exit(limit_s=10) == 0
        assert show.descendants() == []

        await show.start()
        await show.until_ready()
        hits = await show.operator.request("recall", text="remember the blue teapot")
        assert any("teapot" in hit["text"] for hit in hits)
