"""What waits for a person: held lines, held replies, and a show that has become careful."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from director_simulation import REPLY, S, Simulation, config

from ipc.config import Config, GateSection, GateTighten
from ipc.errors import RequestFailed
from ipc.protocol import (
    Approval,
    ApprovalsEvent,
    ChatOutcomeEvent,
    ClauseEvent,
    GateHit,
    Generate,
    NoticeEvent,
    Remember,
    ShowEvent,
    Synthesise,
    Taken,
    TurnEvent,
)
from ipc.states import ShowMode, TurnOutcome
from workers.director.approvals import Approvals, Item
from workers.director.caution import Caution


def settings(
    path: Path, words: str = "", tighten: GateTighten | None = None, **more: object
) -> Config:
    file = path / "words.txt"
    file.write_text(words + "\nmask: darn\n")
    gate = GateSection(words=str(file), tighten=tighten or GateTighten())
    return config(gate=gate, **{"idle_after_s": 0.0, **more})


@pytest.fixture
def show(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path, settings(tmp_path, "hold: stars")).start()


def waiting(show: Simulation) -> list[Approval]:
    return list(show.of(ApprovalsEvent)[-1].items) if show.of(ApprovalsEvent) else []


def spoken(show: Simulation) -> list[str]:
    return [clause.text for clause in show.sent_to("tts", Synthesise)]


def test_a_clause_on_hold_and_all_behind_it_wait_for_a_person(show: Simulation) -> None:
    line = show.chat()
    show.run_for(30)
    assert spoken(show) == ["Oh, hello there my friend!"]
    (item,) = waiting(show)
    assert item.kind == "reply"
    assert item.text == "I was just looking at the stars. They are bright tonight."
    assert (item.author, item.question, item.persona) == ("Ann", "hi Nova", "nova")
    assert "stars" in item.why
    assert show.traces[0].outcome is TurnOutcome.PLAYED
    assert show.traces[0].reply == "Oh, hello there my friend!—"
    assert show.outcome(line) == "played"
    (told,) = [event for event in show.of(ClauseEvent) if event.verdict == "hold"]
    assert "stars" in told.why
    assert told.heard == 0.0
    show.core.approve(item.id)
    show.run_for(30)
    assert spoken(show)[1:] == ["I was just looking at the stars.", "They are bright tonight."]
    assert show.traces[1].message_ids == [line]
    assert show.outcome(line) == "played", "and it is told once"
    assert waiting(show) == []
    assert [one.text for one in show.core.history.of("nova")] == ["hi Nova", "hi Nova"]
    assert len(show.sent_to("memory", Remember)) == 2
    show.check_quiet()


def test_a_reply_held_from_its_beginning_is_held_whole(show: Simulation) -> None:
    show.reply = "The stars are bright. I like them."
    line = show.chat()
    show.run_for(30)
    assert spoken(show) == []
    assert show.traces[0].outcome is TurnOutcome.HELD
    assert show.outcome(line) == "held"
    (item,) = waiting(show)
    assert item.text == "The stars are bright. I like them."
    other = show.chat("and you", "Bob")
    show.reply = REPLY.replace("stars", "moon")
    show.run_for(30)
    assert show.outcome(other) == "played", "nobody else waits for it"
    show.core.approve(item.id)
    show.run_for(30)
    assert show.outcome(line) == "played"
    assert show.traces[-1].reply == "The stars are bright. I like them."
    assert show.core.history.of("nova")[-1].message_ids == [line]
    show.check_quiet()


def test_a_held_rest_goes_with_the_prepared_reply_it_belongs_to(show: Simulation) -> None:
    show.reply = "All is well with me today. And with you?"
    show.chat("hello", "Bob")
    show.run_until(lambda s: bool(s.of(ClauseEvent)))
    show.reply = REPLY
    line = show.chat()
    show.run_until(lambda s: bool(s.core.approvals.waiting))
    assert show.core.turns[1].clauses
    show.core.hold("lunch")
    assert not show.core.approvals.waiting, "it is asked again"
    show.core.release()
    show.run_for(30)
    (item,) = waiting(show)
    assert item.text.startswith("I was just looking")
    assert show.outcome(line) == "played"
    show.check_quiet()


def test_what_the_gate_drops_behind_a_hold_is_never_said(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path, "hold: stars\ndrop: tonight")).start()
    show.reply = "The stars are here. They are bright tonight."
    line = show.chat()
    show.run_for(30)
    assert show.outcome(line) == "blocked"
    assert waiting(show) == []
    show.check_quiet()


def test_edited_words_pass_no_drop(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path, "hold: stars\ndrop: moon")).start()
    show.reply = "The stars are bright."
    line = show.chat()
    show.run_for(30)
    (item,) = waiting(show)
    for text, why in (
        ("The moon is.", "the gate"),
        ("...", "nothing to say"),
        ("a" * 2000, "2000"),
    ):
        with pytest.raises(RequestFailed, match=why):
            show.core.approve(item.id, text)
    assert waiting(show) == [item]
    show.core.approve(item.id, "Those darn stars!")
    show.run_for(30)
    assert show.outcome(line) == "played"
    assert "stars" in spoken(show)[0]
    assert "darn" not in spoken(show)[0], "masked all the same"
    show.check_quiet()


def test_a_denied_reply_is_never_said(show: Simulation) -> None:
    show.reply = "The stars are bright."
    line = show.chat()
    show.run_for(30)
    (item,) = waiting(show)
    assert show.core.deny(line) == item.id, "found by its line, too"
    show.run_for(30)
    assert show.outcome(line) == "blocked"
    assert spoken(show) == []
    with pytest.raises(RequestFailed, match="nothing waits"):
        show.core.approve(line)


def test_a_held_line_waits_beside_the_queue(show: Simulation) -> None:
    line = show.chat("is this allowed", held_why="links")
    show.reply = "Yes, sure."
    show.run_for(10)
    assert not show.opened
    assert show.outcome(line) == "held"
    assert [line] in [m.message_ids for m in show.sent_to("chat", Taken)]
    (item,) = waiting(show)
    assert (item.kind, item.text, item.author, item.why) == (
        "line", "is this allowed", "Ann", "links",
    )  # fmt: skip
    for n in range(3):
        show.chat(f"line {n}", f"viewer {n}")
    show.core.approve(item.id)
    show.run_for(60)
    assert line in show.of(TurnEvent)[1].message_ids, "the next after the one under way"
    assert show.outcome(line) == "played"
    assert show.core.approvals.approved == []
    again = show.chat("is this allowed?", held_why="links")
    show.core.approve(again, "may I ask")
    show.run_for(30)
    assert show.of(TurnEvent)[-1].text == "may I ask"
    denied = show.chat("what about this", held_why="links")
    show.core.deny(denied)
    assert show.outcome(denied) == "blocked"
    show.check_quiet()


def test_an_approved_line_is_not_crowded_out(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path, queue_size=4)).start()
    line = show.chat("meh", held_why="links", platform="twitch")
    show.core.hold("lunch")
    for n in range(10):
        show.chat(f"Nova, what is number {n}?", f"viewer {n}", platform="twitch")
    show.core.approve(line)
    for n in range(10, 20):
        show.chat(f"Nova, what is number {n}?", f"viewer {n}", platform="twitch")
    assert len(show.core.queue) <= 5
    show.core.release()
    show.run_for(20)
    assert show.of(TurnEvent)[0].message_ids == [line]
    assert show.outcome(line) == "played"


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path, approvals=3)).start()
    lines = [show.chat(f"line {n}", held_why="links") for n in range(10)]
    show.run_for(5)
    assert [item.text for item in waiting(show)] == ["line 7", "line 8", "line 9"]
    assert [show.outcome(line) for line in lines] == ["shed"] * 7 + ["held"] * 3
    event = next(e for e in show.of(ChatOutcomeEvent) if e.outcome is TurnOutcome.SHED)
    assert "approval" in event.reason
    assert 2 <= len(show.of(ApprovalsEvent)) <= 4, "told a few times a second"


def test_what_is_approved_is_judged_as_it_will_be_said(tmp_path: Path) -> None:
    """Hidden words and the one that is said instead may make another together."""
    given = settings(tmp_path, "hold: stars\ndrop: moon beep")
    show = Simulation(tmp_path, given).start()
    show.reply = "Look at the stars."
    show.chat()
    show.run_for(30)
    (item,) = waiting(show)
    with pytest.raises(RequestFailed, match="moon beep"):
        show.core.approve(item.id, "Look at the moon darn.")
    show.core.approve(item.id, "Look at the darn moon.")
    show.run_for(30)
    assert spoken(show) == ["Look at the beep moon."]


def test_one_viewer_pushes_nobody_out(tmp_path: Path) -> None:
    show = Simulation(
        tmp_path, settings(tmp_path, "hold: stars", approvals=4, viewer_lines=2)
    ).start()
    show.reply = "The stars are bright."
    answered = show.chat("tell me", "Eve")
    show.run_for(30)
    other = show.chat("buy my hat", "Bob", held_why="links")
    lines = [show.chat(f"line {n}", "Eve", held_why="links") for n in range(20)]
    assert [show.outcome(line) for line in lines] == ["shed"] * 18 + ["held"] * 2
    show.run_for(5)
    assert [item.text for item in waiting(show)] == [
        "The stars are bright.", "buy my hat", "line 18", "line 19",
    ]  # fmt: skip
    more = [show.chat("what is this", f"viewer {n}", held_why="links") for n in range(8)]
    show.run_for(5)
    assert [item.kind for item in waiting(show)] == ["reply", "line", "line", "line"]
    assert show.outcome(other) == "shed"
    assert [show.outcome(line) for line in more] == ["shed"] * 5 + ["held"] * 3
    assert show.outcome(answered) == "held", "lines go before replies"


def test_lines_that_wait_do_not_end_the_making_of_replies(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path, approvals=2)).start()
    show.core.set_mode("approval")
    first = [show.chat("what is this", f"viewer {n}", held_why="links") for n in range(5)]
    for n in range(3):
        show.chat(f"hello {n}", f"friend {n}")
    show.run_for(60)
    assert [item.kind for item in waiting(show)] == ["reply", "reply"]
    assert len(show.opened) == 2, "of replies there is enough"
    late = show.chat("and this", "Eve", held_why="links")
    assert [show.outcome(line) for line in [*first, late]] == ["shed"] * 6
    assert len(show.core.approvals.waiting) == 2


def test_approvals_survive_the_end_of_the_show(show: Simulation) -> None:
    show.reply = "The stars are bright."
    reply = show.chat("one")
    show.run_for(30)
    line = show.chat("two", held_why="links")
    denied = show.chat("three", held_why="links")
    show.core.hold("lunch")
    show.core.deny(denied)
    show.core.approve(reply)
    show.core.approve(line)
    file = show.path / "approvals.json"
    assert file.stat().st_mode & 0o777 == 0o600
    again = Simulation(show.path, show.settings).start()
    again.reply = "All is well."
    assert waiting(again) == []
    again.core.release()
    again.run_for(60)
    assert [trace.message_ids for trace in again.traces] == [[reply], [line]]
    assert again.traces[0].reply == "The stars are bright."
    assert not json.loads(file.read_bytes())["items"]
    new = again.chat("four", message_id="new", held_why="links")
    third = Simulation(show.path, show.settings).start()
    assert [item.question or item.text for item in waiting(third)] == ["four"]
    assert third.core.approvals.find(new)
    ids = [item.id for item in [*third.core.approvals.waiting]]
    assert ids == ["a4"], "numbers are not used again"


def test_unreadable_approvals_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "approvals.json").write_text('{"items": [')
    show = Simulation(tmp_path, settings(tmp_path)).start()
    (aside,) = tmp_path.glob("approvals.json.broken-*")
    assert aside.read_text() == '{"items": ['
    assert [e.level for e in show.of(NoticeEvent)] == ["error"]
    show.chat("one", held_why="links")
    assert msgspec.json.decode((tmp_path / "approvals.json").read_bytes())["items"]


def test_a_full_disk_does_not_end_the_show(
    show: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workers.director.approvals.replace", full)
    show.chat("one", held_why="links")
    assert "No space left" in show.of(NoticeEvent)[-1].text
    show.run_for(1)
    assert len(waiting(show)) == 1


def test_dump_takes_approval_back(show: Simulation) -> None:
    show.reply = "The stars are bright."
    line = show.chat()
    show.run_for(30)
    show.core.hold("lunch")
    show.core.approve(line)
    assert not show.core.approvals.waiting
    show.core.dump()
    show.core.release()
    show.run_for(30)
    assert spoken(show) == []
    assert len(waiting(show)) == 1
    show.core.approve(line)
    show.run_for(30)
    assert show.outcome(line) == "played"


def test_an_item_keeps_its_personality(show: Simulation) -> None:
    show.reply = "The stars are bright."
    line = show.chat()
    show.run_for(30)
    show.core.set_persona("umbra")
    show.core.approve(line)
    show.run_for(30)
    assert show.traces[-1].persona == "nova"


# --- the mode ---


def test_in_approval_mode_nothing_of_the_model_is_said_unseen(show: Simulation) -> None:
    show.reply = "All is well. Really."
    assert show.core.set_mode("Approval") is ShowMode.APPROVAL
    line = show.chat()
    show.core.say("This is exactly what I say.", show.now)
    show.run_for(30)
    assert spoken(show) == ["This is exactly what I say."]
    assert show.outcome(line) == "held"
    (item,) = waiting(show)
    assert item.text == "All is well. Really."
    show.core.approve(item.id)
    show.run_for(30)
    assert show.outcome(line) == "played"
    again = Simulation(show.path, show.settings).start()
    assert again.of(ShowEvent)[0].mode is ShowMode.APPROVAL, "and it stays so"
    show.core.set_mode("open")
    after = show.chat("and now")
    show.run_for(30)
    assert show.outcome(after) == "played"
    with pytest.raises(RequestFailed, match="no mode 'wild'") as failure:
        show.core.set_mode("wild")
    assert "approval" in failure.value.hint
    show.check_quiet()


def test_in_approval_mode_she_does_not_talk_to_herself_nor_without_end(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path, approvals=2, idle_after_s=10.0)).start()
    show.core.set_mode("approval")
    show.run_for(100)
    assert not show.opened
    for n in range(5):
        show.chat(f"line {n}", f"viewer {n}")
    show.run_for(60)
    assert len(waiting(show)) == 2
    assert len(show.opened) == 2, "what nobody could look at is not made"


AT = {
    "generating": lambda s: bool(s.sent_to("llm", Generate)),
    "at the voice": lambda s: bool(s.sent_to("tts", Synthesise)),
    "audible": lambda s: bool(s.of(ClauseEvent)),
    "last clause": lambda s: any(e.clause == 2 for e in s.of(ClauseEvent)),
    "prepared": lambda s: len(s.core.turns) == 2,
}


@pytest.mark.parametrize("token_ms", [20.0, 400.0])
@pytest.mark.parametrize("moment", AT)
@pytest.mark.parametrize("to", ["approval", "safe"])
def test_when_hits_rise_what_was_not_heard_is_not_said(
    tmp_path: Path, moment: str, to: str, token_ms: float
) -> None:
    tighten = msgspec.convert({"hits": 4, "to": to, "persona": "umbra"}, GateTighten)
    show = Simulation(tmp_path, settings(tmp_path, tighten=tighten)).start()
    show.token_ms = token_ms
    first = show.chat("hello", "Ann")
    second = show.chat("how are you", "Bob")
    show.run_until(AT[moment])
    started = [c for turn in show.core.turns for c in turn.clauses if c.started_ns]
    mark = len(show.sent)
    show.deliver(GateHit(hits=3, why="slurs"))
    assert show.core.show.mode is ShowMode.OPEN
    show.deliver(GateHit(hits=1, why="slurs"))
    event = show.of(ShowEvent)[-1]
    assert event.mode == to
    assert "slurs" in event.mode_reason
    assert event.persona == ("umbra" if to == "safe" else "nova")
    notice = show.of(NoticeEvent)[-1]
    assert notice.level == "error"
    assert "mode open" in notice.hint
    show.run_for(120)
    later = [m for _at, worker, m in show.sent[mark:] if worker == "tts"]
    nova = {e.turn for e in show.of(TurnEvent) if e.persona == "nova"}
    assert not [m for m in later if m.turn in nova]
    heard = [e for e in show.of(ClauseEvent) if e.heard and e.turn in nova]
    assert len({(e.turn, e.clause) for e in heard}) <= len(started)
    if to == "approval":
        held = [item for item in waiting(show) if item.author == "Bob"]
        assert [item.text for item in held] == [REPLY]
        said = show.traces[0].reply.rstrip("—") if started else ""
        (rest,) = [item.text for item in waiting(show) if item.author == "Ann"] or [""]
        assert (REPLY.endswith(rest) and rest) or moment == "last clause", (said, rest)
        show.core.set_mode("open")
    else:
        assert show.outcome(second) == "played"
        show.core.set_mode("open")
        assert show.core.show.persona == "nova"
    assert show.outcome(first) in {"played", "skipped", "held"}
    show.deliver(GateHit(hits=3, why="slurs"))
    assert show.core.show.mode is ShowMode.OPEN, "counted from nothing"
    third = show.chat("again", "Cleo")
    show.run_for(60)
    assert show.outcome(third) == "played"
    show.check_quiet()


def test_her_own_hits_count_but_not_masks_nor_the_operators(tmp_path: Path) -> None:
    tighten = GateTighten(hits=2)
    words = settings(tmp_path, "drop: moon\nhold: stars", tighten)
    show = Simulation(tmp_path, words).start()
    show.reply = "Well darn it. Darn this. And darn that."
    show.chat()
    show.run_for(30)
    show.core.say("The moon.", show.now)
    show.core.say("The moon again.", show.now)
    show.run_for(30)
    assert show.core.show.mode is ShowMode.OPEN
    show.reply = "I like the stars."
    show.chat()
    show.run_for(30)
    show.reply = "I like the moon."
    show.chat()
    show.run_for(30)
    assert show.core.show.mode is ShowMode.APPROVAL


def test_safe_mode_needs_and_keeps_its_personality(tmp_path: Path) -> None:
    show = Simulation(tmp_path, settings(tmp_path)).start()
    with pytest.raises(RequestFailed, match="no safe personality"):
        show.core.set_mode("safe")
    tighten = GateTighten(hits=1, to="safe", persona="gone")
    (tmp_path / "x").mkdir()
    other = Simulation(tmp_path / "x", settings(tmp_path / "x", tighten=tighten)).start()
    other.deliver(GateHit(hits=1, why="slurs"))
    assert other.core.show.mode is ShowMode.APPROVAL, "careful in the way that is there"
    tighten = GateTighten(hits=1, to="safe", persona="umbra")
    show = Simulation(tmp_path, settings(tmp_path, tighten=tighten)).start()
    show.core.set_mode("safe")
    with pytest.raises(RequestFailed, match="safe mode"):
        show.core.set_persona("nova")
    show = Simulation(tmp_path, settings(tmp_path, tighten=tighten)).start()
    assert show.core.show.persona == "umbra"
    show.core.set_mode("approval")
    assert show.core.show.persona == "nova"


def test_caution_counts_within_its_window() -> None:
    caution = Caution(GateTighten(hits=3, window_s=10.0))
    assert [bool(caution.hit(1, "x", at * S)) for at in (0, 5, 11, 12)] == [
        False,
        False,
        False,
        True,
    ]
    assert caution.hit(0, "x", 12 * S) == ""
    caution.clear()
    assert caution.hit(2, "x", 13 * S) == ""
    assert caution.hit(10**12, "x", 14 * S)
    assert Caution(GateTighten(hits=0)).hit(10**6, "x", 0) == ""


def test_an_item_holds_what_it_needs(tmp_path: Path) -> None:
    store = Approvals(tmp_path / "a.json", 2, 2)
    store.add(Item(id="", kind="reply", text="one", why="x"))
    store.save()
    (item,) = Approvals(tmp_path / "a.json", 2, 2).waiting
    assert (item.id, item.text, item.pick) == ("a1", "one", None)
