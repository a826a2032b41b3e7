"""A tone at declared times: the engine of tests and benchmarks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import numpy as np

from ipc.config import TtsScripted
from ipc.protocol import Synthesise
from workers.tts import shape
from workers.tts.engine import SAMPLE_BYTES, Engine, Progress, Unspeakable

CHUNK_S: Final = 0.04
_AMPLITUDE = 0.3


def tone_hz(turn: int, clause: int) -> float:
    """The frequency a clause sounds at, so that a recording tells which turn it holds.

    ``200 + 40 * (turn % 40) + 5 * (clause % 8)``: 200 to 1795 Hz. Turns are at least 5 Hz
    apart, up to 40 of them are told apart whatever their clauses are.
    """
    return 200.0 + 40.0 * (turn % 40) + 5.0 * (clause % 8)


class ScriptedEngine(Engine):
    """The first chunk is there ``first_audio_ms`` after the clause came, or, if the engine was
    still speaking then, as soon as it is free; the others follow at ``speed`` times real
    time. The deadlines are absolute.
    """

    sample_rate = 24_000

    def __init__(self, section: TtsScripted) -> None:
        self._section = section

    async def load(self, progress: Progress) -> dict[str, str]:
        progress("nothing to load")
        return {"engine": "scripted"}

    async def speak(self, clause: Synthesise, arrived_s: float) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        pcm = self._tone(clause)
        first_s = max(arrived_s + self._section.first_audio_ms / 1e3, loop.time())
        size = int(self.sample_rate * CHUNK_S) * SAMPLE_BYTES
        for i, start in enumerate(range(0, len(pcm), size)):
            await asyncio.sleep(first_s + i * CHUNK_S / self._section.speed - loop.time())
            yield pcm[start : start + size]

    def _tone(self, clause: Synthesise) -> bytes:
        words = [w for w in clause.text.split() if any(c.isalnum() for c in w)]
        if not words:
            raise Unspeakable("there is nothing to pronounce in this clause")
        samples = int(len(words) * self._section.word_s * self.sample_rate)
        phase = np.arange(samples) * (
            2 * np.pi * tone_hz(clause.turn, clause.clause) / self.sample_rate
        )
        tone = np.asarray(_AMPLITUDE * np.sin(phase), np.float32)
        return shape.to_pcm(shape.fade(tone, self.sample_rate))
