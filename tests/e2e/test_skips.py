"""Skip at any moment: silence, and the next reply is whole."""

from __future__ import annotations

import contextlib
import random

import pytest
from conversation import FAST, about, ask, heard, say_as_viewer, turn_of
from harness import Show

from ipc.errors import RequestFailed
from ipc.protocol import ClauseEvent, TraceEvent
from ipc.states import TurnOutcome
from workers.tts.scripted import tone_hz

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SKIPS = 200
WORD_S = 0.03


async def test_two_hundred_skips_at_random_moments(tmp_path: object) -> None:
    moments = random.Random(7)
    config = FAST.replace("word_s = 0.06", f"word_s = {WORD_S}")
    skipped = 0
    async with Show(config, profile="scripted") as show:
        await show.until_ready()
        for round_ in range(SKIPS):
            message_id = await say_as_viewer(show, f"cut me off {round_}")
            opened = await show.until(lambda s, m=message_id: turn_of(s, m))
            turn = opened.turn
            # a moment is the n-th thing said about the turn: opened, tokens, clauses
            after = moments.randint(1, 8)
            await show.until(
                lambda s, t=turn, n=after: (
                    len(about(s, t)) >= n or any(e.turn == t for e in s.of(TraceEvent))
                )
            )
            with contextlib.suppress(RequestFailed):  # "she is quiet just now": it was over
                await show.operator.request("skip")
            trace = await show.until(
                lambda s, t=turn: next((e for e in s.of(TraceEvent) if e.turn == t), None)
            )
            skipped += trace.outcome is TurnOutcome.SKIPPED
            cut = len((await heard(show, turn)).samples) if trace.audio_s else 0

            answer = await ask(show, f"and the whole one {round_}", author="lee")
            assert answer["outcome"] == "played", answer
            sound = await heard(show, answer["turn"])
            clauses = {e.clause: e.text for e in show.of(ClauseEvent) if e.turn == answer["turn"]}
            spoken = sum(len(text.split()) for text in clauses.values())
            assert sound.seconds == pytest.approx(spoken * WORD_S, abs=0.01), "not whole"
            tones = {round(tone_hz(answer["turn"], c) / 5) * 5 for c in range(8)}
            strange = [p for p in sound.pitches() if min(abs(p - t) for t in tones) > 15]
            assert not strange, (strange, sorted(tones))
            if cut:
                assert len((await heard(show, turn)).samples) == cut, "sound after the skip"
            show.events.clear()
    assert skipped > SKIPS // 2, f"only {skipped} skips came before the end of their reply"
