"""Stopping at the end of a word: where it is, what sounds until then and nothing after."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_playout import MS, RATE, S, Stage, caption, chunk, script, tone, turn_sounds

from ipc.protocol import AudioCredit, Playback, TurnEnd
from workers.stage.outputs import FADE_S, Clear, Flush, Heard, Show, Sound, Truncate
from workers.stage.wordend import fade_out, word_end

WORD_S, PAUSE_S = 0.3, 0.06
FADE = int(FADE_S * RATE)


def words(count: int, amplitude: int = 9000) -> bytes:
    """Hummed words with short pauses between them."""
    word = [round(amplitude * math.sin(i / 20)) for i in range(int(WORD_S * RATE))]
    pause = [round(40 * math.sin(i / 3)) for i in range(int(PAUSE_S * RATE))]
    return struct.pack(f"<{count * len(word + pause)}h", *(word + pause) * count)


def samples(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def in_pause(second: float) -> bool:
    return second % (WORD_S + PAUSE_S) >= WORD_S


def speaking(seconds: float, *, end: bool = True) -> Stage:
    """Turn 1 has been speaking words for so long."""
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0), words(10))
    if end:
        stage.give(TurnEnd(turn=1, clauses=1))
    stage.run(int(seconds * S))
    return stage


@pytest.mark.parametrize("second", [0.0, 0.05, 0.2, 0.31, 0.5, 1.0, 1.77, 2.9])
def test_she_stops_in_a_pause_between_words(second: float) -> None:
    stage = speaking(second)
    stage.stop_soon(1)
    stage.finish()
    stopped = stage.of(Playback)[-1]
    assert stopped.kind == "stopped"
    assert second <= stopped.audio_s <= second + 0.4
    assert in_pause(stopped.audio_s), stopped.audio_s
    assert stopped.heard == pytest.approx(stopped.audio_s / 3.6, abs=1e-4)
    assert stopped.at_ns == pytest.approx(5 * S + stopped.audio_s * S, abs=MS)
    heard = stage.pcm(Heard, 1)
    assert len(heard) // 2 == round(stopped.audio_s * RATE)
    assert heard[: -2 * FADE] == words(10)[: len(heard) - 2 * FADE]
    assert stage.of(Clear) == [Clear(1, cut=True)]
    assert stage.of(Flush) == []
    assert stage.of(AudioCredit)[-1].consumed == len(words(10)) // 2


def test_what_the_sinks_hold_beyond_is_taken_back_at_its_time() -> None:
    stage = speaking(1.0)
    handed = stage.of(Sound)[-1].end_ns
    stage.stop_soon(1, within_s=0.1)
    (truncate,) = stage.of(Truncate)
    assert stage.now < truncate.at_ns <= stage.now + 100 * MS < handed
    mark = len(stage.log)
    stage.finish()
    after = [output for _, output in stage.log[mark:]]
    assert not [o for o in after if isinstance(o, Sound)]
    assert stage.of(Playback)[-1].at_ns == truncate.at_ns
    assert samples(stage.pcm(Heard, 1))[-1] == 0


def test_where_nothing_is_quiet_she_fades_at_the_end_of_the_window() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0), words(10, 9000)[: int(0.29 * RATE) * 2] * 10)
    stage.run(1 * S)
    stage.stop_soon(1, within_s=0.2)
    stage.finish()
    assert stage.of(Playback)[-1].audio_s == pytest.approx(1.2, abs=1e-3)
    fading = samples(stage.pcm(Heard, 1))[-FADE:]
    assert max(map(abs, fading[-10:])) < 500
    assert fading[-1] == 0


def test_a_clause_that_ends_within_reach_is_said_whole() -> None:
    stage = speaking(3.3)
    stage.give(caption(1, 1))
    stage.stop_soon(1)
    stage.finish()
    stopped = stage.of(Playback)[-1]
    assert (stopped.kind, stopped.clause, stopped.heard) == ("stopped", 0, 1.0)
    assert len(stage.pcm(Heard, 1)) == len(words(10))


def test_the_next_clause_is_taken_back() -> None:
    stage = Stage()
    for clause in range(2):
        stage.give(caption(1, clause))
        stage.give(chunk(1, clause), words(3))
    stage.run(950 * MS)
    assert stage.of(Sound)[-1].clause == 1
    stage.stop_soon(1)
    (truncate,) = stage.of(Truncate)
    assert truncate.at_ns == pytest.approx(5 * S + 3 * 0.36 * S, abs=MS)
    stage.finish()
    assert [p.clause for p in stage.of(Playback) if p.kind == "stopped"] == [0]
    assert len(stage.pcm(Heard, 1)) == len(words(3))


@pytest.mark.parametrize("voiced", [True, False])
def test_a_turn_that_is_not_sounding_ends_at_once(voiced: bool) -> None:
    stage = Stage()
    stage.give(caption(1, 0, "one two three four five six", voiced=voiced))
    if voiced:
        stage.give(chunk(1, 0, last=False), tone(1, 2400))
    stage.run(1 * S)
    stage.stop_soon(1)
    stopped = stage.of(Playback)[-1]
    assert (stopped.kind, stopped.at_ns) == ("stopped", stage.now)
    assert 0 < stopped.heard < 1
    assert stage.of(Flush) == [Flush(1)]


def test_a_turn_nobody_has_heard_of_is_answered_and_stays_silent() -> None:
    stage = speaking(0.5)
    stage.give(caption(2, 0))
    for turn in (2, 3):
        stage.stop_soon(turn)
        stopped = stage.of(Playback)[-1]
        assert (stopped.turn, stopped.kind, stopped.heard) == (turn, "stopped", 0.0)
        stage.give(caption(turn, 0))
        stage.give(chunk(turn, 0), tone(turn, RATE))
    stage.finish()
    assert stage.kinds()[-1] == ("done", 1, 0)
    assert {s.turn for s in stage.of(Sound)} == {1}
    stage.stop_soon(1)  # over: answered long ago
    assert stage.kinds()[-1] == ("done", 1, 0)


def test_a_sound_that_is_still_being_made_is_not_claimed() -> None:
    stage = Stage()
    stage.give(caption(1, 0, "x" * 100))  # about six seconds of speech
    stage.give(chunk(1, 0, last=False), words(3))
    stage.run(300 * MS)
    stage.stop_soon(1)
    stage.give(chunk(1, 0, 1), words(3))  # on its way when she was stopped
    stage.finish()
    stopped = stage.of(Playback)[-1]
    assert 0.03 < stopped.heard < 0.12
    assert stage.playout.dropped == 0


def test_the_next_turn_follows_where_she_stopped() -> None:
    stage = speaking(0.5, end=False)
    stage.give(caption(2, 0))
    stage.give(chunk(2, 0), tone(2, RATE))
    stage.give(TurnEnd(turn=2, clauses=1))
    stage.stop_soon(1)
    stage.finish()
    stopped = next(p for p in stage.of(Playback) if p.kind == "stopped")
    first = next(s for s in stage.of(Sound) if s.turn == 2)
    assert 0 <= first.at_ns - stopped.at_ns < MS
    assert stage.pcm(Heard, 2) == tone(2, RATE)


def test_a_second_order_may_only_be_sooner() -> None:
    stage = speaking(1.0)
    stage.stop_soon(1, within_s=0.4)
    stage.stop_soon(1, within_s=0.05)
    stage.finish()
    stopped = [p for p in stage.of(Playback) if p.kind == "stopped"]
    assert len(stopped) == 1
    assert stopped[0].audio_s <= 1.051
    assert stopped[0].heard == pytest.approx(stopped[0].audio_s / 3.6, abs=1e-3)


def test_cancelling_while_she_is_about_to_stop() -> None:
    stage = speaking(1.0)
    stage.stop_soon(1)
    stage.cancel(1)
    assert [p.kind for p in stage.of(Playback)] == ["started", "stopped"]
    assert stage.of(Playback)[-1].heard == pytest.approx(1 / 3.6, abs=1e-3)
    stage.finish()
    assert len(stage.of(Playback)) == 2


@settings(max_examples=200, deadline=None)
@given(turns=st.lists(turn_sounds, min_size=1, max_size=3), data=st.data())
def test_stopping_at_any_moment(turns: Any, data: st.DataObject) -> None:
    stage = Stage()
    messages = script(turns, data)
    order = data.draw(st.integers(0, len(messages)))
    victim = data.draw(st.integers(1, len(turns)))
    within_s = data.draw(st.sampled_from([0.0, 0.02, 0.1, 0.4]))
    asked_ns = 0
    # a turn nobody has announced cannot be waited for: the first message of each comes in order
    for number, turn in enumerate(turns, start=1):
        stage.give(TurnEnd(turn=number, clauses=len(turn)))
    for index, (message, pcm) in enumerate([*messages, (None, b"")]):
        if index == order:
            stage.run(data.draw(st.integers(0, 900)) * MS)
            asked_ns = stage.now
            stage.stop_soon(victim, within_s)
        if message is not None:
            stage.give(message, pcm)
            stage.run(data.draw(st.integers(0, 200)) * MS)
    stage.finish()
    ends = [p for p in stage.of(Playback) if p.turn == victim and p.kind in {"done", "stopped"}]
    assert len(ends) == 1
    (end,) = ends
    assert end.kind == "done" or end.at_ns <= asked_ns + within_s * S + MS
    after = stage.log[next(i for i, (_, o) in enumerate(stage.log) if o is end) + 1 :]
    late = (Sound, Heard, Show, Playback)
    assert not [o for _, o in after if isinstance(o, late) and _turn(o) == victim]
    until = [t for _, t in stage.log if isinstance(t, Truncate)]
    for truncate in until:
        assert truncate.turn == victim
        assert truncate.at_ns <= end.at_ns + MS
    for number in range(1, len(turns) + 1):
        heard, handed = stage.pcm(Heard, number), stage.pcm(Sound, number)
        keep = max(0, len(heard) - 2 * FADE)
        assert handed.startswith(heard[:keep])
        if number != victim:
            assert handed == heard
    others = {p.turn for p in stage.of(Playback) if p.kind == "done"} | {victim}
    assert max(others) <= len(turns)
    assert stage.playout.deadline_ns() is None


def _turn(output: Any) -> int:
    turn: int = output.caption.turn if isinstance(output, Show) else output.turn
    return turn


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_silence_is_a_pause_and_noise_is_not(rate: int) -> None:
    silence = bytes(2 * rate)
    assert word_end(silence, rate, 0, rate // 2, final=False) == rate // 100
    noise = struct.pack(f"<{rate}h", *((i * 7919) % 20_000 - 10_000 for i in range(rate)))
    assert word_end(noise, rate, 0, rate // 2, final=False) == rate // 2
    assert word_end(noise, rate, 5, 5, final=False) == 5


def test_fade_is_a_ramp_to_zero() -> None:
    pcm = bytearray(struct.pack("<6h", *[1000] * 6))
    fade_out(pcm, 4)
    assert samples(bytes(pcm)) == (1000, 1000, 750, 500, 250, 0)
    fade_out(pcm, 0)
    fade_out(bytearray(), 5)
