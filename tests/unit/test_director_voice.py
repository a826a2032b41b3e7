"""What the gate finds that a reply spreads over several clauses."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from director_simulation import Simulation, config

from ipc.config import GateSection
from ipc.load import load_config
from ipc.protocol import ApprovalsEvent, ClauseEvent, NoticeEvent, Synthesise
from workers.gate import Gate, Verdict

WORDS = "drop: badword\nmask: darn\ndrop: kill your self\nhold: stars\n"
SENTENCES = (Path(__file__).parents[1] / "gate/sentences.txt").read_text("utf-8").splitlines()[1:]


@pytest.fixture
def show(tmp_path: Path) -> Simulation:
    words = tmp_path / "words.txt"
    words.write_text(WORDS)
    return Simulation(tmp_path, config(idle_after_s=0.0, gate=GateSection(words=str(words))))


def spoken(show: Simulation) -> list[str]:
    return [clause.text for clause in show.sent_to("tts", Synthesise)]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Let me spell it. b. a. d. w. o. r. d. Done.", ["Let me spell it."]),
        ("Let me spell it. B! A! D! W! O! R! D! Done.", ["Let me spell it."]),
        ("Let me spell it. ba. dw. or. d. Done.", ["Let me spell it.", "ba.", "dw.", "or."]),
        ("Now listen to me. Kill! Your! Self!", ["Now listen to me.", "Kill!", "Your!"]),
        ("You ask for it. It is 555. 123. 4567.", ["You ask for it.", "It is 555.", "123."]),
        ("You ask for it. 555! 123! 4567!", ["You ask for it.", "555!", "123!"]),
    ],
)  # fmt: skip
def test_what_is_spelled_over_clauses_ends_the_reply(
    show: Simulation, reply: str, said: list[str]
) -> None:
    show.start()
    show.reply = reply
    line = show.chat()
    show.run_for(60)
    assert spoken(show) == said
    assert show.outcome(line) == "blocked"
    show.check_quiet()


def test_of_what_is_masked_the_part_in_this_clause_is_hidden(show: Simulation) -> None:
    show.start()
    show.reply = "Let me spell it. da. rn. Done. d. a. r. n. Done again."
    line = show.chat()
    show.run_for(60)
    assert spoken(show) == ["Let me spell it.", "da.", "beep.", "Done.", "beep. Done again."]
    assert show.outcome(line) == "played"


def test_what_is_held_counts_as_well(show: Simulation) -> None:
    """It is approved as a whole: what is in it must not be said even then."""
    show.start()
    show.reply = "Look at the stars. ba. dw. or. d. Done."
    line = show.chat()
    show.run_for(60)
    assert spoken(show) == []
    assert show.outcome(line) == "blocked"
    assert not [item for event in show.of(ApprovalsEvent) for item in event.items]


def test_what_a_person_approves_is_masked_in_what_the_voice_makes_of_it(show: Simulation) -> None:
    show.start()
    show.core.say("Look at the stars, d|a~r~n it.", 0)
    show.run_for(30)
    assert spoken(show) == ["Look at the stars,", "beep it."]
    show.core.say("The d|a~r~n stars!", 0)
    show.run_for(30)
    assert spoken(show)[2:] == ["The beep stars!"]


def test_the_end_of_one_sentence_and_the_next_make_no_word(tmp_path: Path) -> None:
    show = Simulation(tmp_path, config(idle_after_s=0.0)).start()
    show.reply = "That was a good one lol. I can't believe it. And again lol! Is it over?"
    line = show.chat()
    show.run_for(60)
    assert show.outcome(line) == "played"
    assert len(spoken(show)) == 4


@pytest.mark.parametrize("seed", range(8))
def test_long_ordinary_replies_are_said_whole(tmp_path: Path, seed: int) -> None:
    """Sentences that are each in order are so in a row, whatever their order."""
    dice = random.Random(seed)
    gate = Gate(load_config(env={}).gate, "output")
    gate.refresh(0)
    harmless = [one for one in SENTENCES if gate.judge(one).verdict is Verdict.ALLOW]
    assert len(harmless) > 200
    ends = re.compile(r"(?<=[^.!?…])$")
    reply = " ".join(ends.sub(dice.choice(".!?"), dice.choice(harmless)) for _ in range(25))
    show = Simulation(tmp_path, config(idle_after_s=0.0)).start()
    show.reply = reply
    show.first_token_ms = show.token_ms = 1.0
    line = show.chat()
    show.run_for(400)
    assert show.outcome(line) == "played"
    assert {event.verdict for event in show.of(ClauseEvent)} == {"allow"}


def test_without_its_classifier_everything_is_held_and_said_to_be(tmp_path: Path) -> None:
    gate = GateSection(classifier=str(tmp_path / "none"))
    show = Simulation(tmp_path, config(idle_after_s=0.0, gate=gate)).start()
    show.chat()
    show.run_for(30)
    assert spoken(show) == []
    assert len(show.of(ApprovalsEvent)[-1].items) == 1
    (notice,) = show.of(NoticeEvent)
    assert notice.level == "error"
    assert "classifier" in notice.text
    assert "every reply waits for approval" in notice.hint
    assert "stays in use" not in notice.hint
    assert "every reply waits for approval" in show.problem_text


def test_a_list_that_breaks_stays_in_use_and_is_said_to(show: Simulation) -> None:
    words = show.path / "words.txt"
    show.start()
    words.write_text("explode: hat\n")
    show.run_for(2)
    show.chat()
    show.run_for(30)
    (notice,) = show.of(NoticeEvent)
    assert notice.level == "warning"
    assert "stays in use" in notice.hint
    assert show.problem_text == ""
    assert spoken(show), "she goes on"
