"""Engines: faster-whisper and Silero on made speech, and ten minutes in which nobody speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soxr
from gen_noises import NOISES
from measure_ears import errors, spoken_words
from stt_rig import Place, Speaker, pcm, wav

from ipc.config.stt import DoubtSection, SttSection
from ipc.errors import ModelMissing
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechPartial, SpeechStarted
from workers.stt.audio import RATE, Samples
from workers.stt.doubt import doubt
from workers.stt.ears import HERS, Ears, Told
from workers.stt.hearing import Hearing
from workers.stt.scribe import Scribe
from workers.stt.vad import Silero, load_silero
from workers.stt.whisper import WhisperEngine

SENTENCES = (Path(__file__).parent / "spoken.txt").read_text().splitlines()
SETTINGS = SttSection(page=False, partial_s=1.0)


@pytest.fixture(scope="module")
def whisper() -> WhisperEngine:
    engine = WhisperEngine(SETTINGS)
    engine.load(lambda _: None)
    return engine


class Loaded(WhisperEngine):
    """The module's engine, without loading it for every test."""

    def __init__(self, engine: WhisperEngine) -> None:
        self.__dict__.update(engine.__dict__)

    def load(self, progress: object) -> dict[str, str]:
        return {}


class Listener:
    def __init__(self, engine: WhisperEngine) -> None:
        self.told: list[Told] = []
        self.scribe = Scribe(Loaded(engine))
        session = load_silero()
        self.now_ns = 10**12  # moves with the sound
        self.ears = Ears(
            SETTINGS,
            self.scribe,
            lambda: Silero(session).probability,
            self.told.append,
            lambda: self.now_ns,
        )

    async def hear(self, sound: Samples, name: str = "mic") -> list[Told]:
        """As fast as the machine can; what was told of it."""
        self.told.clear()
        ear = self.ears.open(name, RATE)
        data = pcm(sound)
        for at in range(0, len(data), 16_000):
            self.now_ns += len(data[at : at + 16_000]) * 10**9 // (2 * RATE)
            ear.push(data[at : at + 16_000])
            await self.scribe.idle()
        ear.close()
        await self.scribe.idle()
        return list(self.told)


@asynccontextmanager
async def listener(engine: WhisperEngine) -> AsyncIterator[Listener]:
    made = Listener(engine)
    await made.scribe.load(lambda _: None)
    running = asyncio.create_task(made.scribe.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await made.scribe.close()


async def test_sentences_are_heard(whisper: WhisperEngine, speaker: Speaker) -> None:
    wrong = count = 0
    async with listener(whisper) as ears:
        for text in SENTENCES[:12]:
            told = await ears.hear(speaker.between_silence(text))
            assert isinstance(told[0], SpeechStarted)
            got = " ".join(m.text for m in told if isinstance(m, SpeechFinal))
            wrong += errors(spoken_words(text), spoken_words(got))
            count += len(spoken_words(text))
    assert wrong / count <= 0.08


async def test_every_utterance_is_begun_and_ended_once(
    whisper: WhisperEngine, speaker: Speaker
) -> None:
    sound = np.concatenate([speaker.between_silence(text) for text in SENTENCES[:4]])
    async with listener(whisper) as ears:
        told = await ears.hear(sound)
    begun = [m.utterance for m in told if isinstance(m, SpeechStarted)]
    ended = [m.utterance for m in told if isinstance(m, (SpeechFinal, SpeechIgnored))]
    assert begun == ended == list(range(1, len(begun) + 1))
    assert any(isinstance(m, SpeechPartial) for m in told)
    for message in told:
        if isinstance(message, SpeechPartial):
            assert message.text.startswith(message.stable)


@pytest.mark.parametrize("name", NOISES)
async def test_ten_minutes_without_a_person_give_no_words(
    whisper: WhisperEngine, name: str
) -> None:
    """Ten minutes over all kinds; scripts/measure_ears.py listens to ten of each."""
    sound = NOISES[name](600 / len(NOISES), np.random.default_rng(len(name)))
    async with listener(whisper) as ears:
        told = await ears.hear(sound)
    assert [m.text for m in told if isinstance(m, (SpeechFinal, SpeechPartial))] == []


@pytest.mark.parametrize("name", NOISES)
def test_noise_that_passed_the_detector_is_doubted(whisper: WhisperEngine, name: str) -> None:
    """As if the voice detector had taken all of it for speech."""
    sound = NOISES[name](24, np.random.default_rng(7)).reshape(8, -1)
    believed = []
    for piece in sound:
        heard = whisper.hear(piece, utterance="", thorough=True, unwanted=lambda: False)
        if not doubt(heard, 3.0, DoubtSection()):
            believed.append(heard)
    assert believed == []


async def test_her_voice_through_the_loudspeaker(whisper: WhisperEngine, speaker: Speaker) -> None:
    """Quiet, with an echo of the room and noise, as a microphone across it hears it."""
    hers, theirs = SENTENCES[5], "Could you help me carry this box up the stairs?"
    async with listener(whisper) as ears:
        for text, ignored in ((hers, True), (theirs, False)):
            clean = speaker.between_silence(text)
            room = np.zeros(RATE // 4)
            room[[0, 900, 2100, 3700]] = (0.5, 0.25, 0.15, 0.1)
            sound = np.convolve(clean, room)[: len(clean)] * 0.4
            sound += np.random.default_rng(1).standard_normal(len(sound)) * 0.003
            ears.ears.playing(hers)  # half a second before the sound: the room was quiet
            told = await ears.hear(sound.astype(np.float32))
            finals = [m.text for m in told if isinstance(m, SpeechFinal)]
            reasons = [m.reason for m in told if isinstance(m, SpeechIgnored)]
            assert (reasons == [HERS]) is ignored, told
            assert (finals == []) is ignored, told


async def test_a_file_is_heard_and_a_missing_one_is_told(tmp_path: Path, speaker: Speaker) -> None:
    """The whole of hearing: 24-bit stereo at an odd rate, in real time."""

    sound = soxr.resample(speaker.between_silence(SENTENCES[3], 0.2, 0.2), RATE, 44_100)
    path = wav(tmp_path / "ann.wav", sound, 44_100, bits=24, channels=2)
    place, told = Place(tmp_path), list[Told]()
    files = {"ann": str(path), "ben": str(tmp_path / "none.wav")}
    hearing = Hearing(SttSection(page=False, files=files), place, told.append)
    try:
        details = await hearing.load()
        assert details["model"] == "tiny.en"
        assert (await place.until_notice("'ben'"))[0] == "warning"
        await place.until_notice("'ann' is over")
        await hearing._scribe.idle()
    finally:
        await place.close()
        await hearing.close()
    (final,) = [m for m in told if isinstance(m, SpeechFinal)]
    assert final.source == "ann"
    assert errors(spoken_words(SENTENCES[3]), spoken_words(final.text)) <= 1


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"stt\.model"):
        WhisperEngine(SttSection(model=str(tmp_path / "none"))).check()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelMissing, match=r"stt\.model"):
        WhisperEngine(SttSection(model=str(tmp_path / "empty"))).load(lambda _: None)
