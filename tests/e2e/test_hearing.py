"""Somebody speaks into a microphone: she answers, and lets herself be interrupted."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from conversation import FAST, ask, heard, say_as_viewer, sounding, turn_of
from harness import Show
from hibari import Hibari
from websockets.asyncio.client import ClientConnection, connect

from ipc.protocol import TraceEvent, TurnEvent
from ipc.states import TurnOutcome

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

RATE = 24_000
STEP_S = 0.04
CONFIG = FAST.replace("word_s = 0.06", "word_s = 0.5") + "[stt]\nenabled = true\npage_port = 0\n"


def _say(text: str) -> bytes:
    """A person's voice: 16-bit mono at RATE, with a second of silence behind it."""
    voice = Hibari()
    parts = [voice.from_phonemes(p, 1.0, 0) for p in voice.phonemize(text)]
    sound = np.concatenate([*parts, np.zeros(RATE, np.float32)])
    return (np.clip(sound / np.abs(sound).max() / 2, -1, 1) * 32767).astype("<i2").tobytes()


async def _microphone(show: Show) -> ClientConnection:
    page = next(v for v in show.workers["stt"].details.values() if v.startswith("http"))
    socket = await connect(page.replace("http://", "ws://").partition("/mic")[0] + "/audio")
    hello = {"rate": RATE, "channels": 1, "format": "s16le", "name": "Ann", "hears_her": False}
    await socket.send(json.dumps(hello))
    assert json.loads(await socket.recv())["type"] == "ready"
    return socket


async def _speak(socket: ClientConnection, sound: bytes) -> None:
    """At the pace of a microphone: more than that is refused."""
    clock = asyncio.get_running_loop().time
    begin = clock()
    step = int(RATE * STEP_S) * 2
    for number, start in enumerate(range(0, len(sound), step)):
        await asyncio.sleep(max(0.0, begin + number * STEP_S - clock()))
        await socket.send(sound[start : start + step])


def _answers(show: Show, word: str) -> TurnEvent | None:
    """The turn about what somebody said, if that word is in it."""
    spoken = (e for e in show.of(TurnEvent) if e.source == "speech")
    return next((e for e in spoken if word in e.text.lower()), None)


async def test_a_person_is_answered_and_may_interrupt() -> None:
    async with Show(CONFIG, profile="scripted", wait_s=60) as show:
        await show.until_ready()
        async with await _microphone(show) as socket:
            await _speak(socket, _say("What is your favourite colour?"))
            turn = await show.until(lambda s: _answers(s, "colo"))
            assert turn.author == "Ann"
            trace = await show.until(
                lambda s: next((e for e in s.of(TraceEvent) if e.turn == turn.turn), None)
            )
            assert trace.outcome is TurnOutcome.PLAYED
            assert (await heard(show, turn.turn)).seconds > 3

            message_id = await say_as_viewer(show, "tell me a long story", "kim")
            await show.until(lambda s: sounding(s, message_id))
            story = turn_of(show, message_id)
            assert story is not None
            await _speak(socket, _say("Please stop it now, I have something to tell you."))
            cut = await show.until(
                lambda s: next((e for e in s.of(TraceEvent) if e.turn == story.turn), None)
            )
            assert cut.outcome is TurnOutcome.SKIPPED
            assert "Ann" in cut.reason
            assert 0 < (await heard(show, story.turn)).seconds < 6
            await show.until(lambda s: _answers(s, "tell you"))
        assert (await ask(show, "and chat goes on?"))["outcome"] == "played"
