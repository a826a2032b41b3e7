"""Unit: what is written down when, and what is told of it. The engine is let word by word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pytest
from stt_rig import WINDOW_NS, GatedEngine, levels, pcm, spoken_by_level

from ipc.config.stt import SttSection, VadSection
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechPartial, SpeechStarted
from workers.stt.audio import BadSound
from workers.stt.ears import HERS, Ear, Ears, Told
from workers.stt.scribe import Scribe

SETTINGS = SttSection(
    partial_s=0.64,
    headphones=["guest"],
    vad=VadSection(
        start_ms=96, pause_ms=96, min_silence_ms=320, min_speech_ms=160, pre_roll_ms=96, max_s=5
    ),
)
SPEECH, SILENCE = 0.8, 0.0
HER_LINE = "I think the moon looks like a big slice of cheese tonight"
T = TypeVar("T")


@dataclass
class Clock:
    """Moves with the sound."""

    ns: int = 10**12

    def __call__(self) -> int:
        return self.ns


@dataclass
class Room:
    ears: Ears
    scribe: Scribe
    engine: GatedEngine
    clock: Clock
    told: list[Told]
    open: dict[str, Ear] = field(default_factory=dict)

    def ear(self, name: str, **how: Any) -> Ear:
        if name not in self.open:
            self.open[name] = self.ears.open(name, 16_000, **how)
        return self.open[name]

    def hear(self, chance: float, count: int, name: str = "mic") -> None:
        ear = self.ear(name)
        for _ in range(count):
            self.clock.ns += WINDOW_NS
            ear.push(pcm(levels(chance)))

    async def written(self, text: str, asked: int, logprob: float = -0.1) -> None:
        """Hearing number ``asked`` is over, with this text."""
        await self.engine.until_asked(asked)
        self.engine.let(text, logprob)
        await self.scribe.idle()

    def all(self, kind: type[T]) -> list[T]:
        return [message for message in self.told if isinstance(message, kind)]


@asynccontextmanager
async def room(settings: SttSection = SETTINGS) -> AsyncIterator[Room]:
    engine = GatedEngine()
    scribe = Scribe(engine)
    await scribe.load(lambda _: None)
    running = asyncio.create_task(scribe.run())
    clock = Clock()
    told: list[Told] = []
    made = Ears(settings, scribe, lambda: spoken_by_level, told.append, clock)
    try:
        yield Room(made, scribe, engine, clock, told)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await scribe.close()


async def test_the_final_is_ready_when_the_silence_has_lasted() -> None:
    async with room() as r:
        began = r.clock.ns
        r.hear(SPEECH, 15)
        assert r.told == [SpeechStarted(source="mic", utterance=1, at_ns=began)]
        r.hear(SILENCE, 3)  # written down now, before the end is known
        await r.written("Hello there.", 1)
        assert r.engine.asked[0][1] is True
        assert [p.paused for p in r.all(SpeechPartial)] == [True]
        assert r.all(SpeechFinal) == []
        r.hear(SILENCE, 6)
        assert r.all(SpeechFinal) == []
        r.hear(SILENCE, 1)
        ended = began + 15 * WINDOW_NS
        assert r.all(SpeechFinal) == [
            SpeechFinal(
                source="mic",
                utterance=1,
                text="Hello there.",
                started_ns=began,
                ended_ns=ended,
                engine_ns=r.clock.ns - ended,
            )
        ]
        assert len(r.engine.asked) == 1  # nothing was heard twice


async def test_a_final_that_comes_late_is_told_when_it_comes() -> None:
    async with room() as r:
        r.hear(SPEECH, 15)
        r.hear(SILENCE, 12)
        assert r.all(SpeechFinal) == []
        await r.written("Hello there.", 1)
        assert [f.text for f in r.all(SpeechFinal)] == ["Hello there."]


async def test_going_on_after_a_pause_makes_one_utterance() -> None:
    async with room() as r:
        r.hear(SPEECH, 15)
        r.hear(SILENCE, 4)
        await r.written("Hello", 1)
        r.hear(SPEECH, 10)
        r.hear(SILENCE, 3)
        await r.written("Hello my friend.", 2)
        r.hear(SILENCE, 10)
        assert [f.text for f in r.all(SpeechFinal)] == ["Hello my friend."]
        assert len(r.all(SpeechStarted)) == 1


async def test_going_on_abandons_the_hearing_under_way() -> None:
    async with room() as r:
        r.hear(SPEECH, 15)
        r.hear(SILENCE, 4)
        await r.engine.until_asked(1)
        r.hear(SPEECH, 1)
        await r.scribe.idle()
        assert r.engine.abandoned == ["mic/1"]
        assert r.all(SpeechPartial) == []


async def test_partials_while_speaking_with_a_stable_beginning() -> None:
    async with room() as r:
        r.hear(SPEECH, 22)
        await r.written("The weather in", 1)
        r.hear(SPEECH, 22)
        await r.written("The weather in the mountains", 2)
        partials = r.all(SpeechPartial)
        assert [p.text for p in partials] == ["The weather in", "The weather in the mountains"]
        assert [p.stable for p in partials] == ["", "The weather"]
        assert [p.paused for p in partials] == [False, False]
        assert [thorough for _, thorough, _ in r.engine.asked] == [False, False]


async def test_partials_come_no_faster_than_the_machine_follows() -> None:
    async with room() as r:
        r.hear(SPEECH, 60)  # the engine is still at the first
        await r.engine.until_asked(1)
        assert len(r.engine.asked) == 1
        await r.written("The weather", 1)
        assert len(r.engine.asked) == 1
        r.hear(SPEECH, 30)
        await r.engine.until_asked(2)


async def test_a_pause_abandons_the_partial_that_is_in_the_way() -> None:
    async with room() as r:
        r.hear(SPEECH, 25)
        await r.engine.until_asked(1)
        r.hear(SILENCE, 3)
        await r.written("All of it.", 2)
        r.hear(SILENCE, 10)
        assert [f.text for f in r.all(SpeechFinal)] == ["All of it."]
        assert r.engine.abandoned == ["mic/1"]


async def test_a_cough_is_ignored_without_asking_the_engine() -> None:
    async with room() as r:
        r.hear(SPEECH, 4)
        r.hear(SILENCE, 12)
        assert [i.reason for i in r.all(SpeechIgnored)] == ["too short for words"]
        assert r.engine.asked == []


@pytest.mark.parametrize(
    ("text", "logprob"), [("", -0.1), ("[MUSIC]", -0.1), ("Frob.", -1.4), ("Thank you.", -0.8)]
)
async def test_imagined_words_are_ignored(text: str, logprob: float) -> None:
    async with room() as r:
        r.hear(SPEECH, 15)
        r.hear(SILENCE, 12)
        await r.written(text, 1, logprob)
        assert len(r.all(SpeechIgnored)) == 1
        assert r.all(SpeechFinal) == []
        assert r.all(SpeechPartial) == []


async def test_two_people_have_their_own_utterances() -> None:
    async with room() as r:
        for _ in range(15):
            r.hear(SPEECH, 1, "ann")
            r.hear(SPEECH, 1, "ben")
        for _ in range(10):
            r.hear(SILENCE, 1, "ann")
            r.hear(SILENCE, 1, "ben")
        r.engine.let("I am first.")
        await r.written("I am second.", 2)
        finals = {f.source: (f.utterance, f.text) for f in r.all(SpeechFinal)}
        assert sorted(finals) == ["ann", "ben"]
        assert sorted(finals.values()) == [(1, "I am first."), (1, "I am second.")]


async def test_a_source_that_goes_away_is_heard_to_the_end() -> None:
    async with room() as r:
        r.hear(SPEECH, 15)
        r.ear("mic").close()
        await r.written("I must go", 1)
        assert [f.text for f in r.all(SpeechFinal)] == ["I must go"]
        r.ear("mic").push(pcm(levels(SPEECH)))  # too late: nothing happens
        assert len(r.all(SpeechStarted)) == 1


async def test_a_source_that_comes_back_counts_on() -> None:
    async with room() as r:
        for number in (1, 2):
            r.hear(SPEECH, 15)
            r.open.pop("mic").close()
            await r.written("hello again", number)
        assert [f.utterance for f in r.all(SpeechFinal)] == [1, 2]


async def test_who_takes_a_name_over_is_heard_and_the_other_is_not() -> None:
    async with room() as r:
        old = r.ear("mic")
        r.hear(SPEECH, 15)
        r.open.clear()
        r.ear("mic")
        await r.written("until here", 1)
        r.hear(SPEECH, 15)
        old.push(pcm(levels(SILENCE, SILENCE, SILENCE, SILENCE)))
        old.close()  # late: nobody's words end by it
        assert [f.text for f in r.all(SpeechFinal)] == ["until here"]
        assert r.ear("mic").speaking


async def test_names_are_not_kept_for_ever() -> None:
    async with room() as r:
        for number in range(200):
            r.ears.open(f"mic {number}", 16_000).close()
        stays = r.ears.open("stays", 16_000)
        for number in range(200):
            r.ears.open(f"other {number}", 16_000).close()
        assert len(r.ears._sources) <= 64
        assert r.ears._sources["stays"].ear is stays


async def test_too_much_for_this_machine_is_said_and_bounded() -> None:
    async with room() as r:
        for _ in range(7):
            r.hear(SPEECH, 15)
            r.hear(SILENCE, 12)
        ignored = r.all(SpeechIgnored)
        assert [i.utterance for i in ignored] == [1, 2, 3]
        assert "too slow" in ignored[0].reason


async def test_a_monologue_is_written_down_in_parts() -> None:
    async with room() as r:
        r.hear(SPEECH, 130)
        r.hear(0.45, 2)
        r.hear(SPEECH, 60)  # 5 s are 156 windows
        await r.engine.until_asked(1)
        assert r.all(SpeechStarted)[1].utterance == 2
        assert all(seconds <= 5 for _, _, seconds in r.engine.asked)


# --- her own voice ---


async def test_her_own_voice_is_no_person() -> None:
    async with room() as r:
        r.ears.playing(HER_LINE)
        r.hear(SPEECH, 22)
        await r.written("I sink the moon looks", 1)
        r.hear(SPEECH, 10)
        r.hear(SILENCE, 12)
        await r.written("I sink the moon looks like a pig slice", 2)
        assert [i.reason for i in r.all(SpeechIgnored)] == [HERS]
        assert r.all(SpeechStarted) == []  # she was never ducked for herself
        assert r.all(SpeechPartial) == []


async def test_a_person_over_her_voice_is_told_at_the_first_words() -> None:
    async with room() as r:
        r.ears.playing(HER_LINE)
        began = r.clock.ns
        r.hear(SPEECH, 22)
        assert r.told == []
        await r.written("Wait a second please", 1)
        assert r.told[0] == SpeechStarted(source="mic", utterance=1, at_ns=began)
        assert isinstance(r.told[1], SpeechPartial)
        r.hear(SILENCE, 12)
        await r.written("Wait a second, please.", 2)
        assert [f.text for f in r.all(SpeechFinal)] == ["Wait a second, please."]
        assert len(r.all(SpeechStarted)) == 1


@pytest.mark.parametrize("by", ["settings", "the source itself"])
async def test_headphones_tell_a_person_at_once(by: str) -> None:
    name = "guest" if by == "settings" else "mic"
    async with room() as r:
        r.ear(name, hears_her=by == "settings")
        r.ears.playing(HER_LINE)
        r.hear(SPEECH, 3, name)
        assert len(r.all(SpeechStarted)) == 1
        r.hear(SPEECH, 12, name)
        r.hear(SILENCE, 12, name)
        await r.written("slice of cheese tonight", 1)  # repeating her is allowed
        assert [f.text for f in r.all(SpeechFinal)] == ["slice of cheese tonight"]


# --- bad sound ---


async def test_bad_sound_is_said_to_who_sends_it() -> None:
    async with room() as r:
        with pytest.raises(BadSound, match="not whole samples"):
            r.ear("mic").push(b"\0")
        with pytest.raises(BadSound, match="rate"):
            r.ears.open("other", 10)
        r.hear(SPEECH, 15)  # the rest goes on
        assert len(r.all(SpeechStarted)) == 1


async def test_random_bytes_are_only_noise() -> None:
    async with room() as r:
        garbage = np.random.default_rng(1).integers(0, 256, 64_000, np.uint8).tobytes()
        for format_ in ("s16le", "s24le", "s32le", "f32le"):
            ear = r.ears.open(f"mic {format_}", 48_000, 2, format_)
            whole = len(garbage) // ear.frame_bytes * ear.frame_bytes
            ear.push(garbage[:whole])
            ear.close()
        assert r.all(SpeechFinal) == []
