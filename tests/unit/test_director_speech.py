"""Category unit: turn taking. What she does when people speak, told by a whole simulated show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from director_simulation import MS, S, Simulation, config

from ipc.config import SpeechSection
from ipc.errors import RequestFailed
from ipc.protocol import (
    Caption,
    ChatOutcomeEvent,
    Duck,
    Generate,
    Playing,
    Remember,
    ShowEvent,
    SpeechFinal,
    SpeechIgnored,
    SpeechPartial,
    SpeechStarted,
    StopSoon,
    Synthesise,
    Taken,
    TurnEvent,
)
from ipc.states import ShowMode, TurnOutcome, WorkerState
from workers.director.bargein import Floor

LONG = (
    "Well, let me tell you a long story about the sea. It begins with a small boat and a cat. "
    "The cat could sail better than anybody else in town. Nobody knew where it had learned that."
)


def make(path: Path, **speech: Any) -> Simulation:
    show = Simulation(path, config(idle_after_s=0.0, speech=SpeechSection(**speech))).start()
    show.reply, show.memories = LONG, []
    return show


def talking(path: Path, **speech: Any) -> Simulation:
    """She is in the middle of a long reply to chat."""
    show = make(path, **speech)
    show.chat("tell me a story", author="Cleo")
    show.run_until(lambda s: bool(s.core.turns) and s.core.turns[0].audible)
    show.run_for(1.3)
    return show


def gains(show: Simulation) -> list[float]:
    return [message.gain for message in show.sent_to("stage", Duck)]


def opened(show: Simulation) -> list[tuple[str, str]]:
    return [(event.source, event.author) for event in show.of(TurnEvent)]


def replies(show: Simulation) -> list[str]:
    """Of the turns that had a sound, as they were heard."""
    return [trace.reply for trace in show.traces if trace.reply]


def first_sound_ns(show: Simulation, turn: int) -> int:
    return min(since for number, since, _until in show.sounded if number == turn)


# --- over her ---


def test_she_stops_at_the_end_of_a_word_for_somebody_who_goes_on(tmp_path: Path) -> None:
    show = talking(tmp_path)
    speech = show.speak("wait a second Nova what was its name", source="Ann")
    show.reply = "Her name was Mia."
    show.run_until(lambda s: len(s.traces) == 2)
    cut, answer = show.traces
    assert cut.outcome is TurnOutcome.SKIPPED
    assert cut.reason == "interrupted by Ann"
    assert cut.reply.endswith("—")
    assert cut.reply.rstrip("—").split() == " ".join(show.heard[cut.turn]).rstrip(",.").split()
    assert cut.stopped_ns - speech.began_ns < 2 * S
    assert answer.source == "speech"
    assert answer.reply == "Her name was Mia."
    assert [message.turn for message in show.sent_to("stage", StopSoon)] == [cut.turn]
    assert (cut.turn, False) in show.cancels, "what was in the making is thrown away"


def test_her_voice_is_ducked_at_once_and_comes_back(tmp_path: Path) -> None:
    show = talking(tmp_path)
    speech = show.speak("excuse me a moment please")
    show.run_for(0.11)
    assert gains(show) == [1.0, 0.3]
    assert show.now - speech.began_ns < 150 * MS
    show.run_until(lambda s: len(s.traces) == 2)
    assert gains(show) == [1.0, 0.3, 1.0]
    assert show.stage.gain == 1.0


def test_what_was_heard_of_the_interrupted_reply_is_in_the_prompt_of_the_next(
    tmp_path: Path,
) -> None:
    show = talking(tmp_path)
    show.speak("stop stop tell me about the boat", source="Ann")
    show.run_until(lambda s: len(s.traces) == 2)
    generate = show.sent_to("llm", Generate)[-1]
    *_, question, cut, asked = generate.prompt
    assert question.content == 'Cleo: "tell me a story"'
    assert cut.content == show.traces[0].reply
    assert asked.content == 'Ann says: "stop stop tell me about the boat"'


@pytest.mark.parametrize("sound", ["mhm", "Haha!", "hahahaha", "Hmmm...", "uh-huh", "OK, okay."])
def test_a_sign_of_listening_stops_nobody_and_gets_no_reply(tmp_path: Path, sound: str) -> None:
    show = talking(tmp_path)
    show.speak(sound, word_s=1.0)
    show.run_until(lambda s: len(s.traces) == 1)
    show.run_for(2)
    assert show.traces[0].outcome is TurnOutcome.PLAYED
    assert show.traces[0].reply == LONG
    assert gains(show) == [1.0, 0.3, 1.0]
    assert len(show.traces) == 1
    assert not show.sent_to("stage", StopSoon)


def test_a_cough_is_a_false_alarm(tmp_path: Path) -> None:
    show = talking(tmp_path)
    cough = show.speak("khrm", ignored="noise")
    show.run_until(lambda _s: cough.told_ns != 0)
    assert gains(show) == [1.0, 0.3, 1.0]
    show.run_until(lambda s: len(s.traces) == 1)
    assert show.traces[0].reply == LONG


def test_one_short_word_does_not_stop_her_and_is_answered_after(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.speak("Really?", word_s=0.4, silence_ms=200, final_ms=50)
    show.run_until(lambda s: len(s.traces) == 2)
    assert show.traces[0].reply == LONG
    assert show.traces[1].source == "speech"


def test_one_word_drawn_out_is_going_on(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.speak("Novaaa", word_s=0.9)
    show.run_until(lambda s: len(s.traces) == 2)
    assert show.traces[0].reason == "interrupted by Ann"


def test_finish_ends_with_the_clause(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="finish")
    sounding = show.core.turns[0].sounding
    assert sounding is not None
    show.speak("wait a second Nova")
    show.run_until(lambda s: bool(s.traces))
    cut = show.traces[0]
    clauses = [c.text for c in show.sent_to("stage", Caption) if c.turn == cut.turn]
    assert cut.outcome is TurnOutcome.SKIPPED
    assert show.heard[cut.turn] == " ".join(clauses[: sounding + 1]).split()
    assert cut.reply == " ".join(clauses[: sounding + 1]).rstrip(".,") + "—"
    assert cut.stopped_ns - show.sounded[sounding][2] < 5 * MS
    assert not show.sent_to("stage", StopSoon)


def test_finish_in_the_last_clause_cuts_nothing(tmp_path: Path) -> None:
    show = make(tmp_path, policy="finish")
    show.reply = "All of it is one clause which takes its time to be said"
    show.chat("hi")
    show.run_until(lambda s: bool(s.core.turns) and s.core.turns[0].sounding == 1)
    show.speak("wait a second Nova")
    show.run_until(lambda s: len(s.traces) == 2)
    assert show.traces[0].outcome is TurnOutcome.PLAYED
    assert show.traces[0].reply == show.reply


def test_duck_goes_on_more_quietly_and_answers_after(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="duck")
    speech = show.speak("I think that cat was mine you know")
    show.run_until(lambda _s: speech.told_ns != 0)
    assert gains(show) == [1.0, 0.3, 1.0]
    show.run_until(lambda s: len(s.traces) == 2)
    assert [(t.source, t.outcome) for t in show.traces] == [
        ("chat", "played"),
        ("speech", "played"),
    ]


def test_ignore_takes_no_notice_but_answers(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="ignore")
    show.speak("I think that cat was mine you know")
    show.run_until(lambda s: len(s.traces) == 2)
    assert gains(show) == [1.0]
    assert [(t.source, t.outcome) for t in show.traces] == [
        ("chat", "played"),
        ("speech", "played"),
    ]


def test_the_policy_is_switched_by_the_operator_and_kept(tmp_path: Path) -> None:
    show = talking(tmp_path)
    assert show.of(ShowEvent)[-1].barge == "stop"
    assert show.core.set_barge(" Duck ") == "duck"
    assert show.of(ShowEvent)[-1].barge == "duck"
    with pytest.raises(RequestFailed, match="no policy 'shout'"):
        show.core.set_barge("shout")
    again = Simulation(tmp_path, show.settings).start()
    assert again.of(ShowEvent)[-1].barge == "duck"


def test_a_policy_switched_while_somebody_speaks_counts_at_once(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="duck")
    show.speak("I think that cat was mine you know and I would like it back")
    show.run_for(1.5)
    assert show.stage.gain == 0.3
    show.core.set_barge("ignore")
    assert show.stage.gain == 1.0
    show.core.set_barge("stop")
    assert show.stage.gain == 0.3
    show.run_until(lambda s: bool(s.traces))
    assert show.traces[0].reason == "interrupted by Ann"


def test_a_stage_that_does_not_stop_is_cut(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.silent.add("stage")
    show.speak("wait a second Nova what")
    show.run_until(lambda s: bool(s.sent_to("stage", StopSoon)))
    turn = show.core.turns[0].number
    asked_ns = show.now
    show.run_until(lambda s: not s.fence.allows(turn))
    assert show.now - asked_ns <= 0.66 * S


def test_skip_does_not_wait_for_the_end_of_the_word(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="finish")
    show.speak("wait a second Nova what")
    show.run_until(lambda s: s.core.turns[0].ending is not None)
    turn = show.core.skip()
    assert not show.fence.allows(turn)
    show.run_until(lambda s: bool(s.traces))
    assert show.traces[0].reason == "skipped by the operator"


def test_two_people_speak_and_both_are_answered(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.reply = "I see."
    show.speak("wait a second I have a question", source="Ann")
    show.run_for(0.5)
    bob = show.speak("and I have another one for you", source="Bob")
    show.run_until(lambda s: len(s.traces) == 3)
    assert opened(show) == [("chat", "Cleo"), ("speech", "Ann"), ("speech", "Bob")]
    assert first_sound_ns(show, show.traces[1].turn) > bob.told_ns, "not while Bob speaks"
    assert show.stage.gain == 1.0


def test_one_of_two_coughs_and_the_other_still_speaks(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="duck")
    show.speak("a rather long sentence about nothing at all really", source="Ann")
    show.speak("khrm", source="Bob", ignored="noise")
    show.run_for(1.5)
    assert show.stage.gain == 0.3
    show.run_for(2.5)
    assert show.stage.gain == 1.0


# --- when she is silent ---


def test_speech_goes_before_console_and_chat(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Hello there."
    speech = show.speak("hello Nova how are you", source="Ann")
    show.run_for(0.5)
    show.chat("hi from the console")
    show.chat("hi from chat", platform="twitch", author="Cleo")
    show.run_until(lambda s: len(s.traces) == 3)
    assert [source for source, _ in opened(show)] == ["speech", "chat", "chat"]
    assert first_sound_ns(show, show.traces[0].turn) > speech.told_ns


def test_a_reply_that_is_being_written_waits_for_who_speaks(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Hello Cleo."
    show.chat("hi", author="Cleo")
    show.run_for(0.02)
    cough = show.speak("khrm", ignored="noise", final_ms=800)
    show.run_until(lambda s: len(s.traces) == 1)
    assert len(opened(show)) == 1, "it is the same reply"
    assert first_sound_ns(show, show.traces[0].turn) >= cough.told_ns


def test_a_reply_about_to_sound_is_asked_again_after_who_speaks(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Hello Cleo."
    line = show.chat("hi", author="Cleo")
    show.run_until(lambda s: bool(s.sent_to("tts", Synthesise)))
    show.made_ms = 500.0
    speech = show.speak("let me say something first", vad_ms=5)
    show.run_until(lambda s: s.outcome(line) == "played")
    assert opened(show) == [("chat", "Cleo"), ("speech", "Ann"), ("chat", "Cleo")]
    assert all(since >= speech.told_ns for _turn, since, _until in show.sounded)


def test_what_the_operator_says_waits_for_nobody(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.speak("a rather long sentence about nothing at all really", source="Ann")
    show.run_for(0.6)
    show.core.say("Please hold the line.", show.now)
    show.run_until(lambda s: bool(s.traces))
    assert show.traces[0].reply == "Please hold the line."
    assert show.traces[0].outcome is TurnOutcome.PLAYED
    assert 0.3 in gains(show), "but not over them"
    show.run_until(lambda s: len(s.traces) == 2)
    assert show.traces[1].source == "speech"


def test_the_operator_goes_before_a_reply_that_waits(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.chat("hi", author="Cleo")
    show.speak("a rather long sentence about nothing at all really", source="Ann", vad_ms=10)
    show.run_for(1.0)
    assert show.core.turns, "a reply to chat is written, and waits"
    show.core.say("Please hold the line.", show.now)
    show.run_until(lambda s: bool(s.heard))
    assert show.traces[-1].source == "chat"
    assert show.core.turns[0].candidate.source == "operator"


def test_chat_waits_a_little_after_somebody_spoke(tmp_path: Path) -> None:
    show = make(tmp_path, after_s=0.8, early=False)
    show.core.hold("by hand")
    speech = show.speak("that is that then")
    show.run_until(lambda _s: speech.told_ns != 0)
    show.core.spoken.clear()
    show.core.release()
    show.chat("hi", author="Cleo")
    show.run_until(lambda s: bool(s.of(TurnEvent)))
    assert 0.8 * S <= show.now - speech.told_ns < 0.81 * S


def test_nobody_keeps_her_silent_for_ever(tmp_path: Path) -> None:
    show = make(tmp_path, max_wait_s=5.0)
    show.reply = "Hello Cleo."
    speech = show.speak(" ".join(["word"] * 200))
    show.run_for(1.0)
    show.chat("hi", author="Cleo")
    show.run_until(lambda s: bool(s.traces) and s.traces[-1].outcome == "played")
    assert 5 * S <= show.now - speech.began_ns < 8 * S
    assert show.traces[-1].source == "chat"
    assert set(gains(show)) == {1.0}, "it is background now"
    show.speak("but I am new here and short", source="Bob")
    show.run_until(lambda s: s.traces[-1].source == "speech")


def test_noises_in_a_row_do_not_put_a_reply_off_for_ever(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply, show.made_ms = "Hello Cleo.", 150.0
    line = show.chat("hi", author="Cleo")
    for k in range(300):
        show.after(
            k * 100.0,
            lambda: show.speak("x", word_s=0.01, ignored="key", vad_ms=1, silence_ms=5, final_ms=5),
        )
    show.run_until(lambda s: s.outcome(line) == "played", within_s=20)
    assert len(opened(show)) <= 2


def test_who_goes_on_before_the_answer_is_answered_as_a_whole(tmp_path: Path) -> None:
    show = make(tmp_path, early=False)
    show.reply = "I love both."
    show.first_token_ms = 1500.0
    show.speak("do you like tea")
    show.run_until(lambda s: bool(s.of(TurnEvent)))
    show.speak("or do you like coffee")
    show.run_until(lambda s: bool(s.traces) and s.traces[-1].outcome == "played")
    assert [t.outcome for t in show.traces] == ["skipped", "played"]
    asked = show.sent_to("llm", Generate)[-1].prompt[-1].content
    assert asked == 'Ann says: "do you like tea or do you like coffee"'
    assert len(show.traces[-1].message_ids) == 2


def test_it_is_remembered_like_chat_and_with_control_characters_gone(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Green tea."
    show.speak("which\x00 tea\x1b[31m do\n you drink", source="Ann\x07")
    show.run_until(lambda s: len(s.traces) == 1)
    (remembered,) = show.sent_to("memory", Remember)
    assert (remembered.platform, remembered.author, remembered.author_id) == (
        "voice", "Ann", "voice:ann",
    )  # fmt: skip
    assert remembered.text == "which tea [31m do you drink"
    assert not show.sent_to("chat", Taken), "chat never had it"


def test_a_long_monologue_is_bounded_and_keeps_its_end(tmp_path: Path) -> None:
    show = make(tmp_path, early=False)
    show.reply = "Yes."
    show.speak(" ".join(["word"] * 300) + " and what is your favourite tea", word_s=0.01)
    show.run_until(lambda s: len(s.traces) == 1)
    asked = show.sent_to("llm", Generate)[-1].prompt[-1].content
    assert len(asked) < 550
    assert asked.endswith('what is your favourite tea"')


def test_more_than_can_be_answered_is_passed_over(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.core.hold("by hand")
    for k in range(10):
        show.speak("one two three", source=f"Guest {k}")
    show.run_for(3)
    outcomes = list(show.core.reports.outcomes.values())
    assert [o["reason"] for o in outcomes] == ["too much was said before it was answered"] * 2
    show.run_for(40)
    assert len(show.core.reports.outcomes) == 10
    assert {o["outcome"] for o in show.core.reports.outcomes.values()} == {"shed"}


def test_in_approval_mode_the_reply_waits_for_a_person(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Green tea."
    show.core.set_mode("approval")
    show.speak("which tea do you drink")
    show.run_until(lambda s: bool(s.core.approvals.waiting))
    (item,) = show.core.approvals.waiting
    assert (item.source, item.shown().author) == ("speech", "Ann")
    show.run_until(lambda s: bool(s.traces))
    assert show.traces[-1].outcome is TurnOutcome.HELD
    assert show.core.show.mode is ShowMode.APPROVAL
    show.core.approve(item.id)
    show.run_until(lambda s: len(s.traces) == 2)
    assert show.traces[-1].reply == "Green tea."
    assert show.core.history.of("nova")[-1].author == "Ann"


def test_dump_clears_what_was_said_and_hold_keeps_it_waiting(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.core.hold("by hand")
    show.speak("which tea do you drink")
    show.run_for(3)
    assert opened(show) == []
    assert show.core.dump() == 1
    show.core.release()
    show.run_for(3)
    assert opened(show) == []


def test_dump_in_the_middle_of_an_interruption(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.speak("wait a second Nova what")
    show.run_until(lambda s: bool(s.sent_to("stage", StopSoon)))
    show.core.dump()
    show.run_for(1)
    assert show.core.turns == []
    assert show.stage.gain == 1.0
    assert show.traces[0].reason == "dumped by the operator"


# --- what is lost ---


def test_stt_lost_in_the_middle_of_an_utterance_ends_it(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="duck")
    show.speak("a rather long sentence about nothing at all really")
    show.run_for(1.0)
    assert show.stage.gain == 0.3
    show.lose("stt")
    assert show.stage.gain == 1.0
    show.run_until(lambda s: len(s.traces) == 1)
    assert show.traces[0].reply == LONG
    show.recover("stt")
    show.speak("here I am again")
    show.run_until(lambda s: len(s.traces) == 2)


def test_a_stage_that_comes_back_is_told_how_loud_she_is(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="duck")
    show.speak("a rather long sentence about nothing at all really")
    show.run_for(1.0)
    show.lose("stage")
    assert show.stage.gain == 1.0
    show.core.say("Please hold the line.", show.now)
    show.recover("stage")
    show.run_for(0.1)
    assert gains(show) == [1.0, 0.3, 0.3], "also if it is the same again"
    show.run_until(lambda s: s.core.turns == [])
    assert show.stage.gain == 1.0


def test_an_end_that_is_never_told_does_not_keep_her_quiet(tmp_path: Path) -> None:
    show = talking(tmp_path, policy="duck")
    show.deliver(SpeechStarted(source="Ann", utterance=1, at_ns=show.now))
    assert show.stage.gain == 0.3
    show.core.hold("so that only this reply is there")
    show.run_until(lambda s: s.core.turns == [])
    assert show.stage.gain == 1.0


def test_words_whose_start_was_lost_are_heard(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.deliver(SpeechPartial(source="Ann", utterance=7, text="wait a second"))
    show.run_until(lambda s: bool(s.traces))
    assert show.traces[0].reason == "interrupted by Ann"
    final = SpeechFinal(
        source="Ann", utterance=7, text="wait a second", started_ns=show.now, ended_ns=show.now
    )
    show.deliver(final)
    show.deliver(final)
    show.run_for(20)
    assert [source for source, _ in opened(show)] == ["chat", "speech"], "once, though told twice"


def test_words_that_come_after_the_end_keep_nobody_speaking(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.speak("mhm", silence_ms=0, final_ms=0)
    show.run_for(1)
    show.deliver(SpeechPartial(source="Ann", utterance=1, text="mhm"))
    show.chat("hi", author="Cleo")
    show.run_until(lambda s: bool(s.heard), within_s=5)


def test_a_reply_may_wait_longer_than_a_turn_may_be_stuck(tmp_path: Path) -> None:
    show = Simulation(tmp_path, config(idle_after_s=0.0, turn_timeout_s=3.0)).start()
    show.chat("hi", author="Cleo")
    show.speak("hm " * 40, ignored="a hum", vad_ms=1)
    show.run_until(lambda s: len(s.traces) == 1)
    assert show.traces[0].outcome is TurnOutcome.PLAYED


def test_a_reply_that_got_to_its_end_before_it_could_stop_was_played(tmp_path: Path) -> None:
    show = talking(tmp_path, stop_within_s=60.0)
    show.silent.add("stage")
    show.run_until(lambda s: s.core.turns[0].handed_over)
    show.silent.clear()
    show.run_until(lambda s: s.core.turns[0].end_sent)
    show.silent.add("stage")
    show.speak("wait a second Nova what")
    show.run_until(lambda s: bool(s.traces))
    assert show.sent_to("stage", StopSoon)
    assert (show.traces[0].outcome, show.traces[0].reply) == ("played", LONG)


def test_a_clock_elsewhere_is_not_believed(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Yes."
    show.deliver(SpeechStarted(source="Ann", utterance=1, at_ns=2**60))
    show.deliver(
        SpeechFinal(source="Ann", utterance=1, text="are you there", started_ns=0, ended_ns=2**60)
    )
    show.run_until(lambda s: len(s.traces) == 1)
    assert 0 < show.traces[0].spans_ms["chat_to_audio"] < 1000


# --- her own voice ---


def test_stt_is_told_what_is_heard_of_her(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Hello there, Cleo. It is good to see you."
    show.chat("hi", author="Cleo")
    show.run_until(lambda s: len(s.traces) == 1)
    said = [message.text for message in show.sent_to("tts", Synthesise)]
    assert [message.text for message in show.sent_to("stt", Playing)] == said


def test_nobody_is_told_where_there_is_no_stt(tmp_path: Path) -> None:
    show = Simulation(tmp_path)
    show.states["stt"] = WorkerState.DISABLED
    show.start()
    show.chat("hi", author="Cleo")
    show.run_until(lambda s: len(s.traces) == 1)
    assert not show.sent_to("stt", Playing)


# --- before the words are final ---


def test_a_reply_begun_early_is_heard_earlier(tmp_path: Path) -> None:
    latency: dict[bool, float] = {}
    for early in (False, True):
        (tmp_path / str(early)).mkdir()
        show = make(tmp_path / str(early), early=early)
        show.speak("which tea do you drink?")
        show.run_until(lambda s: bool(s.sounded))
        assert len(show.sent_to("llm", Generate)) == 1
        show.run_until(lambda s: len(s.traces) == 1)
        latency[early] = show.traces[0].spans_ms["chat_to_audio"]
        since_the_end_ns = first_sound_ns(show, 1) - show.speeches[0].ended_ns
        assert latency[early] == pytest.approx(since_the_end_ns / MS, abs=1)
    assert latency[False] - latency[True] >= 80, "recall and the model's first clause"


def test_a_reply_to_an_interruption_is_begun_when_she_has_stopped(tmp_path: Path) -> None:
    show = talking(tmp_path)
    show.reply = "Her name was Mia."
    words = "wait, what was her name?"
    show.deliver(SpeechStarted(source="Ann", utterance=1, at_ns=show.now))
    for _ in range(2):
        show.deliver(SpeechPartial(source="Ann", utterance=1, text=words))
    show.run_until(lambda s: len(s.sent_to("llm", Generate)) == 2)  # no partial comes any more
    assert show.traces[0].reason == "interrupted by Ann"
    show.deliver(
        SpeechFinal(source="Ann", utterance=1, text=words, started_ns=1, ended_ns=show.now)
    )
    show.run_until(lambda s: len(s.traces) == 2)
    assert show.traces[1].reply == "Her name was Mia."
    assert show.core.history.of("nova")[0].reply == show.traces[0].reply


def test_a_draft_is_not_heard_before_the_words_are_final(tmp_path: Path) -> None:
    show = make(tmp_path)
    speech = show.speak("which tea do you drink?", final_ms=3000.0)
    show.run_for(3.0)
    assert show.core.turns, "the reply is there"
    assert not show.sent_to("tts", Synthesise)
    show.run_until(lambda s: bool(s.traces))
    assert first_sound_ns(show, 1) > speech.told_ns
    assert len(opened(show)) == 1


def test_other_final_words_throw_the_draft_away(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = lambda generate: generate.prompt[-1].content[11:-1]
    speech = show.speak("which tea do you drink?", final_text="which key do you think?")
    show.run_until(lambda s: bool(s.traces) and s.traces[-1].outcome == "played")
    thrown, heard = show.traces
    assert (thrown.reason, thrown.reply) == ("the words changed", "")
    assert not show.fence.allows(thrown.turn)
    assert heard.reply == speech.text
    assert [event.outcome for event in show.of(ChatOutcomeEvent)] == ["played"]


def test_more_words_throw_the_draft_away(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Green tea."
    for at_ms, text in [(0, "do you drink tea?"), (200, "do you drink tea?"),
                        (400, "do you drink tea? Or coffee?")]:  # fmt: skip
        partial = SpeechPartial(source="Ann", utterance=1, text=text)
        show.after(at_ms, lambda partial=partial: show.deliver(partial))
    show.run_for(0.3)
    assert len(show.core.turns) == 1
    show.run_for(0.2)
    assert show.core.turns == []
    show.check_quiet()


def test_what_was_whispered_for_a_draft_is_there_for_the_reply(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.core.whisper("be kind")
    show.speak("which tea do you drink?", final_text="which key do you think?")
    show.run_until(lambda s: bool(s.traces) and s.traces[-1].outcome == "played")
    prompts = [generate.prompt[-1].content for generate in show.sent_to("llm", Generate)]
    assert [prompt.endswith("be kind") for prompt in prompts] == [True, True]


def test_words_that_end_after_the_reply_was_begun_have_no_negative_wait(tmp_path: Path) -> None:
    show = make(tmp_path)
    show.reply = "Green tea."
    begun_ns = show.now
    show.deliver(SpeechPartial(source="Ann", utterance=1, text="do you drink tea?", paused=True))
    show.run_for(0.5)
    show.deliver(
        SpeechFinal(
            source="Ann", utterance=1, text="do you drink tea", started_ns=1,
            ended_ns=begun_ns + 300 * MS,
        )
    )  # fmt: skip
    show.run_until(lambda s: len(s.traces) == 1)
    assert min(show.traces[0].spans_ms.values()) >= 0


@pytest.mark.parametrize("end", ["ignored", "lost", "dump", "hold"])
def test_a_draft_never_outlives_its_utterance(tmp_path: Path, end: str) -> None:
    show = make(tmp_path)
    ignored = "her own voice" if end == "ignored" else ""
    show.deliver(SpeechStarted(source="Ann", utterance=1, at_ns=show.now))
    for _ in range(2):
        show.deliver(SpeechPartial(source="Ann", utterance=1, text="do you drink tea?"))
    assert len(show.core.turns) == 1
    if ignored:
        show.deliver(SpeechIgnored(source="Ann", utterance=1, reason=ignored))
    elif end == "lost":
        show.lose("stt")
    elif end == "dump":
        show.core.dump()
    else:
        show.core.hold("by hand")
    show.run_for(0.1)
    show.check_quiet()
    assert not show.of(ChatOutcomeEvent)


# --- who speaks, by itself ---


def floor() -> Floor:
    return Floor(SpeechSection())


@pytest.mark.parametrize("at_ns", [0, 2**60])
def test_a_start_at_an_impossible_time_was_just_now(at_ns: int) -> None:
    who = floor().started("Ann", 1, at_ns, 100 * S)
    assert who.began_ns == 100 * S


def test_going_on_is_two_words_or_any_word_for_long() -> None:
    one = floor()
    who = one.started("Ann", 1, 100 * S, 100 * S)
    one.partial("Ann", 1, "Nova", "", 100 * S)
    assert not one.goes_on(who, 100 * S + 699 * MS)
    assert one.wake_ns(100 * S) == 100 * S + 700 * MS
    assert one.goes_on(who, 100 * S + 700 * MS)
    one.partial("Ann", 1, "mhm okay haha", "", 100 * S)
    assert not one.goes_on(who, 200 * S)
    one.partial("Ann", 1, "okay, Nova, listen", "", 100 * S)
    assert one.goes_on(who, 100 * S)


def test_words_are_steady_at_the_end_of_a_sentence_or_after_a_pause() -> None:
    one = floor()
    steady = []
    for text in ["do you", "do you drink tea?", "Do you drink tea?", "do you drink tea or",
                 "do you drink tea or", "do you drink tea or"]:  # fmt: skip
        who = one.partial("Ann", 1, text, "", 100 * S)
        assert who is not None
        steady.append(who.steady)
    assert steady == [False, False, True, False, False, True]
    who = one.partial("Ann", 1, "and coffee.", "and coffee.", 100 * S)
    assert who is not None
    assert who.steady, "two decodings agreed, as stt says"
    who = one.partial("Ann", 1, "and coffee and", "", 100 * S, paused=True)
    assert who is not None
    assert who.steady, "the voice has paused"


def test_overlapping_talk_without_end_is_given_way_to_once() -> None:
    one = floor()
    at = 100 * S
    one.started("Ann", 1, at, at)
    one.started("Bob", 1, at + 10 * S, at + 10 * S)
    one.ignored("Ann", 1, at + 12 * S)
    one.advance(at + 14 * S)
    assert one.taken
    assert one.wake_ns(at + 14 * S) == at + 15 * S
    one.advance(at + 15 * S)
    assert not one.taken, "Bob has begun before the time was up"
    one.started("Cleo", 1, at + 16 * S, at + 16 * S)
    one.advance(at + 20 * S)
    assert [who.source for who in one.speaking] == ["Cleo"]


def test_the_next_utterance_may_begin_before_the_last_has_its_words() -> None:
    one = floor()
    one.started("Ann", 1, S, S)
    second = one.started("Ann", 2, 3 * S, 3 * S)
    first = one.final("Ann", 1, "so far so good", S, 4 * S)
    assert first is not None
    assert first.began_ns == S
    assert one.speaking == [second]
    assert one.final("Ann", 1, "so far so good", S, 4 * S) is None
    assert one.ignored("Ann", 2, 5 * S) is second
    assert not one.taken


def test_a_source_that_comes_back_may_count_anew() -> None:
    one = floor()
    for at in (S, 100 * S):
        one.started("Ann", 1, at, at)
        assert one.partial("Ann", 1, "hello", "", at) is not None
        assert one.final("Ann", 1, "hello", at, at + S) is not None
        assert one.partial("Ann", 1, "hello", "", at + S) is None


def test_people_without_end_are_bounded() -> None:
    one = floor()
    for k in range(100):
        one.started(f"Guest {k}", 1, k, k)
        one.ignored(f"Guest {k}", 1, k)
        one.started(f"Quiet {k}", 1, k, k)
    assert len(one.speaking) <= 16
