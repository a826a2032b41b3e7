"""Category: engines. The three workers as real processes, with their real engines."""

from __future__ import annotations

import itertools
import signal
from functools import partial

import msgspec
import pytest
from small_show import MakeShow, SmallShow

from ipc.config import Config, LlmSection, MemorySection, PersonaSection, TtsScripted, TtsSection
from ipc.protocol import (
    AudioChunk,
    AudioCredit,
    Generate,
    Generated,
    NoticeEvent,
    PromptMessage,
    Recall,
    Recalled,
    Remember,
    Synthesise,
    Synthesised,
    Tokens,
    Voice,
)
from ipc.states import Finish

PERSONAS = {"nova": PersonaSection(name="Nova", system="You are Nova.")}


def prompt(text: str) -> list[PromptMessage]:
    return [
        PromptMessage(role="system", content="You are Nova, a cheerful streamer. " * 5),
        PromptMessage(role="user", content=text),
    ]


@pytest.mark.parametrize("engine", ["llama_cpp", "scripted"])
async def test_llm_streams_a_reply_and_obeys_the_fence(small_show: MakeShow, engine: str) -> None:
    show = small_show(msgspec.convert({"llm": {"engine": engine}}, Config))
    ready = await show.start("llm", fence=3)
    assert ready.details["engine"] in {"llama.cpp", "scripted"}
    show.send(Generate(turn=3, prompt=prompt("dead already")))
    show.send(Generate(turn=4, prompt=prompt("Hello, how are you?"), max_tokens=12))
    done = await show.director.until(lambda m: isinstance(m, Generated))
    assert done.turn == 4
    assert done.finish in {Finish.STOP, Finish.LENGTH}
    tokens = show.director.of(Tokens)
    assert {t.turn for t in tokens} == {4}
    assert "".join(t.text for t in tokens).strip()
    assert all(a.engine_ns < b.engine_ns for a, b in itertools.pairwise(tokens))
    assert await show.drain() == 0


async def test_llm_tells_nothing_of_a_cancelled_turn(small_show: MakeShow) -> None:
    show = small_show(Config(llm=LlmSection()))
    await show.start("llm")
    show.send(Generate(turn=1, prompt=prompt("Tell me a very long story."), max_tokens=400))
    await show.director.until(lambda m: isinstance(m, Tokens))
    await show.cancel(1)
    so_far = len(show.director.messages)
    show.send(Generate(turn=2, prompt=prompt("Hello!"), max_tokens=8))
    await show.director.until(lambda m: isinstance(m, Generated))
    late = [m for m in show.director.messages[so_far:] if m.turn == 1]
    # what was in the pipe when the worker acknowledged may still arrive, the rest must not
    assert len(late) <= 2
    assert not [m for m in show.director.of(Generated) if m.turn == 1]


async def test_tts_keeps_to_the_credit_and_goes_on_when_it_comes(small_show: MakeShow) -> None:
    config = Config(
        personas=PERSONAS,
        tts=TtsSection(engine="scripted", scripted=TtsScripted(first_audio_ms=5, speed=1000)),
    )
    show = small_show(config)
    await show.start("tts")
    show.send(Synthesise(turn=1, clause=0, text="word " * 20, voice=Voice()))  # 6 s; 4 s may go
    limit = int(config.stage.audio_ahead_s * 24_000)
    piece = int(0.4 * 24_000)  # with this much sound out it travels in larger pieces
    await show.stage.until(lambda _m: sum(map(len, show.stage.payloads)) // 2 > limit - piece)
    assert sum(map(len, show.stage.payloads)) // 2 <= limit
    assert not show.director.of(Synthesised)
    show.send(AudioCredit(turn=1, consumed=limit))
    done = await show.director.until(lambda m: isinstance(m, Synthesised))
    assert done.audio_s == pytest.approx(6.0, abs=0.01)
    await show.stage.until(lambda m: isinstance(m, AudioChunk) and m.last)
    assert [c.seq for c in show.stage.of(AudioChunk)] == list(range(len(show.stage.messages)))


async def test_tts_forgets_what_a_dead_turn_had_outstanding(small_show: MakeShow) -> None:
    config = Config(
        personas=PERSONAS,
        tts=TtsSection(engine="scripted", scripted=TtsScripted(first_audio_ms=5, speed=1000)),
    )
    show = small_show(config)
    await show.start("tts")
    show.send(Synthesise(turn=1, clause=0, text="word " * 20, voice=Voice()))
    await show.stage.until(lambda _m: sum(map(len, show.stage.payloads)) // 2 > 3.6 * 24_000)
    await show.cancel(1)
    show.send(Synthesise(turn=2, clause=0, text="word " * 10, voice=Voice()))
    done = await show.director.until(lambda m: isinstance(m, Synthesised))
    assert (done.turn, done.error) == (2, "")


async def test_tts_answers_what_cannot_be_spoken(small_show: MakeShow) -> None:
    show = small_show(Config(personas=PERSONAS))
    await show.start("tts")
    show.send(Synthesise(turn=1, clause=0, text="...", voice=Voice(name="heart")))
    show.send(Synthesise(turn=1, clause=1, text="Hello there.", voice=Voice(name="heart")))
    await show.director.until(lambda m: isinstance(m, Synthesised) and m.clause == 1)
    await show.stage.until(lambda m: isinstance(m, AudioChunk) and m.clause == 1 and m.last)
    silent, spoken = show.director.of(Synthesised)
    assert silent.error
    assert silent.audio_s == 0
    assert not spoken.error
    assert spoken.audio_s > 0.4
    chunks = show.stage.of(AudioChunk)
    assert [c.last for c in chunks if c.clause == 0] == [True]


def remember(text: str, reply: str = "Noted.") -> Remember:
    return Remember(
        turn=1,
        platform="console",
        author="Mia",
        author_id="mia",
        text=text,
        reply=reply,
        persona="Nova",
        at=1.0,
    )


async def until_known(show: SmallShow, count: int) -> None:
    """Remember is not answered: ask until that many memories are found."""
    for turn in itertools.count(10):
        show.send(Recall(turn=turn, query="dog Biscuit Lisbon sea", limit=5))
        answer = await show.director.until(partial(answers, turn))
        if len(answer.hits) == count:
            return


def answers(turn: int, message: object) -> bool:
    return isinstance(message, Recalled) and message.turn == turn


async def test_a_missing_memory_model_is_a_configuration_error(small_show: MakeShow) -> None:
    section = msgspec.convert({"engine": "minilm", "model": "/nope"}, MemorySection)
    show = small_show(Config(memory=section))
    with pytest.raises(AssertionError, match=r"exit_code=78.*memory\.model = '/nope'"):
        await show.start("memory")


@pytest.mark.parametrize("engine", ["hash", "minilm"])
async def test_memory_recalls_survives_a_drain_and_forgets(
    small_show: MakeShow, engine: str
) -> None:
    section = msgspec.convert({"engine": engine, "flush_s": 60.0, "min_score": 0.0}, MemorySection)
    show = small_show(Config(memory=section))
    await show.start("memory")
    show.send(remember("my dog is called Biscuit"))
    show.send(remember("I live in Lisbon by the sea"))
    await until_known(show, 2)
    assert await show.drain() == 0  # not yet written: the drain must do it

    show.director.messages.clear()
    ready = await show.start("memory")
    assert ready.details["memories"] == "2"
    result = await show.command("recall", text="what is the dog called?")
    assert "Biscuit" in result.result[0]["text"]
    forgotten = await show.command("forget", id=result.result[0]["id"])
    assert not forgotten.error
    again = await show.command("recall", text="what is the dog called?")
    assert all("Biscuit" not in hit["text"] for hit in again.result)
    unknown = await show.command("forget", id="nobody")
    assert unknown.error
    assert await show.kill(signal.SIGTERM) == 0


async def test_a_damaged_memory_is_moved_aside(small_show: MakeShow) -> None:
    show = small_show(Config(memory=MemorySection(engine="hash", min_score=0.0)))
    await show.start("memory")
    show.send(remember("my dog is called Biscuit"))
    await until_known(show, 1)
    assert await show.drain() == 0
    table = show.directory / "state" / "memory" / "exchanges.lance"
    for file in (table / "data").iterdir():
        file.write_bytes(b"broken")
    ready = await show.start("memory")
    assert ready.details["memories"] == "0"
    notice = await show.events.until(lambda e: isinstance(e, NoticeEvent))
    assert "broken" in notice.text
    assert await show.drain() == 0
