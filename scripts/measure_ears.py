"""Measures hearing: word errors, the time to the words, and what is heard in noise.

    python scripts/measure_ears.py [--sentences N] [--voices hibari,espeak] [--minutes M]

Sentences are spoken by hibari and espeak-ng in turn and sent in real time through the
WebSocket, as a microphone page would. The time to the words begins when the last sample
of speech was sent, and ends when the final text arrives at the client. Noises go into the
ears faster than real time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from gen_noises import NOISES, Sound
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect

from ipc.config.stt import SttSection
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechStarted
from workers.stt.ears import Ears, Told
from workers.stt.hearing import Hearing
from workers.stt.scribe import Scribe
from workers.stt.vad import Silero, load_silero
from workers.stt.whisper import WhisperEngine

SENTENCES = Path(__file__).resolve().parent.parent / "tests" / "stt" / "spoken.txt"
SENT_RATE = 48_000  # what browsers send
STEP_S = 0.02
BEFORE_S, AFTER_S = 0.6, 1.2
BRITISH = {"neighbors": "neighbours", "favorite": "favourite", "color": "colour"}
NUMBERS = {"200": "two hundred", "20": "twenty", "3": "three", "6": "six", "7": "seven"}


def spoken_words(text: str) -> list[str]:
    """Lower case, numbers and spelling as the sentences have them: both are the same word."""
    found = re.findall(r"[a-z0-9']+", text.lower())
    return " ".join(NUMBERS.get(w, BRITISH.get(w, w)) for w in found).split()


def errors(wanted: list[str], got: list[str]) -> int:
    """Words wrong, missing or too many (Levenshtein)."""
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, 1):
        new = [number]
        for place, other in enumerate(got, 1):
            new.append(min(row[place] + 1, new[-1] + 1, row[place - 1] + (word != other)))
        row = new
    return row[-1]


class Voices:
    """hibari and espeak-ng."""

    def __init__(self) -> None:
        from hibari import Hibari  # noqa: PLC0415  (heavy)

        self._hibari = Hibari()

    def say(self, voice: str, text: str) -> Sound:
        """At SENT_RATE, peak 0.5."""
        if voice == "hibari":
            parts = [self._hibari.from_phonemes(p, 1.0, 0) for p in self._hibari.phonemize(text)]
            sound, rate = np.asarray(np.concatenate(parts), np.float32), 24_000
        else:
            command = ["espeak-ng", "-v", "en-us", "-s", "150", "--stdout", text]
            wav = subprocess.run(command, capture_output=True, check=True).stdout
            sound = np.frombuffer(wav[44:], "<i2").astype(np.float32) / np.float32(2**15)
            rate = 22_050
        made: NDArray[np.float32] = soxr.resample(sound, rate, SENT_RATE)
        return made / np.float32(np.abs(made).max() * 2)


def end_of_speech(sound: Sound) -> float:
    """Seconds: the last 10 ms louder than a hundredth (-40 dB) of the loudest."""
    block = SENT_RATE // 100
    loud = np.abs(sound[: len(sound) // block * block]).reshape(-1, block).max(axis=1)
    return (int(np.nonzero(loud > loud.max() / 100)[0][-1]) + 1) / 100


class Place:
    """Stands in for the worker's process."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.problem = ""
        self.tasks: list[asyncio.Task[Any]] = []

    def loading(self, text: str, fraction: float | None = None) -> None:
        pass

    def notice(self, level: str, text: str, hint: str = "") -> None:
        print(f"{level}: {text}; {hint}")

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.append(task)
        return task

    def working(self, at_most_s: float = 0.0) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Result:
    voice: str
    wanted: str
    got: str
    latency_s: float
    pieces: int  # finals the sentence came in


async def one(
    socket: ClientConnection, sound: Sound, rng: np.random.Generator
) -> tuple[str, float, int]:
    """Send it in real time; the text, the time to it from the end of speech, pieces."""
    room = [np.zeros(int(s * SENT_RATE)) for s in (BEFORE_S, AFTER_S)]
    padded: NDArray[np.float64] = np.concatenate((room[0], sound.astype(np.float64), room[1]))
    padded += rng.standard_normal(len(padded)) * 0.0005  # a quiet room
    pcm = (np.clip(padded, -1, 1) * 32767).astype("<i2").tobytes()
    step = int(SENT_RATE * STEP_S) * 2
    began = time.monotonic()

    async def send() -> None:
        for at in range(0, len(pcm), step):
            await asyncio.sleep(max(0.0, began + (at + step) / 2 / SENT_RATE - time.monotonic()))
            await socket.send(pcm[at : at + step])

    sending = asyncio.create_task(send())
    texts: list[str] = []
    last_s = began
    ended_s = began + BEFORE_S + end_of_speech(sound)
    while True:
        try:
            async with asyncio.timeout(0.2):
                message = json.loads(await socket.recv())
        except TimeoutError:
            if sending.done() and (texts or time.monotonic() - ended_s > 8):
                break
            continue
        if message["type"] == "final":
            texts.append(message["text"])
            last_s = time.monotonic()
    await sending
    return " ".join(texts), last_s - ended_s, len(texts)


async def hear_sentences(count: int, voices: list[str]) -> list[Result]:
    speaker = Voices()
    sentences = [line for line in SENTENCES.read_text().splitlines() if line][:count]
    rng = np.random.default_rng(1)
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        hearing = Hearing(SttSection(page_port=0, lazy=False), place, lambda _: None)
        try:
            print(json.dumps(await hearing.load()))
            url = hearing.url.replace("http", "ws").replace("/mic", "/audio")
            async with connect(url, proxy=None) as socket:
                await socket.send(json.dumps({"name": "mic", "rate": SENT_RATE}))
                await socket.recv()
                for number, text in enumerate(sentences):
                    voice = voices[number % len(voices)]
                    got, latency_s, pieces = await one(socket, speaker.say(voice, text), rng)
                    results.append(Result(voice, text, got, latency_s, pieces))
        finally:
            await place.close()
            await hearing.close()
    return results


async def hear_noise(minutes: float, seed: int) -> dict[str, Counter[str]]:
    """By noise: how many utterances began and how they ended."""
    settings = SttSection()
    scribe = Scribe(WhisperEngine(settings))
    await scribe.load(lambda _: None)
    running = asyncio.create_task(scribe.run())
    session = load_silero()
    counts: dict[str, Counter[str]] = {}
    told: list[Told] = []
    ears = Ears(settings, scribe, lambda: Silero(session).probability, told.append)
    try:
        for name, make in NOISES.items():
            told.clear()
            sound = make(minutes * 60, np.random.default_rng(seed))
            ear = ears.open(name, 16_000)
            pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
            for at in range(0, len(pcm), 32_000):
                ear.push(pcm[at : at + 32_000])
                await scribe.idle()  # a machine that is fast enough hears every one
            ear.close()
            await scribe.idle()
            counts[name] = Counter(
                message.reason if isinstance(message, SpeechIgnored) else type(message).__name__
                for message in told
                if isinstance(message, (SpeechStarted, SpeechFinal, SpeechIgnored))
            )
            print(f"{name}: {dict(counts[name])}", flush=True)
            for message in told:
                if isinstance(message, SpeechFinal):
                    print(f"    heard: {message.text!r}")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await scribe.close()
    return counts


def report(results: list[Result]) -> None:
    for voice in sorted({r.voice for r in results}):
        mine = [r for r in results if r.voice == voice]
        wrong = sum(errors(spoken_words(r.wanted), spoken_words(r.got)) for r in mine)
        words = sum(len(spoken_words(r.wanted)) for r in mine)
        print(f"{voice}: {wrong} of {words} words wrong, {100 * wrong / words:.1f} %")
    wrong = sum(errors(spoken_words(r.wanted), spoken_words(r.got)) for r in results)
    words = sum(len(spoken_words(r.wanted)) for r in results)
    late = sorted(r.latency_s * 1000 for r in results if r.got)
    print(f"all: word error rate {100 * wrong / words:.1f} % of {words} words")
    print(
        f"end of speech to final: p50 {late[len(late) // 2]:.0f} ms, "
        f"p95 {late[min(len(late) - 1, int(len(late) * 0.95))]:.0f} ms, worst {late[-1]:.0f} ms"
    )
    print(f"sentences cut in pieces: {sum(r.pieces > 1 for r in results)}")
    for result in results:
        if errors(spoken_words(result.wanted), spoken_words(result.got)):
            print(f"    {result.voice}: {result.wanted} | {result.got}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--voices", default="hibari,espeak")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each noise")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    args = parser.parse_args()
    voices = args.voices.split(",")
    if "espeak" in voices and shutil.which("espeak-ng") is None:
        parser.error("espeak-ng is not installed: sudo apt install espeak-ng, or --voices hibari")
    if args.minutes:
        print(f"noise, {args.minutes:g} minutes each, seed {args.seed}")
        asyncio.run(hear_noise(args.minutes, args.seed))
    if args.sentences:
        report(asyncio.run(hear_sentences(args.sentences, voices)))


if __name__ == "__main__":
    main()
