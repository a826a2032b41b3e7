"""Helpers of the hearing tests: speech and files made here, a place to live in, gated engines."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from workers.stt.audio import RATE, Samples
from workers.stt.engine import Abandoned, Engine, Progress, Transcript
from workers.stt.vad import WINDOW

WINDOW_NS = 32_000_000


def pcm(sound: Samples) -> bytes:
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def spoken_by_level(window: Samples) -> float:
    """A detector for tests: how loud the sound is, is how probable speech is."""
    return float(np.abs(window).mean())


def levels(*chances: float) -> Samples:
    """Sound that ``spoken_by_level`` takes for these probabilities, a window each."""
    return np.repeat(np.array(chances, np.float32), WINDOW)


class Speaker:
    """hibari; 16 kHz."""

    def __init__(self) -> None:
        from hibari import Hibari  # noqa: PLC0415  (heavy)

        self._voice = Hibari()
        self._said: dict[str, Samples] = {}

    def say(self, text: str) -> Samples:
        if text not in self._said:
            parts = [self._voice.from_phonemes(p, 1.0, 0) for p in self._voice.phonemize(text)]
            sound = np.asarray(np.concatenate(parts), np.float32)
            made: Samples = soxr.resample(sound, 24_000, RATE)
            self._said[text] = made / np.float32(np.abs(made).max() * 2)
        return self._said[text]

    def between_silence(self, text: str, before_s: float = 0.5, after_s: float = 1.0) -> Samples:
        room = [np.zeros(int(s * RATE), np.float32) for s in (before_s, after_s)]
        return np.concatenate((room[0], self.say(text), room[1]))


class GatedEngine(Engine):
    """Says what it is given, when it is let: ``let(text)`` finishes one hearing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool, float]] = []  # utterance, thorough, seconds
        self.abandoned: list[str] = []
        self._answers: list[Transcript] = []
        self._changed = threading.Condition()
        self.news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def load(self, progress: Progress) -> dict[str, str]:
        progress("gates")
        return {"engine": "gated"}

    def let(self, text: str, logprob: float = -0.1) -> None:
        with self._changed:
            self._answers.append(Transcript(text, logprob=logprob))
            self._changed.notify_all()

    def hear(
        self, sound: Samples, *, utterance: str, thorough: bool, unwanted: Callable[[], bool]
    ) -> Transcript:
        with self._changed:
            self.asked.append((utterance, thorough, len(sound) / RATE))
            self._loop.call_soon_threadsafe(self.news.set)
            while not self._answers:
                if unwanted():
                    self.abandoned.append(utterance)
                    raise Abandoned
                self._changed.wait(0.005)
            return self._answers.pop(0)

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.asked) < count:
                self.news.clear()
                await self.news.wait()


class Place:
    """What hearing needs of a worker's process."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.problem = ""
        self.notices: list[tuple[str, str, str]] = []
        self.told = asyncio.Event()
        self.tasks: list[asyncio.Task[Any]] = []

    def loading(self, text: str, fraction: float | None = None) -> None:
        pass

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.notices.append((level, text, hint))
        self.told.set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.append(task)
        return task

    def working(self, at_most_s: float = 0.0) -> AbstractContextManager[None]:
        return nullcontext()

    async def until_notice(self, part: str) -> tuple[str, str, str]:
        async with asyncio.timeout(20):
            while True:
                for notice in self.notices:
                    if part in notice[1]:
                        return notice
                self.told.clear()
                await self.told.wait()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        for result in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


def wav(
    path: Path, sound: Samples, rate: int, *, bits: int = 16, channels: int = 1, kind: int = 1
) -> Path:
    """A WAV file by hand. ``kind``: 1 PCM, 3 float, 0xFFFE extensible PCM."""
    sound = np.repeat(sound, channels)
    if kind == 3:
        data = sound.astype("<f4").tobytes()
    elif bits == 24:
        data = (sound * (2**31 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    else:
        data = (sound * (2 ** (bits - 1) - 1)).astype(f"<i{bits // 8}").tobytes()
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)
    if kind == 0xFFFE:
        fmt += struct.pack("<HHIH", 22, bits, 0, 1) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    chunks += b"LIST" + struct.pack("<I", 3) + b"abc\0"  # odd length, padded
    chunks += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks)
    return path
