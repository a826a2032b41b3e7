"""Nothing of what was deleted, or of whoever was banned, is heard: at every stage it can be at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from director_simulation import REPLY, Simulation, config

from ipc.protocol import (
    Caption,
    ChatLines,
    ChatMessage,
    ClauseEvent,
    Forget,
    Generate,
    MemoryHit,
    Prewarm,
    Remember,
    Removed,
    Synthesise,
    Taken,
    TraceEvent,
    TurnEvent,
)
from ipc.states import ShowMode, TurnOutcome
from workers.director.turn import Phase

LONG = "Well zebra, that is one of them. I think zebra is a fine thing to say. No more zebra now."
ZED = "console:zed"


def parrot(request: Generate) -> str:
    """A model that repeats what it reads."""
    read = request.prompt[-1].content.lower()
    return LONG if "zebra" in read else REPLY


@pytest.fixture
def show(tmp_path: Path) -> Simulation:
    simulation = Simulation(tmp_path).start()
    simulation.reply = parrot
    return simulation


def ask(show: Simulation) -> None:
    show.chat("what of the zebra", "Zed", "target")


def target_turn(show: Simulation) -> int:
    """The newest turn that answers it."""
    return [event.turn for event in show.of(TurnEvent) if "target" in event.message_ids][-1]


def queued(show: Simulation) -> None:
    show.chat("hello", "Ann")
    show.run_until(lambda s: bool(s.of(ClauseEvent)))
    ask(show)


def put_back(show: Simulation) -> None:
    behind(show)
    show.core.hold("lunch")
    assert len(show.core.turns) == 1
    assert "target" in show.core.queue


def recalling(show: Simulation) -> None:
    ask(show)
    show.run_until(lambda s: bool(s.core.turns))


def waiting(show: Simulation) -> None:
    generating(show)
    show.lose("llm")
    assert show.core.turns[0].phase is Phase.WAITING
    show.after(700, lambda: show.recover("llm"))


def generating(show: Simulation) -> None:
    ask(show)
    show.run_until(lambda s: bool(s.sent_to("llm", Generate)))


def half_a_clause(show: Simulation) -> None:
    ask(show)
    show.run_until(lambda s: bool(s.core.turns) and s.core.turns[0].tokens == 2)


def delayed(show: Simulation) -> None:
    show.core.set_delay(5.0)
    ask(show)
    show.run_for(3)
    assert show.core.turns[0].clauses
    assert not show.sent_to("tts", Synthesise)


def voice(show: Simulation) -> None:
    ask(show)
    show.run_until(lambda s: bool(s.sent_to("tts", Synthesise)))


def audible(show: Simulation) -> None:
    ask(show)
    show.run_until(lambda s: bool(s.of(ClauseEvent)))


def last_clause(show: Simulation) -> None:
    ask(show)
    show.run_until(lambda s: any(event.clause == 2 for event in s.of(ClauseEvent)))


def behind(show: Simulation) -> None:
    show.chat("hello", "Ann")
    ask(show)
    show.run_until(lambda s: len(s.core.turns) == 2 and bool(s.core.turns[1].clauses))


def needs_approval(show: Simulation) -> None:
    show.core.set_mode("approval")
    ask(show)
    show.run_for(20)
    assert [item.kind for item in show.core.approvals.waiting] == ["reply"]
    assert show.outcome("target") == "held"


def approved(show: Simulation) -> None:
    needs_approval(show)
    show.core.hold("lunch")
    show.core.approve("target")
    assert show.core.approvals.approved


def being_said(show: Simulation) -> None:
    needs_approval(show)
    show.core.approve("target")
    show.run_until(lambda s: bool(s.of(ClauseEvent)))


def held_line(show: Simulation) -> None:
    show.chat("what of the zebra", "Zed", "target", held_why="doubtful")
    show.run_for(5)
    assert [item.kind for item in show.core.approvals.waiting] == ["line"]


def approved_line(show: Simulation) -> None:
    held_line(show)
    show.core.hold("lunch")
    show.core.approve("target")
    assert "target" in show.core.queue


def approved_line_spoken(show: Simulation) -> None:
    held_line(show)
    show.core.approve("target")
    show.run_until(lambda s: bool(s.of(ClauseEvent)))


STAGES: dict[str, Callable[[Simulation], None]] = {
    "queued": queued,
    "put back": put_back,
    "recalling": recalling,
    "waiting for the model": waiting,
    "generating": generating,
    "half a clause": half_a_clause,
    "delayed": delayed,
    "at the voice": voice,
    "audible": audible,
    "last clause": last_clause,
    "prepared behind another": behind,
    "needs approval": needs_approval,
    "approved": approved,
    "being said": being_said,
    "held line": held_line,
    "approved line": approved_line,
    "approved line spoken": approved_line_spoken,
}
WAYS = {
    "id": Removed(platform="console", message_ids=["target"], reason="deleted"),
    "ban": Removed(platform="console", author_id=ZED, forget=True, reason="banned"),
    "timeout": Removed(platform="console", author_id=ZED, reason="timed out"),
    "everything": Removed(platform="console", everything=True, reason="the room was wiped"),
}


def traces_of(show: Simulation, mark: int) -> list[str]:
    """Every word that left after ``mark`` messages, to wherever it could be heard or come back."""
    words: list[str] = []
    for _at, _to, message in show.sent[mark:]:
        match message:
            case Synthesise() | Caption():
                words.append(message.text)
            case Remember():
                words += [message.text, message.reply]
            case Generate() | Prewarm():
                words += [one.content for one in message.prompt]
    return [one for one in words if "zebra" in one.lower()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stage", STAGES)
def test_nothing_of_it_is_heard_after_its_removal(show: Simulation, stage: str, way: str) -> None:
    STAGES[stage](show)
    open_before = [turn.number for turn in show.core.turns if "target" in turn.candidate.pick.ids]
    mark = len(show.sent)
    show.deliver(WAYS[way])
    for number in open_before:
        assert not show.fence.allows(number), "silent at once, not with the next step"
    show.core.set_mode("open")
    show.core.release()
    show.run_for(60)
    assert show.outcome("target") == "removed"
    for trace in show.traces:
        assert trace.turn not in open_before or trace.outcome is TurnOutcome.REMOVED
    assert traces_of(show, mark) == []
    assert not show.core.approvals.waiting + show.core.approvals.approved
    assert "zebra" not in str(show.core.history.of("nova")).lower()
    assert "target" not in [m.message_id for m in show.sent_to("memory", Remember)]
    show.chat("what of the zebra", "Zed", "target")  # once more, by another way
    show.chat("are you there", "Bob", "other")
    show.run_for(60)
    assert show.outcome("other") == "played"
    assert traces_of(show, mark) == []
    show.check_quiet()
    again = Simulation(show.path).start()
    again.run_for(5)
    assert traces_of(again, 0) == []


@pytest.mark.parametrize("way", WAYS)
def test_an_exchange_that_is_over_leaves_history_memory_and_prompts(
    show: Simulation, way: str
) -> None:
    ask(show)
    show.run_for(60)
    assert show.outcome("target") == "played"
    assert show.core.history.of("nova")
    mark = len(show.sent)
    show.deliver(WAYS[way])
    assert not show.core.history.of("nova")
    assert b"zebra" not in (show.path / "history.jsonl").read_bytes()
    forgotten = show.sent_to("memory", Forget)
    if way == "ban":
        assert [m.author_id for m in forgotten] == [ZED]
    elif way == "timeout":
        assert not forgotten
    else:
        assert [m.message_ids for m in forgotten] == [["target"]]
    assert show.sent_to("llm", Prewarm)
    show.chat("hello", "Bob")
    show.run_for(30)
    assert traces_of(show, mark) == []
    assert not Simulation(show.path).core.history.of("nova")[:-1]


@pytest.mark.parametrize("way", ["id", "ban"])
def test_an_exchange_that_is_just_closing_is_not_kept(show: Simulation, way: str) -> None:
    last_clause(show)
    show.core.skip()
    assert show.core.turns[0].ending is not None
    show.deliver(WAYS[way])
    show.run_for(30)
    assert not show.core.history.of("nova")
    assert not show.sent_to("memory", Remember)
    assert show.outcome("target") == "skipped"
    show.check_quiet()


ZEDS = MemoryHit(
    id="1", text="Zed: my zebra is Bob", score=0.9, who="Zed", author_id=ZED, message_id="target"
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("heard", [False, True])
def test_a_reply_that_remembers_it_is_asked_again_or_cut(
    show: Simulation, way: str, heard: bool
) -> None:
    if way == "everything":  # that is of the room as it was, not of years ago
        show.chat("I am Zed", "Zed", "target")
        show.run_for(30)
    show.memories = [ZEDS]
    line = show.chat("hello", "Ann", platform="twitch")
    before = len(show.of(ClauseEvent)), len(show.sent_to("tts", Synthesise))
    show.run_until(
        lambda s: (
            len(s.of(ClauseEvent)) > before[0]
            if heard
            else len(s.sent_to("tts", Synthesise)) > before[1]
        )
    )
    number = show.opened[-1]
    mark = len(show.sent)
    show.deliver(WAYS[way])
    assert not show.fence.allows(number)
    show.run_for(60)
    assert show.outcome(line) == ("skipped" if heard else "played")
    assert traces_of(show, mark) == []
    assert not any("zebra" in one.reply.lower() for one in show.core.history.of("nova"))
    show.check_quiet()


def test_what_memory_still_has_of_it_is_not_believed(show: Simulation) -> None:
    show.memories = [ZEDS]
    show.deliver(WAYS["timeout"])
    show.chat("hello", "Ann")
    show.run_for(30)
    assert traces_of(show, 0) == []
    show.chat("I am back", "Zed")  # chat lets them through, so they may be known again
    show.run_for(30)
    show.chat("who is Zed", "Ann")
    show.run_for(30)
    assert traces_of(show, 0)


def test_a_reply_that_leans_on_its_exchange_is_asked_again(show: Simulation) -> None:
    ask(show)
    show.run_for(60)
    show.chat("and now", "Ann", "after")
    show.run_until(lambda s: len(s.sent_to("llm", Generate)) == 2)
    mark = len(show.sent)
    show.deliver(WAYS["ban"])
    show.run_for(60)
    assert show.outcome("after") == "played"
    assert traces_of(show, mark) == []
    show.check_quiet()


def lines_of(show: Simulation, names: str, text: str) -> list[ChatMessage]:
    return [show.line(text, name, f"by {name}", platform="twitch") for name in names.split()]


def test_one_of_many_who_asked_the_same_is_removed(show: Simulation) -> None:
    show.lose("tts")
    show.deliver(ChatLines(lines=lines_of(show, "Ann Bob Zed", "what game is this")))
    show.recover("tts")
    show.run_until(lambda s: bool(s.of(ClauseEvent)))
    assert len(show.of(TurnEvent)[0].message_ids) == 3
    show.deliver(Removed(platform="twitch", author_id="twitch:zed", reason="banned"))
    show.run_for(60)
    assert show.outcome("by Zed") == "removed"
    assert show.outcome("by Ann") == show.outcome("by Bob") == "played"
    assert show.of(TraceEvent)[-1].message_ids == ["by Ann", "by Bob"]
    assert "by Zed" not in str(show.core.history.of("nova"))
    show.check_quiet()


@pytest.mark.parametrize("approve", [False, True])
def test_one_of_many_whose_reply_waits_for_approval_is_removed(
    show: Simulation, approve: bool
) -> None:
    show.core.set_mode("approval")
    show.lose("tts")
    show.deliver(ChatLines(lines=lines_of(show, "Ann Bob Zed", "what game is this")))
    show.recover("tts")
    show.run_for(20)
    (item,) = show.core.approvals.waiting
    if approve:
        show.core.approve(item.id)
        show.run_until(lambda s: bool(s.of(ClauseEvent)))
    show.core.set_mode("open")
    show.deliver(Removed(platform="twitch", author_id="twitch:zed", reason="banned"))
    show.run_for(60)
    assert show.outcome("by Zed") == "removed"
    assert show.outcome("by Ann") == show.outcome("by Bob") == "played"
    assert not show.core.approvals.waiting + show.core.approvals.approved
    assert show.of(TraceEvent)[-1].message_ids == ["by Ann", "by Bob"]
    show.check_quiet()


@pytest.mark.parametrize("heard", [False, True])
def test_one_of_a_crowd_is_removed(tmp_path: Path, heard: bool) -> None:
    show = Simulation(tmp_path, config(idle_after_s=0.0, crowd_per_minute=2)).start()
    show.reply = parrot
    show.lose("tts")
    lines = [
        *lines_of(show, "Ann", "what game is this"),
        *lines_of(show, "Bob", "where do you live"),
        *lines_of(show, "Zed", "I want a zebra"),
        *lines_of(show, "Cleo", "good evening everybody"),
    ]
    show.deliver(ChatLines(lines=lines))
    show.recover("tts")
    show.run_until(lambda s: bool(s.of(ClauseEvent) if heard else s.sent_to("llm", Generate)))
    assert "by Zed" in show.of(TurnEvent)[0].message_ids
    mark = len(show.sent)
    show.deliver(Removed(platform="twitch", message_ids=["by Zed"], reason="deleted"))
    assert not show.fence.allows(1)
    show.run_for(120)
    assert show.outcome("by Zed") == "removed"
    assert {show.outcome(f"by {name}") for name in ("Ann", "Bob", "Cleo")} == {"played"}
    assert traces_of(show, mark) == []
    show.check_quiet()


def test_what_is_unknown_may_be_removed(show: Simulation) -> None:
    first = show.chat("hello", "Ann")
    for removed in WAYS.values():
        if not removed.everything:
            show.deliver(removed)
    show.deliver(Removed(platform="twitch", everything=True))
    show.deliver(Removed(platform="console"))
    show.deliver(Removed(platform="console", message_ids=[""]))
    show.run_for(30)
    assert show.outcome(first) == "played"
    assert not show.cancels
    show.check_quiet()


def test_a_line_that_comes_after_its_own_removal_is_not_answered(show: Simulation) -> None:
    show.deliver(WAYS["id"])
    ask(show)
    show.run_for(30)
    assert not show.opened
    assert show.outcome("target") == "removed"
    assert ["target"] in [m.message_ids for m in show.sent_to("chat", Taken)]


def test_memory_that_was_away_is_told_when_it_is_back(show: Simulation) -> None:
    show.lose("memory")
    show.deliver(WAYS["ban"])
    show.deliver(WAYS["id"])
    assert not show.sent_to("memory", Forget)
    show.recover("memory")
    told = show.sent_to("memory", Forget)
    assert told == [Forget(author_id=ZED), Forget(message_ids=["target"])]
    show.run_for(1)
    again = Simulation(show.path).start()  # and a director that comes later says so, too
    assert again.sent_to("memory", Forget) == told
    again.chat("I may speak again", "Zed")
    third = Simulation(show.path).start()
    assert third.sent_to("memory", Forget) == [Forget(message_ids=["target"])]


def test_who_takes_part_in_removed_turns_is_told_why(show: Simulation) -> None:
    audible(show)
    show.deliver(WAYS["ban"])
    show.run_for(5)
    trace = show.traces[0]
    assert trace.outcome is TurnOutcome.REMOVED
    assert trace.reason == "banned"
    assert show.core.show.mode is ShowMode.OPEN
