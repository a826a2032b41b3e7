"""The playout clock in virtual time: what sounds when, and what never does."""

from __future__ import annotations

import struct
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipc.fence import Fence
from ipc.protocol import AudioChunk, AudioCredit, Cancel, Caption, Playback, StopSoon, TurnEnd
from workers.stage.outputs import Clear, Flush, Heard, Output, Show, Sound
from workers.stage.playout import CREDIT_NS, LEAD_NS, Playout

RATE = 24_000
S = 1_000_000_000
MS = 1_000_000


def tone(seed: int, samples: int) -> bytes:
    """PCM in which every sample tells where it belongs."""
    return struct.pack(f"<{samples}h", *((seed * 977 + i) % 30011 for i in range(samples)))


def caption(turn: int, clause: int, text: str = "one two three", **more: Any) -> Caption:
    return Caption(turn=turn, clause=clause, text=text, speaker="Nova", color="#fff", **more)


def chunk(turn: int, clause: int, seq: int = 0, last: bool = True, **more: Any) -> AudioChunk:
    return AudioChunk(turn=turn, clause=clause, seq=seq, sample_rate=RATE, last=last, **more)


class Stage:
    """A Playout with a virtual clock that wakes exactly at its deadlines."""

    def __init__(self, words_per_s: float = 3.0) -> None:
        self.playout = Playout(words_per_s)
        self.fence = Fence()
        self.now = 5 * S
        self.log: list[tuple[int, Output]] = []
        self.wakes = 0

    def give(self, message: AudioChunk | Caption | TurnEnd, pcm: bytes = b"") -> None:
        if not self.fence.allows(message.turn):
            return  # the runtime drops these
        if isinstance(message, AudioChunk):
            self._note(self.playout.chunk(message, pcm, self.now))
        elif isinstance(message, Caption):
            self._note(self.playout.caption(message, self.now))
        else:
            self._note(self.playout.turn_end(message, self.now))

    def cancel(self, turn: int, *, up_to: bool = False) -> None:
        self.fence.apply(Cancel(turn=turn, up_to=up_to))
        self._note(self.playout.cancel(self.fence.allows, self.now))

    def stop_soon(self, turn: int, within_s: float = 0.4) -> None:
        self._note(self.playout.stop_soon(StopSoon(turn=turn, within_s=within_s), self.now))

    def run(self, for_ns: int) -> None:
        until = self.now + for_ns
        while (due := self.playout.deadline_ns()) is not None and due <= until:
            self.wakes += 1
            assert self.wakes < 100_000, "the clock is stuck"
            self.now = max(self.now, due)
            self._note(self.playout.advance(self.now))
        self.now = until
        self._note(self.playout.advance(self.now))

    def finish(self) -> None:
        """Until nothing is due any more."""
        while (due := self.playout.deadline_ns()) is not None:
            self.run(max(0, due - self.now))

    def of(self, kind: type[Any]) -> list[Any]:
        return [output for _, output in self.log if isinstance(output, kind)]

    def kinds(self) -> list[tuple[str, int, int]]:
        return [(p.kind, p.turn, p.clause) for p in self.of(Playback)]

    def pcm(self, kind: type[Sound] | type[Heard], turn: int) -> bytes:
        return b"".join(o.pcm for o in self.of(kind) if o.turn == turn)

    def _note(self, outputs: list[Output]) -> None:
        self.log.extend((self.now, output) for output in outputs)
        for output in outputs:
            if isinstance(output, Playback) and output.kind == "stopped":
                self.fence.apply(Cancel(turn=output.turn))  # as the worker does


def test_first_chunk_sounds_in_the_call_it_arrives_in() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0, last=False, made_ns=7, engine_ns=8), tone(1, 960))
    first, shown, started = (output for _, output in stage.log)
    assert isinstance(first, Sound)
    assert (first.at_ns, first.lead_ns, first.pcm) == (stage.now, 0, tone(1, 960))
    assert isinstance(shown, Show)
    assert (shown.caption, shown.at_ns, shown.exact) == (caption(1, 0), stage.now, False)
    assert isinstance(started, Playback)
    assert (started.kind, started.at_ns, started.made_ns) == ("started", stage.now, 7)


def test_sound_without_caption_stays_silent() -> None:
    stage = Stage()
    stage.give(chunk(1, 0), tone(1, RATE))
    stage.run(10 * S)
    assert stage.log == []
    stage.give(caption(1, 0))
    assert stage.of(Sound)


def test_clauses_follow_each_other_without_a_gap() -> None:
    stage = Stage()
    for clause in range(3):
        stage.give(caption(1, clause))
        stage.give(chunk(1, clause), tone(clause, 10_007))
    stage.give(TurnEnd(turn=1, clauses=3))
    stage.finish()
    end = 5 * S
    for sound in stage.of(Sound):
        assert abs(sound.at_ns - end) <= 1
        end = sound.at_ns + len(sound.pcm) // 2 * S // RATE
    assert stage.pcm(Heard, 1) == b"".join(tone(c, 10_007) for c in range(3))
    assert stage.kinds() == [(kind, 1, c) for c in range(3) for kind in ("started", "finished")] + [
        ("done", 1, 2)
    ]
    # a clause is announced when it begins, not when it was handed over
    starts = [(at, p.at_ns) for at, p in stage.log if isinstance(p, Playback)]
    assert all(abs(at - said) <= 1000 for at, said in starts)


def test_sinks_are_never_further_ahead_than_the_lead() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0), tone(1, 5 * RATE))
    stage.run(3 * S)
    for at, sound in stage.log:
        if isinstance(sound, Sound):
            assert sound.at_ns + len(sound.pcm) // 2 * S // RATE - at <= LEAD_NS + 50_000
    assert stage.wakes <= 35  # one wake for about 100 ms


def test_underrun_is_a_gap_and_the_clock_waits() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0, last=False), tone(1, 2400))
    stage.run(700 * MS)
    stage.give(chunk(1, 0, seq=1), tone(2, 2400))
    second = stage.of(Sound)[-1]
    assert second.at_ns == 5 * S + 700 * MS
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.finish()
    assert stage.pcm(Heard, 1) == tone(1, 2400) + tone(2, 2400)
    done = stage.of(Playback)[-1]
    assert (done.kind, done.audio_s) == ("done", pytest.approx(0.2))


def test_late_empty_last_chunk_does_not_delay_the_next_clause() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(caption(1, 1))
    stage.give(chunk(1, 0, last=False), tone(1, 4000))
    stage.run(20 * MS)
    stage.give(chunk(1, 1), tone(2, 4000))
    stage.give(chunk(1, 0, seq=1))
    stage.give(TurnEnd(turn=1, clauses=2))
    stage.finish()
    starts = [p.at_ns for p in stage.of(Playback) if p.kind == "started"]
    assert starts[1] - starts[0] == 4000 * S // RATE


def test_next_turn_waits_and_then_begins_at_once() -> None:
    stage = Stage()
    for turn in (1, 2):
        stage.give(caption(turn, 0))
        stage.give(chunk(turn, 0), tone(turn, RATE))
        stage.give(TurnEnd(turn=turn, clauses=1))
    stage.run(999 * MS)
    assert stage.pcm(Sound, 2) == b""
    stage.finish()
    begins = {s.turn: s.at_ns for s in reversed(stage.of(Sound))}
    assert begins[2] - begins[1] == S
    assert [c.turn for c in stage.of(Clear)] == [1, 2]


def test_unvoiced_captions_take_their_reading_time() -> None:
    stage = Stage(words_per_s=3.0)
    stage.give(caption(1, 0, "one", voiced=False))
    stage.give(caption(1, 1, "one two three four five six", voiced=False))
    stage.give(TurnEnd(turn=1, clauses=2))
    stage.finish()
    times = [(p.kind, (p.at_ns - 5 * S) / S) for p in stage.of(Playback)]
    assert times == [
        ("started", 0.0),
        ("finished", 1.0),
        ("started", 1.0),
        ("finished", 3.0),
        ("done", 3.0),
    ]
    assert stage.of(Sound) == []


def test_voice_lost_mid_clause_ends_it_with_what_came() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0, last=False), tone(1, 4800))
    stage.run(100 * MS)
    stage.give(caption(1, 0, voiced=False))
    stage.give(caption(1, 1, voiced=False))
    stage.give(TurnEnd(turn=1, clauses=2))
    stage.finish()
    assert stage.pcm(Heard, 1) == tone(1, 4800)
    assert stage.kinds()[-1] == ("done", 1, 1)


def test_cancel_says_what_was_heard_and_nothing_follows() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0), tone(1, RATE))
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.run(333 * MS)
    stage.cancel(1)
    mark = len(stage.log)
    stopped = stage.of(Playback)[-1]
    assert stopped.kind == "stopped"
    assert stopped.heard == pytest.approx(0.333, abs=1e-4)
    assert stopped.audio_s == pytest.approx(0.333, abs=1e-4)
    assert stage.of(Flush) == [Flush(1)]
    assert stage.of(AudioCredit)[-1].consumed == RATE
    assert stage.pcm(Heard, 1) == tone(1, RATE)[: 2 * 7992]
    stage.give(chunk(1, 1), tone(1, RATE))
    stage.finish()
    assert stage.log[mark:] == []


def test_cancel_of_an_unfinished_clause_does_not_claim_too_much() -> None:
    stage = Stage()
    stage.give(caption(1, 0, "x" * 100))  # about six seconds of speech
    stage.give(chunk(1, 0, last=False), tone(1, RATE // 2))
    stage.run(S // 2)
    stage.cancel(1)
    assert stage.of(Playback)[-1].heard < 0.1


def test_cancelled_turn_makes_room_for_the_next() -> None:
    stage = Stage()
    for turn in (1, 2, 3):
        stage.give(caption(turn, 0))
        stage.give(chunk(turn, 0), tone(turn, RATE))
        stage.give(TurnEnd(turn=turn, clauses=1))
    stage.run(100 * MS)
    stage.cancel(2, up_to=True)
    assert stage.of(Sound)[-1].turn == 3
    assert stage.of(Sound)[-1].at_ns == stage.now
    assert stage.pcm(Sound, 2) == b""
    stage.finish()
    assert stage.kinds()[-1] == ("done", 3, 0)


def test_credits_at_most_four_a_second_and_complete() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    for seq in range(100):
        stage.give(chunk(1, 0, seq=seq, last=seq == 99), tone(seq, 960))
        stage.run(10 * MS)
    stage.run(2 * S)
    times = [at for at, o in stage.log if isinstance(o, AudioCredit)]
    assert min(b - a for a, b in pairwise(times)) >= CREDIT_NS
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.finish()
    assert stage.of(AudioCredit)[-1].consumed == 96_000


def test_credit_for_sound_that_ran_dry_still_comes() -> None:
    """A sender that waits for credit while the stage waits for sound would hang the turn."""
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0, last=False), tone(1, 480))
    stage.finish()
    assert stage.of(AudioCredit)[-1].consumed == 480


def test_idle_needs_no_wake() -> None:
    stage = Stage()
    assert stage.playout.deadline_ns() is None
    stage.give(caption(1, 0))
    assert stage.playout.deadline_ns() is None
    stage.give(TurnEnd(turn=1, clauses=0))
    assert stage.kinds() == [("done", 1, 0)]
    assert stage.playout.deadline_ns() is None


@pytest.mark.parametrize(
    "bad",
    [
        AudioChunk(turn=1, clause=0, seq=0, sample_rate=0),
        AudioChunk(turn=1, clause=0, seq=0, sample_rate=10**9),
        AudioChunk(turn=0, clause=0, seq=0, sample_rate=RATE),
    ],
)
def test_unusable_chunks_are_dropped(bad: AudioChunk) -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(bad, tone(1, 100))
    assert stage.of(Sound) == []
    stage.give(chunk(1, 0), tone(1, 100) + b"\x01")  # half a sample at the end
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.finish()
    assert stage.pcm(Heard, 1) == tone(1, 100)


def test_repeated_and_late_chunks_do_not_sound_twice() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0, last=False), tone(1, 100))
    stage.give(chunk(1, 0, last=False), tone(1, 100))
    stage.give(chunk(1, 0, seq=1), tone(2, 100))
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.finish()
    stage.give(chunk(1, 0, seq=2), tone(3, 100))
    stage.finish()
    assert stage.pcm(Heard, 1) == tone(1, 100) + tone(2, 100)
    assert stage.playout.dropped == 1


# --- any order, any chunking, any moment of cancelling --------------------------------------

clause_sounds = st.lists(st.integers(1, 4000), min_size=0, max_size=4)  # chunk sizes
turn_sounds = st.lists(st.tuples(clause_sounds, st.booleans()), min_size=0, max_size=4)


def script(turns: list[list[tuple[list[int], bool]]], data: st.DataObject) -> list[Any]:
    """All messages of these turns in some order; chunks of one clause keep theirs."""
    lanes: list[list[Any]] = []
    for number, turn in enumerate(turns, start=1):
        lanes.append([(TurnEnd(turn=number, clauses=len(turn)), b"")])
        for index, (sizes, voiced) in enumerate(turn):
            lanes.append([(caption(number, index, voiced=voiced), b"")])
            if voiced:
                chunks = [
                    (chunk(number, index, seq, last=False), tone(number * 31 + index + seq, size))
                    for seq, size in enumerate(sizes)
                ]
                lanes.append([*chunks, (chunk(number, index, len(sizes)), b"")])
    order: list[Any] = []
    while lanes:
        lane = lanes[data.draw(st.integers(0, len(lanes) - 1))]
        order.append(lane.pop(0))
        lanes = [left for left in lanes if left]
    return order


def expected(turn: list[tuple[list[int], bool]], number: int) -> bytes:
    return b"".join(
        tone(number * 31 + index + seq, size)
        for index, (sizes, voiced) in enumerate(turn)
        if voiced
        for seq, size in enumerate(sizes)
    )


@settings(max_examples=150, deadline=None)
@given(turns=st.lists(turn_sounds, min_size=1, max_size=3), data=st.data())
def test_any_arrival_gives_the_same_sound(turns: Any, data: st.DataObject) -> None:
    stage = Stage()
    # a turn nobody has announced cannot be waited for: the first message of each comes in order
    for number in range(1, len(turns) + 1):
        stage.give(TurnEnd(turn=number, clauses=len(turns[number - 1])))
    for message, pcm in script(turns, data):
        stage.give(message, pcm)
        stage.run(data.draw(st.integers(0, 300)) * MS)
    stage.finish()
    for number, turn in enumerate(turns, start=1):
        assert stage.pcm(Heard, number) == expected(turn, number)
        assert stage.pcm(Sound, number) == expected(turn, number)
    done = [p.turn for p in stage.of(Playback) if p.kind == "done"]
    assert done == list(range(1, len(turns) + 1))
    order = [s.turn for s in stage.of(Sound)]
    assert order == sorted(order)
    consumed: dict[int, list[int]] = defaultdict(list)
    for credit in stage.of(AudioCredit):
        consumed[credit.turn].append(credit.consumed)
    for number, turn in enumerate(turns, start=1):
        total = len(expected(turn, number)) // 2
        assert consumed[number] == sorted(set(consumed[number]))
        assert consumed[number][-1:] == ([total] if total else [])


@settings(max_examples=200, deadline=None)
@given(turns=st.lists(turn_sounds, min_size=1, max_size=3), data=st.data())
def test_cancelling_at_any_moment(turns: Any, data: st.DataObject) -> None:
    stage = Stage()
    messages = script(turns, data)
    cut = data.draw(st.integers(0, len(messages)))
    victim = data.draw(st.integers(1, len(turns)))
    up_to = data.draw(st.booleans())
    given_samples: dict[int, int] = defaultdict(int)
    for index, (message, pcm) in enumerate(messages):
        if index == cut:
            stage.run(data.draw(st.integers(0, 900)) * MS)
            stage.cancel(victim, up_to=up_to)
            mark = len(stage.log)
        stage.give(message, pcm)
        given_samples[message.turn] += len(pcm) // 2
        stage.run(data.draw(st.integers(0, 200)) * MS)
    if cut == len(messages):
        stage.cancel(victim, up_to=up_to)
        mark = len(stage.log)
    stage.finish()
    dead = set(range(1, victim + 1)) if up_to else {victim}
    after = [output for _, output in stage.log[mark:]]
    assert not [o for o in after if getattr(o, "turn", 0) in dead]
    for number in range(1, len(turns) + 1):
        heard = stage.pcm(Heard, number)
        handed = stage.pcm(Sound, number)
        assert handed.startswith(heard)
        assert len(heard) // 2 <= given_samples[number]
        ends = [p.kind for p in stage.of(Playback) if p.turn == number]
        assert ends.count("done") + ends.count("stopped") <= 1
        for stopped in (p for p in stage.of(Playback) if p.kind == "stopped"):
            assert 0.0 <= stopped.heard <= 1.0
    assert stage.playout.deadline_ns() is None
