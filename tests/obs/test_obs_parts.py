"""obs: the decisions, without a socket."""

from __future__ import annotations

import math

import pytest
from obs_rig import SCENES, Told

from ipc.protocol import Cancel, ClauseEvent, ShowEvent, TraceEvent
from ipc.states import TurnOutcome
from workers.obs import sentences
from workers.obs.programme import (
    AWAY_S,
    CAPTION_EVERY_S,
    Air,
    Captions,
    Programme,
    Scenes,
)
from workers.obs.protocol import Challenge, Malformed, authentication, decode
from workers.obs.report import TOLD_S, Report
from workers.obs.stream import StreamStatus, describe


def clause(turn: int, number: int, text: str, verdict: str = "allow") -> ClauseEvent:
    return ClauseEvent(
        turn=turn, clause=number, speaker="Nova", text=text, heard=0.0, verdict=verdict
    )


def trace(turn: int) -> TraceEvent:
    return TraceEvent(
        turn=turn, outcome=TurnOutcome.PLAYED, source="chat", spans_ms={}, reply="", generated=""
    )


def show(*, held: bool) -> ShowEvent:
    return ShowEvent(held=held, muted=False, persona="nova", personas=["nova"])


# --- the protocol ---


def test_the_proof_of_the_password() -> None:
    """The protocol document's password, salt and challenge."""
    given = Challenge(
        challenge="+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=",
        salt="lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=",
    )
    proof = authentication("supersecretpassword", given)
    assert proof == "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="


@pytest.mark.parametrize("frame", ["", "[]", "{}", '{"op":"0"}', "nonsense", '{"op":'])
def test_garbage_is_malformed(frame: str) -> None:
    with pytest.raises(Malformed):
        decode(frame)


def test_every_refusal_has_a_sentence() -> None:
    for code in (204, 207, 300, 500, 501, 600, 602, 604, 702, 703, 999):
        text, _ = sentences.refused("SetSomething", code, "because")
        assert "SetSomething" in text
    assert "because" in sentences.refused("SetSomething", 205, "because")[0]
    for code in (None, 1000, 1001, 1006, 4000, 4007, 4010, 4012):
        assert sentences.closed(code)[0]


# --- what OBS is to show ---


def test_held_and_on_air() -> None:
    it = Programme()
    assert it.state(0.0) is None
    it.hear(show(held=True))
    assert it.state(0.0) is Air.HELD
    it.hear(show(held=False))
    assert it.state(0.0) is Air.ON_AIR
    it.end()
    assert it.state(0.0) is Air.BREAK


def test_a_director_that_is_away_for_long_is_a_break() -> None:
    it = Programme()
    it.hear(show(held=False))
    it.hear(clause(1, 0, "Well,"))
    it.director(serves=False, now_s=100.0)
    assert it.caption == ""
    assert (it.state(100.0), it.due_s(100.0)) == (Air.ON_AIR, 100.0 + AWAY_S)
    it.director(serves=False, now_s=103.0)  # backoff, starting: still the same absence
    assert it.state(100.0 + AWAY_S) is Air.BREAK
    assert it.due_s(100.0 + AWAY_S) == math.inf
    it.director(serves=True, now_s=110.0)
    assert (it.state(110.0), it.due_s(110.0)) == (Air.ON_AIR, math.inf)


def test_captions_follow_the_clauses_and_end_with_the_turn() -> None:
    it = Programme()
    it.hear(clause(7, 0, "Hello,"))
    it.hear(clause(7, 0, "Hello,"))
    it.hear(clause(7, 1, "never said", verdict="drop"))
    assert it.caption == "Hello,"
    it.hear(clause(7, 2, "a [beep] friend.", verdict="mask"))
    assert it.caption == "a [beep] friend."
    it.hear(trace(8))  # prepared in vain
    assert it.caption == "a [beep] friend."
    it.hear(trace(7))
    assert it.caption == ""


@pytest.mark.parametrize(
    ("cancel", "left"),
    [
        (Cancel(turn=7), ""),
        (Cancel(turn=9, up_to=True), ""),
        (Cancel(turn=6, up_to=True), "one"),
        (Cancel(turn=8), "one"),
    ],
)
def test_a_cut_turn_leaves_no_caption(cancel: Cancel, left: str) -> None:
    it = Programme()
    it.hear(clause(7, 0, "one"))
    it.cut(cancel)
    assert it.caption == left
    it.hear(clause(7, 0, "one"))  # how much of it was heard: told after the cut
    assert it.caption == left


def test_a_scene_is_changed_once_for_each_change_of_the_show() -> None:
    scenes = Scenes(SCENES)
    assert scenes.wanted(None) == ""
    assert scenes.wanted(Air.HELD) == "Pause"
    scenes.done(Air.HELD)
    assert scenes.wanted(Air.HELD) == ""
    assert scenes.wanted(Air.ON_AIR) == "Live"
    assert Scenes({Air.ON_AIR: "", Air.HELD: "", Air.BREAK: ""}).wanted(Air.HELD) == ""


def test_captions_are_paced_and_the_newest_wins() -> None:
    captions, now_s, sent = Captions(), 0.0, []
    for step in range(1000):  # a new text every 10 ms, for 10 s
        now_s = step / 100
        if captions.wanted(f"text {step}", now_s):
            captions.sent(f"text {step}", now_s)
            sent.append(now_s)
    assert len(sent) <= 10 / CAPTION_EVERY_S + 1
    assert captions.due_s("text 999") <= now_s + CAPTION_EVERY_S
    captions.sent("x", now_s)
    assert captions.due_s("x") == math.inf
    captions.forget()
    assert captions.wanted("x", now_s)


# --- the stream ---


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (StreamStatus(output_active=False), "not live"),
        (
            StreamStatus(output_active=True, output_duration=5_025_999, output_congestion=0.034),
            "live 01:23:45, congestion 3 %",
        ),
        (
            StreamStatus(output_active=True, output_duration=360_000_000, output_congestion=7.0,
                         output_skipped_frames=12, output_total_frames=3600),
            "live 100:00:00, congestion 100 %, 12 of 3600 frames skipped",
        ),
        (
            StreamStatus(output_active=True, output_reconnecting=True, output_duration=61_000),
            "reconnecting after 00:01:01",
        ),
    ],
)  # fmt: skip
def test_the_stream_in_words(status: StreamStatus, text: str) -> None:
    assert describe(status) == text


# --- what the operator is told ---


async def test_obs_that_was_never_there_is_no_problem() -> None:
    told = Told()
    report = Report(told, "localhost:4455", lambda: 0.0)
    for _ in range(50):
        report.away("OBS is not there", "start it")
    assert told.notices == [("info", "OBS is not there", "start it")]
    assert told.problems == []
    assert told.rows[-1] == {"OBS": "not there"}


async def test_a_connection_that_flaps_is_told_once_a_minute() -> None:
    told, now_s = Told(), 0.0
    report = Report(told, "localhost:4455", lambda: now_s)
    report.here("32.0")
    assert told.notices == [("info", "OBS 32.0 at localhost:4455 is connected", "")]
    for _ in range(120):
        now_s += 1.0
        report.away("the connection broke off", "")
        assert told.problem_now == "the connection broke off"
        report.here("32.0")
        assert told.problem_now == ""
    warnings = [text for level, text, _ in told.notices if level == "warning"]
    assert len(warnings) <= 120 / TOLD_S + 1
    assert len(told.notices) == 2 * len(warnings) + 1


async def test_what_is_missing_is_said_once_and_shown_until_it_is_there() -> None:
    told = Told()
    report = Report(told, "localhost:4455", lambda: 0.0)
    report.here("32.0")
    for _ in range(3):
        report.lacks("scenes", "OBS has no scene 'X'", "there is 'Y'")
    report.lacks("caption", "OBS has no source 'Z'")
    assert told.problem_now == "OBS has no scene 'X'; OBS has no source 'Z'"
    assert len([n for n in told.notices if n[0] == "warning"]) == 2
    report.lacks("scenes", "")
    report.lacks("caption", "")
    assert told.problem_now == ""
