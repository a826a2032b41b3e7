"""Category unit: barge-ins at random moments, and everything else at once while people speak."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from director_simulation import MS, Simulation, config
from hypothesis import given
from hypothesis import settings as chosen
from hypothesis import strategies as st
from test_director_chaos import WORKERS, anything

from ipc.config import GateSection, GateTighten, SpeechSection
from ipc.protocol import Caption, ChatOutcomeEvent, TraceEvent, TurnEvent
from ipc.states import TurnOutcome, WorkerState

SENTENCES = (
    "That is not how it went.",
    "Nova, wait, I have a question for you.",
    "Can you say that again please?",
    "You know what, I do not believe a word of this story and nobody else does.",
)
STORIES = (
    "Well, let me tell you a long story about the sea. It begins with a small boat and a cat. "
    "The cat could sail better than anybody else in town.",
    "I was thinking about that all day! There is so much to say about it, really. First of all, "
    "nobody asked me. And then it began to rain, so we went home.",
)
KNOWN_WITHIN_NS = 900 * MS  # two words, or 0.7 s, and the next partial
STOPPED_WITHIN_NS = 410 * MS


def words(text: str) -> list[str]:
    """As they are compared: without what a cut takes off the end."""
    return [word for word in (one.strip(" .,;:—!?") for one in text.split()) if word]


def check_speech(show: Simulation) -> None:
    """Every utterance had one end, and of every turn she remembers what was heard."""
    settled = [e.message_id for e in show.of(ChatOutcomeEvent) if e.outcome != TurnOutcome.HELD]
    assert len(settled) == len(set(settled))
    for trace in show.traces:
        assert words(trace.reply) == words(" ".join(show.heard.get(trace.turn, [])))


@pytest.mark.parametrize("policy", ["stop", "finish"])
def test_two_hundred_barge_ins(tmp_path: Path, policy: str) -> None:
    chance = random.Random(f"barge {policy}")
    speech = SpeechSection(policy=policy)  # type: ignore[arg-type]  # one of its literals
    show = Simulation(tmp_path, config(idle_after_s=0.0, history_turns=500, speech=speech))
    show.memories = []
    show.start()
    answered, listened = set[int](), set[int]()
    cut = 0
    for _ in range(200):
        show.reply = chance.choice(STORIES)
        show.token_ms = chance.choice([5.0, 20.0, 60.0])
        show.made_ms = chance.choice([10.0, 60.0])
        show.chat("tell me a story", author="Cleo")
        show.run_for(chance.uniform(0.0, 11.0))
        show.reply = f"I heard you. This is number {len(show.speeches)}, and all of it is said."
        kind = chance.randrange(10)
        source = chance.choice(["Ann", "Bob"])
        open_before = {turn.number for turn in show.core.turns if turn.audible}
        if kind < 7:
            one = show.speak(chance.choice(SENTENCES), source)
            answered.add(one.number)
        elif kind < 8:
            one = show.speak(chance.choice(["Mhm.", "haha", "okay"]), source)
            listened.add(one.number)
        else:
            one = show.speak("khrm", source, ignored="a cough")
            listened.add(one.number)
        before = {trace.turn for trace in show.traces}
        show.run_until(lambda s, one=one: one.told_ns != 0 and s.core.turns == [])  # type: ignore[misc]  # bound now
        assert show.stage.gain == 1.0
        over = [trace for trace in show.traces if trace.turn in open_before - before]
        if one.number in answered:
            reply = [t for t in show.traces if one.number in map(voice, t.message_ids)][-1]
            assert (reply.outcome, reply.reply) == (TurnOutcome.PLAYED, reply.generated)
            assert reply.reply.endswith("all of it is said.")
            deadline = one.began_ns + KNOWN_WITHIN_NS + STOPPED_WITHIN_NS
            if policy == "stop":
                for _turn, since, until in show.sounded:
                    assert until <= deadline or since >= one.told_ns, "she is silent in time"
            cut += sum(trace.outcome == TurnOutcome.SKIPPED for trace in over)
        else:
            assert all(trace.outcome == TurnOutcome.PLAYED for trace in over)
    show.run_for(60)
    show.check_quiet()
    check_speech(show)
    told = [voice(e.message_id) for e in show.of(ChatOutcomeEvent)]
    assert sorted(n for n in told if n) == sorted(answered), "each once, and no other"
    assert cut >= 60, "most of them came while she spoke"
    kept = [words(one.reply) for one in show.core.history.of(show.core.show.persona)]
    heard = [words(" ".join(show.heard[t.turn])) for t in show.traces if t.turn in show.heard]
    assert kept == [one for one in heard if one]


def voice(message_id: str) -> int:
    """The number of the utterance that has this id; 0 for a line of chat."""
    return int(message_id.rpartition(":")[2]) if message_id.startswith("voice:") else 0


def somebody_speaks(show: Simulation, chance: random.Random) -> None:
    source = chance.choice(["Ann", "Bob", "Cleo"])
    if any(one.source == source and show.now < one.ended_ns for one in show.speeches):
        return  # nobody talks twice at once
    text = chance.choice([*SENTENCES, "mhm", "What?", "word " * 90])
    ignored = chance.choice(["", "", "a noise"])
    final = chance.choice([None, None, "something else was said"])
    show.speak(text, source, ignored=ignored, final_text=final)


def watch(show: Simulation, *, patient: bool = False) -> None:
    """What may never be, at any moment. ``patient``: she would wait for ever."""
    speaking = any(one.known for one in show.speeches)
    if speaking and patient:
        mine = {event.turn for event in show.of(TurnEvent) if event.source == "operator"}
        for at_ns, _to, message in reversed(show.sent):
            if at_ns < show.now:
                break
            begins = isinstance(message, Caption) and message.clause == 0
            assert not begins or message.turn in mine, "a reply began while somebody spoke"
    if show.states["stage"].serves and not speaking:
        assert show.stage.gain == 1.0, "a duck stuck"


@pytest.mark.parametrize("seed", range(40))
def test_no_duck_sticks_and_nothing_stays_open_whatever_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(f"speech {seed}")
    gate = GateSection(tighten=GateTighten(persona="umbra", to=chance.choice(["safe", "approval"])))
    show = Simulation(tmp_path, config(gate=gate, idle_after_s=20.0)).start()
    show.watch = lambda: watch(show)
    for _ in range(80):
        kind = chance.randrange(10)
        if kind < 4:
            somebody_speaks(show, chance)
        elif kind < 5:
            show.core.set_barge(chance.choice(["ignore", "duck", "stop", "finish"]))
        elif kind < 6 and show.states["stt"].serves:
            if chance.random() < 0.3:
                show.lose("stt", chance.choice([WorkerState.BACKOFF, WorkerState.FAILED]))
        elif kind < 7 and not show.states["stt"].serves:
            show.recover("stt")
        else:
            anything(show, chance)
        show.run_for(chance.choice([0.0, 0.005, 0.1, 0.3, 0.5, 2.0, 6.0]))
    for name in (*WORKERS, "stt"):
        if not show.states[name].serves:
            show.recover(name)
    show.core.set_mode("open")
    show.core.set_slow(0)
    show.core.set_delay(0)
    show.core.release()
    show.run_for(300)
    show.reply = "Hello Dora."
    last = show.speak("hello are you still there", "Dora")
    show.run_until(lambda s: any(voice(t.message_ids[0]) == last.number for t in with_ids(s)), 60)
    assert with_ids(show)[-1].reply == "Hello Dora."
    show.core.hold()
    show.run_for(60)
    show.check_quiet()
    show.check_gone()
    assert show.stage.gain == 1.0
    settled = [e.message_id for e in show.of(ChatOutcomeEvent) if e.outcome != TurnOutcome.HELD]
    assert len(settled) == len(set(settled))
    assert len(show.core.spoken) == 0


def with_ids(show: Simulation) -> list[TraceEvent]:
    return [trace for trace in show.traces if trace.message_ids]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "speak",
                "word",
                "noise",
                "chat",
                "say",
                "skip",
                "dump",
                "hold",
                "release",
                "mute",
                "ignore",
                "duck",
                "stop",
                "finish",
                "lose stt",
                "lose stage",
                "back",
                "approval",
            ]
        ),
        st.sampled_from([0.0, 0.15, 0.6, 1.1, 4.0]),
    ),
    max_size=25,
)


@chosen(max_examples=60, deadline=None)
@given(actions=ACTIONS)
def test_her_loudness_always_comes_back(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, float]]
) -> None:
    settings = config(idle_after_s=0.0, speech=SpeechSection(max_wait_s=1e6))
    show = Simulation(tmp_path_factory.mktemp("show"), settings).start()
    show.watch = lambda: watch(show, patient=True)
    core = show.core
    for action, wait_s in actions:
        match action:
            case "speak":
                show.speak("I would like to say something too", f"Guest {len(show.speeches)}")
            case "word":
                show.speak("mhm", f"Guest {len(show.speeches)}")
            case "noise":
                show.speak("khrm", f"Guest {len(show.speeches)}", ignored="noise")
            case "chat":
                show.chat("hi")
            case "say":
                core.say("This is the operator. All is well.", show.now)
            case "skip" if core.turns:
                core.skip()
            case "dump":
                core.dump()
            case "hold":
                core.hold("by hand")
            case "release":
                core.release()
            case "mute":
                core.mute(muted=not core.show.muted)
            case "ignore" | "duck" | "stop" | "finish":
                core.set_barge(action)
            case "lose stt" | "lose stage":
                if show.states[worker := action.split()[1]].serves:
                    show.lose(worker)
            case "back":
                for worker in ("stt", "stage"):
                    if not show.states[worker].serves:
                        show.recover(worker)
            case "approval":
                core.set_mode("approval")
        show.run_for(wait_s)
    if not show.states["stage"].serves:
        show.recover("stage")
    show.run_for(120)
    assert show.stage.gain == 1.0
    show.check_quiet()
