"""Turning her voice down, and where her mouth is on the playout clock."""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_playout import MS, RATE, S, Stage, caption, chunk
from test_stop_soon import words

from ipc.protocol import TurnEnd
from workers.stage.gain import Ramp
from workers.stage.mouth import RATE_HZ, Mouth, Track
from workers.stage.outputs import Sound

FRAME_NS = S / RATE_HZ


def level(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


def test_ramp_is_a_line_and_goes_on_from_where_it_is() -> None:
    down = Ramp().to(0.2, 10 * S, 0.1)
    assert [down.at(10 * S + at * MS) for at in (-5, 0, 50, 100, 5000)] == pytest.approx(
        [1.0, 1.0, 0.6, 0.2, 0.2]
    )
    up = down.to(1.0, 10 * S + 50 * MS, 0.0)
    assert up.at(10 * S + 50 * MS) == 1.0
    slow = down.to(1.0, 10 * S + 50 * MS, 0.1)
    assert slow.at(10 * S + 100 * MS) == pytest.approx(0.8)


def test_sound_at_full_gain_is_the_same_sound() -> None:
    pcm = struct.pack("<4h", 1, -2, 32767, -32768)
    assert Ramp().apply(pcm, RATE, S) is pcm
    ended = Ramp().to(0.5, 0, 0.1).to(1.0, S, 0.1)
    assert ended.apply(pcm, RATE, 2 * S) is pcm
    assert ended.apply(b"", RATE, S) == b""


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 2400), gain=st.floats(0, 1))
def test_a_stretch_may_be_cut_anywhere(cut: int, gain: float) -> None:
    """The records, the device's thread and the page cut differently, and must agree."""
    ramp = Ramp().to(gain, S, 0.05)
    pcm = struct.pack("<2400h", *[10_000] * 2400)
    whole = level(ramp.apply(pcm, RATE, S))
    parts = level(ramp.apply(pcm[: 2 * cut], RATE, S)) + level(
        ramp.apply(pcm[2 * cut :], RATE, S + cut * S // RATE)
    )
    assert max(abs(a - b) for a, b in zip(whole, parts, strict=True)) <= 1
    assert whole[0] == pytest.approx(10_000, abs=1)
    assert whole[-1] == pytest.approx(10_000 * gain, abs=1)
    assert all(abs(b - a) <= 12 for a, b in pairwise(whole))  # no click


# --- the mouth -------------------------------------------------------------------------------


def spoken(pcm: bytes, sizes: list[int], waits_ms: list[int]) -> tuple[list[Sound], list[Track]]:
    """Play one clause that arrives in pieces; what went to the sinks, and the mouth to it."""
    stage = Stage()
    stage.give(caption(1, 0, persona="nova", emotion="happy"))
    start = 0
    pieces = [*sizes, len(pcm) // 2 - sum(sizes)]
    for seq, (size, wait_ms) in enumerate(zip(pieces, [*waits_ms, 0], strict=True)):
        last = seq == len(pieces) - 1
        stage.give(chunk(1, 0, seq, last), pcm[2 * start : 2 * (start + size)])
        start += size
        stage.run(wait_ms * MS)
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.finish()
    mouth = Mouth()
    sounds = stage.of(Sound)
    return sounds, [track for sound in sounds for track in mouth.sound(sound)]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6000), max_size=4),
    waits=st.lists(st.integers(0, 700), min_size=4, max_size=4),
)
def test_every_frame_lies_in_the_sound_that_plays_then(sizes: list[int], waits: list[int]) -> None:
    pcm = words(4)
    sounds, tracks = spoken(pcm, sizes, waits[: len(sizes)])
    count = sum(len(track.rows) for track in tracks)
    assert count == -(-len(pcm) // 2 * 60 // RATE)
    number = 0
    for track in tracks:
        assert (track.turn, track.clause, track.persona, track.emotion) == (1, 0, "nova", "happy")
        for k in range(len(track.rows)):
            sample = min(len(pcm) // 2 - 1, int((number + 0.5) * RATE / RATE_HZ))
            sound = next(s for s in sounds if s.offset <= sample < s.offset + len(s.pcm) // 2)
            due_ns = sound.at_ns + (sample - sound.offset) * S / RATE
            assert track.at_ns + (k + 0.5) * FRAME_NS == pytest.approx(due_ns, abs=FRAME_NS)
            number += 1


def test_frames_are_known_before_their_sound_is_due() -> None:
    stage = Stage()
    stage.give(caption(1, 0))
    stage.give(chunk(1, 0), words(8))
    stage.give(TurnEnd(turn=1, clauses=1))
    stage.finish()
    mouth = Mouth()
    for at_ns, sound in stage.log:
        if isinstance(sound, Sound):
            for track in mouth.sound(sound):
                assert track.at_ns >= at_ns
    assert mouth.finished(1, 0) == []  # the last stretch said that it is the last


def test_mouth_opens_with_the_words_and_closes_between_and_after() -> None:
    _, tracks = spoken(words(4), [], [])
    opening = np.concatenate([track.rows[:, 5] for track in tracks])
    at = (np.arange(len(opening)) + 0.5) / RATE_HZ
    inside = at % 0.36 < 0.3
    assert opening[inside].mean() > 1.5 * opening[~inside].mean()
    assert opening[-1] == 0.0


def test_a_clause_nobody_saw_the_end_of_is_closed_when_it_was_heard() -> None:
    mouth = Mouth()
    pcm = words(1)
    first = mouth.sound(Sound(1, 0, 0, RATE, pcm, 5 * S, 0))
    rest = mouth.finished(1, 0)
    rows = np.concatenate([track.rows for track in first + rest])
    assert len(rows) == -(-len(pcm) // 2 * 60 // RATE)
    assert rows[-1, 5] == 0.0
    mouth.sound(Sound(1, 1, 0, RATE, pcm, 6 * S, 0))
    assert mouth.finished(1, 0) == []
    mouth.stop()
    assert mouth.finished(1, 1) == []
