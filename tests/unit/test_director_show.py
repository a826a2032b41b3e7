"""The director's decisions in a simulated show: turns, cuts, losses, commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from director_simulation import MS, REPLY, Simulation, config

from ipc.config import GateSection
from ipc.errors import RequestFailed
from ipc.protocol import (
    Caption,
    ClauseEvent,
    Generate,
    MemoryEvent,
    NoticeEvent,
    Prewarm,
    Remember,
    ShowEvent,
    Synthesise,
    TokenEvent,
)
from ipc.states import Finish, TurnOutcome, WorkerState

PHASES = {
    "recalling": lambda s: bool(s.core.turns),
    "generating": lambda s: bool(s.sent_to("llm", Generate)),
    "first clause": lambda s: bool(s.sent_to("tts", Synthesise)),
    "audible": lambda s: bool(s.of(ClauseEvent)),
    "second clause": lambda s: any(e.clause == 1 for e in s.of(ClauseEvent)),
    "next prepared": lambda s: len(s.core.turns) == 2,
    "next written": lambda s: len(s.core.turns) == 2 and s.core.turns[1].handed_over,
}


@pytest.fixture
def show(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path).start()


def at_phase(show: Simulation, phase: str) -> str:
    """Two viewers wrote; the show has come as far as ``phase``. The first line's id."""
    first = show.chat("hello")
    show.chat("how are you", "Bob", "second")
    show.run_until(PHASES[phase])
    return first


def test_a_line_is_answered_and_heard_to_its_end(show: Simulation) -> None:
    line = show.chat()
    show.run_for(30)
    show.check_quiet()
    (trace,) = show.traces
    assert trace.outcome is TurnOutcome.PLAYED
    assert trace.reply == trace.generated == REPLY
    assert show.outcome(line) == "played"
    (remembered,) = show.sent_to("memory", Remember)
    assert remembered.reply == REPLY
    assert show.core.history.of("nova")[0].reply == REPLY
    spans = {
        "queue", "recall", "llm_first_token", "llm_first_clause", "gate", "tts_first_audio",
        "playout", "chat_to_audio", "dead_air", "engines",
    }  # fmt: skip
    assert set(trace.spans_ms) == spans
    assert trace.spans_ms["engines"] == pytest.approx((5 + 7) / MS, abs=1e-3)


def test_first_clause_leaves_in_the_callback_of_its_token(show: Simulation) -> None:
    show.chat()
    show.run_until(PHASES["first clause"])
    (clause,) = show.sent_to("tts", Synthesise)
    assert clause.text == "Oh, hello there my friend!"
    # recall 10 ms, first token 80 ms, four more tokens of 20 ms; nothing on top
    assert show.now - 100 * 10**9 == (10 + 80 + 4 * 20) * MS


def test_credits_are_used_and_never_overdrawn(show: Simulation) -> None:
    show.made_ms = 2000.0
    show.chat()
    show.run_for(60)
    show.check_quiet()
    assert show.most_outstanding == show.settings.tts.clauses_ahead


def test_next_reply_is_prepared_while_the_present_one_sounds(show: Simulation) -> None:
    at_phase(show, "next written")
    present, prepared = show.core.turns
    assert present.audible
    asked = show.sent_to("llm", Generate)[-1].prompt
    assert [m.content for m in asked if m.role == "assistant"][-1] == REPLY
    show.run_for(60)
    show.check_quiet()
    assert [trace.outcome for trace in show.traces] == [TurnOutcome.PLAYED] * 2
    assert prepared.stamps.audible > present.stamps.audible


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("way", ["skip", "dump", "fence", "fence all"])
def test_a_cut_at_any_moment(show: Simulation, phase: str, way: str) -> None:
    first = at_phase(show, phase)
    number = show.core.turns[0].number
    if way == "skip":
        assert show.core.skip() == number
    elif way == "dump":
        show.core.dump()
    elif way == "fence":
        show.fence_from_outside(number)
    else:
        show.fence_from_outside(max(show.opened), up_to=True)
    cancelled_at = show.now
    show.run_for(60)
    show.check_quiet()
    trace = next(trace for trace in show.traces if trace.turn == number)
    assert trace.outcome is TurnOutcome.SKIPPED
    assert show.outcome(first) == "skipped"
    if phase in {"audible", "second clause", "next prepared", "next written"}:
        assert trace.reply == "" or trace.reply.endswith("—")
    else:
        assert trace.reply == ""
    if way == "dump":
        assert show.core.show.held
        assert show.outcome("second") in {"shed", "skipped"}
        assert not [m for at, to, m in show.sent if to == "tts" and at > cancelled_at]
    elif way == "fence all" and phase.startswith("next"):
        assert show.outcome("second") in {"skipped", "played"}
    else:
        assert show.outcome("second") == "played"
    show.core.release()
    third = show.chat("again", "Cleo")
    show.run_for(60)
    assert show.outcome(third) == "played"
    show.check_quiet()


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("worker", ["llm", "tts", "stage", "memory"])
def test_a_worker_is_lost_at_any_moment(show: Simulation, phase: str, worker: str) -> None:
    at_phase(show, phase)
    show.lose(worker)
    show.after(1500, lambda: show.recover(worker))
    show.run_for(90)
    show.check_quiet()
    assert show.outcome("second") == "played"
    third = show.chat("again", "Cleo")
    show.run_for(60)
    assert show.outcome(third) == "played"
    show.check_quiet()
    if worker == "stage":
        assert show.stage.muted == [False]


def test_llm_lost_before_anything_was_said_is_asked_again_once(show: Simulation) -> None:
    line = at_phase(show, "generating")
    show.lose("llm")
    show.after(500, lambda: show.recover("llm"))
    show.run_for(60)
    assert show.outcome(line) == "played"
    outcomes = [trace.outcome for trace in show.traces]
    assert outcomes == [TurnOutcome.FAILED, TurnOutcome.PLAYED, TurnOutcome.PLAYED]


def test_llm_lost_later_speaks_what_is_there(show: Simulation) -> None:
    show.token_ms = 400.0
    line = at_phase(show, "audible")
    show.lose("llm")
    show.run_for(15)
    assert show.outcome(line) == "played"
    assert "lost" in show.traces[0].reason
    heard = show.traces[0].reply
    assert heard.endswith("—")
    assert REPLY.startswith(heard[:-1])


def test_llm_that_never_returns_ends_the_turn(show: Simulation) -> None:
    line = at_phase(show, "generating")
    show.lose("llm")
    show.run_for(60)
    assert show.outcome(line) == "failed"
    show.check_quiet()


@pytest.mark.parametrize("worker", ["llm", "tts", "stage"])
def test_a_silent_worker_does_not_hang_the_show(show: Simulation, worker: str) -> None:
    show.silent.add(worker)
    line = show.chat()
    show.run_for(60)
    assert show.outcome(line) == "failed"
    show.silent.clear()
    show.outstanding.clear()
    again = show.chat("again")
    show.run_for(60)
    assert show.outcome(again) == "played"
    show.check_quiet()


def test_llm_gone_for_good_says_so_and_holds(show: Simulation) -> None:
    show.chat()
    show.run_until(PHASES["generating"])
    show.lose("llm", WorkerState.FAILED)
    show.run_for(60)
    show.check_quiet()
    assert show.core.show.held
    assert show.traces[-1].reply == show.settings.personas["nova"].hold_line
    assert show.traces[-1].outcome is TurnOutcome.PLAYED
    assert any(notice.level == "error" for notice in show.of(NoticeEvent))
    said = len(show.traces)
    show.run_for(600)
    assert len(show.traces) == said
    assert show.core.cannot_answer() is not None


def test_without_a_voice_there_are_captions(show: Simulation) -> None:
    show.lose("tts", WorkerState.FAILED)
    line = show.chat()
    show.run_for(60)
    assert show.outcome(line) == "played"
    assert not show.sent_to("tts", Synthesise)
    assert not any(caption.voiced for caption in show.sent_to("stage", Caption))
    show.check_quiet()


def test_voice_that_returns_is_waited_for(show: Simulation) -> None:
    show.lose("tts")
    line = show.chat()
    show.run_for(10)
    assert not show.opened
    show.recover("tts")
    show.run_for(60)
    assert show.outcome(line) == "played"


def test_late_memory_is_not_waited_for(show: Simulation) -> None:
    show.recall_ms = 500.0
    show.chat()
    show.run_until(PHASES["generating"])
    assert show.now - 100 * 10**9 == 80 * MS
    (event,) = show.of(MemoryEvent)
    assert event.late
    assert "tea" not in show.sent_to("llm", Generate)[0].prompt[-1].content
    show.run_for(30)
    assert show.traces[0].outcome is TurnOutcome.PLAYED


def test_memory_in_time_is_in_the_prompt(show: Simulation) -> None:
    show.chat()
    show.run_until(PHASES["generating"])
    assert "Ann likes tea." in show.sent_to("llm", Generate)[0].prompt[-1].content


def test_hold_ends_the_reply_and_starts_none(show: Simulation) -> None:
    first = at_phase(show, "next written")
    show.core.hold("lunch")
    show.run_for(60)
    assert show.outcome(first) == "played"
    assert show.outcome("second") == ""
    show.check_quiet()
    assert show.of(ShowEvent)[-1].held
    show.core.release()
    show.run_for(60)
    assert show.outcome("second") == "played"


def test_a_held_show_comes_back_held(show: Simulation) -> None:
    show.core.set_persona("umbra")
    show.core.hold("lunch")
    show.core.mute(muted=True)
    again = Simulation(show.path).start()
    again.chat()
    again.run_for(60)
    assert not again.opened
    assert again.stage.muted == [True]
    assert again.core.show.persona == "umbra"
    assert again.of(ShowEvent)[0].reason == "lunch"


def test_history_survives_a_restart(show: Simulation) -> None:
    show.chat("I am Ann")
    show.run_for(30)
    again = Simulation(show.path).start()
    again.chat("who am I")
    again.run_until(PHASES["generating"])
    contents = [message.content for message in again.sent_to("llm", Generate)[0].prompt]
    assert REPLY in contents


def test_persona_changes_with_the_next_turn(show: Simulation) -> None:
    at_phase(show, "next written")
    assert show.core.set_persona("Umbra") == "umbra"
    assert show.sent_to("llm", Prewarm)[-1].prompt[0].content.startswith("You are Umbra")
    show.run_for(60)
    assert [t.persona for t in show.traces if t.outcome is TurnOutcome.PLAYED] == ["nova", "umbra"]
    captions = show.sent_to("stage", Caption)
    assert captions[0].speaker == "Nova"
    assert captions[-1].speaker == "Umbra"
    with pytest.raises(RequestFailed, match="personality") as failure:
        show.core.set_persona("umbar")
    assert "umbra" in failure.value.hint


def test_both_prompts_are_warmed_hers_first_and_again_after_a_restart(show: Simulation) -> None:
    warmed = [m.prompt[0].content.split()[2] for m in show.sent_to("llm", Prewarm)]
    assert [name.strip(",") for name in warmed] == ["Nova", "Umbra"]
    show.lose("llm")
    show.recover("llm")
    assert len(show.sent_to("llm", Prewarm)) == 4


def test_say_takes_no_novel(show: Simulation) -> None:
    with pytest.raises(RequestFailed, match="100000 characters are too many"):
        show.core.say("a" * 100_000, show.now)
    show.check_quiet()


def test_say_goes_first_works_while_held_and_asks_no_model(show: Simulation) -> None:
    show.core.hold()
    show.chat()
    number = show.core.say("Welcome back, everyone! Good to see you.", show.now)
    show.run_for(30)
    (trace,) = show.traces
    assert (trace.turn, trace.source, trace.outcome) == (number, "operator", TurnOutcome.PLAYED)
    assert trace.reply == "Welcome back, everyone! Good to see you."
    assert not show.sent_to("llm", Generate)


def test_says_keep_their_numbers_and_order(show: Simulation) -> None:
    show.chat()
    show.run_until(PHASES["audible"])
    numbers = [show.core.say(f"Sentence number {word}.", show.now) for word in ("one", "two")]
    show.chat("later", "Bob", "later")
    show.run_for(60)
    assert [trace.turn for trace in show.traces] == [1, *numbers, 4]
    show.check_quiet()


def test_gate_drops_the_rest_of_a_turn(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("drop: stars\nmask: friend\n")
    settings = config(idle_after_s=0.0, gate=GateSection(words=str(words)))
    show = Simulation(tmp_path, settings).start()
    line = show.chat()
    show.run_for(30)
    assert show.outcome(line) == "blocked"
    assert "stars" not in show.traces[0].generated
    assert "drop" in {event.verdict for event in show.of(ClauseEvent)}
    assert show.sent_to("tts", Synthesise)[0].text == "Oh, hello there my beep!"
    again = show.chat("and now")
    show.reply = "All fine here today."
    show.run_for(30)
    assert show.outcome(again) == "played"
    show.check_quiet()


def test_without_a_word_list_nothing_is_said_until_it_is_mended(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    settings = config(idle_after_s=0.0, gate=GateSection(words=str(words)))
    show = Simulation(tmp_path, settings).start()
    assert "words.txt" in show.problem_text
    assert "mend" in show.problem_text
    line = show.chat()
    show.run_for(30)
    assert show.outcome(line) == "blocked"
    assert not show.sent_to("tts", Synthesise)
    assert not show.sent_to("stage", Caption)
    words.write_text("mask: darn\n")
    show.run_for(2)
    assert show.problem_text == ""
    again = show.chat("and now")
    show.run_for(30)
    assert show.outcome(again) == "played"


def test_she_talks_by_herself_when_chat_is_quiet(tmp_path: Path) -> None:
    show = Simulation(tmp_path, config(idle_after_s=45.0)).start()
    show.run_for(44)
    assert not show.opened
    show.run_for(30)
    assert show.traces[0].source == "idle"
    assert show.sent_to("llm", Generate)[0].prompt[-1].content.startswith("Say something")
    show.core.hold()
    show.run_for(300)
    assert len(show.traces) == 1
    show.check_quiet()


def test_tokens_are_told_at_most_twenty_times_a_second_and_completely(show: Simulation) -> None:
    show.token_ms = 5.0
    show.chat()
    show.run_for(30)
    events = show.of(TokenEvent)
    assert "".join(event.text for event in events).strip() == REPLY
    assert [event.done for event in events].count(True) == 1
    assert events[-1].done
    assert len(events) <= 4


def test_queue_length_is_told_at_most_four_times_a_second(show: Simulation) -> None:
    show.core.hold()
    before = len(show.of(ShowEvent))
    for index in range(50):
        show.chat(f"line {index}", f"viewer {index}")
        show.run_for(0.02)
    show.run_for(1)
    told = show.of(ShowEvent)[before:]
    assert 3 <= len(told) <= 6
    assert told[-1].queued == 50


def test_a_reply_cut_by_its_length_does_not_end_in_half_a_sentence(show: Simulation) -> None:
    show.reply = "That is a lovely thing to say! I think that you are"
    show.finish = Finish.LENGTH
    show.chat()
    show.run_for(30)
    assert show.traces[0].reply == "That is a lovely thing to say!"
    assert show.traces[0].outcome is TurnOutcome.PLAYED


def test_an_empty_reply_ends_the_turn(show: Simulation) -> None:
    show.reply = "*waves* [happy]"
    line = show.chat()
    show.run_for(30)
    assert show.outcome(line) == "failed"
    show.check_quiet()


def test_skip_without_a_reply_is_refused(show: Simulation) -> None:
    with pytest.raises(RequestFailed, match="no reply"):
        show.core.skip()


def test_heard_part_of_a_skipped_reply_is_what_history_keeps(show: Simulation) -> None:
    at_phase(show, "second clause")
    show.run_for(1.0)
    show.core.skip()
    show.run_for(1.0)
    heard = show.core.history.of("nova")[0].reply
    assert heard == "Oh, hello there my friend! I was just—"


def test_a_busy_chat_is_shed_visibly(show: Simulation) -> None:
    for index in range(400):
        show.chat(f"line {index}", f"viewer {index % 37}")
        show.run_for(0.05)
    show.run_for(400)
    show.check_quiet()
    outcomes = {show.outcome(f"m{index}") for index in range(1, 401)}
    assert outcomes == {"played", "shed"}


def test_drain_ends_what_sounds_and_begins_nothing(show: Simulation) -> None:
    first = at_phase(show, "next written")
    show.core.drain()
    show.run_for(60)
    assert show.outcome(first) == "played"
    assert show.outcome("second") == ""
    show.check_quiet()


def test_a_model_caught_in_a_loop_is_not_listened_to(show: Simulation) -> None:
    show.reply = (
        "I am a game, Tom. I love it. I love it. I love it. And more. " + "I love it. " * 20
    )
    line = show.chat()
    show.run_for(30)
    assert show.traces[0].reply == "I am a game, Tom. I love it."
    assert show.outcome(line) == "played"
    show.check_quiet()


def test_the_next_prompt_begins_with_what_was_warmed(show: Simulation) -> None:
    show.chat()
    show.run_for(30)
    warmed = show.sent_to("llm", Prewarm)[-1].prompt
    show.chat("and then", "Bob")
    show.run_for(30)
    assert show.sent_to("llm", Generate)[-1].prompt[: len(warmed)] == warmed
    assert warmed[-1].content == REPLY


def test_gate_finds_a_phrase_that_a_cut_went_through(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("drop: tin foil hat\n")
    gate = GateSection(words=str(words))
    show = Simulation(tmp_path, config(idle_after_s=0.0, gate=gate)).start()
    show.reply = "This is one very long beginning with my tin foil hat and more."
    line = show.chat()
    show.run_for(30)
    assert [clause.text for clause in show.sent_to("tts", Synthesise)] == [
        "This is one very long beginning with my tin"
    ]
    assert show.outcome(line) == "blocked"
    show.check_quiet()


def test_gate_judges_what_the_voice_would_make_of_a_clause(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("drop: badword\nmask: darn\n")
    gate = GateSection(words=str(words))
    show = Simulation(tmp_path, config(idle_after_s=0.0, gate=gate)).start()
    show.reply = "Well d|a~r~n it all. Then comes a b|a|d(word) indeed."
    line = show.chat()
    show.run_for(30)
    spoken = [clause.text for clause in show.sent_to("tts", Synthesise)]
    shown = [caption.text for caption in show.sent_to("stage", Caption)]
    assert spoken == ["Well beep it all."]
    assert shown == ["Well beep it all."]
    assert show.outcome(line) == "blocked"
    show.check_quiet()
