"""Measures the face: vowels, openness against loudness, time against the sound, and cost.

    python scripts/measure_face.py [--rounds N]

Speech is made here: by the bundled voice and, where ``espeak-ng`` is installed, by many
voices of it. The formants behind the table of vowels were chosen while looking at the bundled
voice and at those marked ``seen``, not at the others. All frames come out of ``LipSync`` as
they would in a show.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import time
import wave
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hibari import Hibari
from numpy.typing import NDArray

from workers.face.frames import Animator
from workers.face.lipsync import COLUMNS, FRAMES_PER_S, LipSync
from workers.face.vowels import VOWELS
from workers.tts import shape

Sound = NDArray[np.float32]
OPEN = COLUMNS.index("open")
SPOKEN_DB = 10.0  # a frame counts if it is at most this much softer than the loudest

EN = {"A": ["A:"], "I": ["i:"], "U": ["u:"], "E": ["E"], "O": ["O:"]}
DE = {"A": ["A:"], "I": ["i:"], "U": ["u:"], "E": ["e:", "E:"], "O": ["o:"]}
FIVE = {"A": ["a"], "I": ["i"], "U": ["u"], "E": ["e"], "O": ["o"]}
SEVEN = {"A": ["a"], "I": ["i"], "U": ["u"], "E": ["e", "E"], "O": ["o", "O"]}
SEEN = {
    "en": EN, "en+f3": EN, "en+m3": EN, "en+klatt2": EN, "en-us": EN, "en-gb-x-rp": EN,
    "ja": FIVE, "ja+f2": FIVE, "de": DE, "de+f4": DE, "es": FIVE, "es+m5": FIVE,
    "it": SEVEN, "it+f5": SEVEN,
}  # fmt: skip
UNSEEN = {
    "pt": FIVE, "fi": FIVE, "tr": FIVE, "pl": FIVE, "el": FIVE, "en+m1": EN, "de+f1": DE,
    "ja+m7": FIVE, "it+klatt4": SEVEN, "es+f4": FIVE,
}  # fmt: skip
"""Mnemonics of espeak-ng; ``espeak-ng -v VOICE -X WORD`` shows them."""
WORDS = {
    "A": ["spa", "pot", "top", "hot", "father"],
    "I": ["see", "tea", "bead", "keep", "seat"],
    "U": ["shoe", "boot", "food", "who", "soup"],
    "E": ["bed", "desk", "head", "pet", "step"],
    "O": ["door", "four", "boat", "core", "cold"],
}
REPLIES = (
    "Hi Kim, welcome in! I am so happy you are here. Today we build a castle, and then, maybe, "
    "we look at the stars for a while.",
    "Ah, another soul wanders into my darkness. I stare at the wall; it beats most "
    "conversations. Tell me, what brought you here tonight?",
    "Please pop the big bubble before Bob gets back. Six thick thistle sticks! She sells sea "
    "shells by the sea shore, and that is no joke.",
)


@dataclass(frozen=True, slots=True)
class Speech:
    """Who, what (a vowel or a text), and how it sounds."""

    voice: str
    what: str
    sound: Sound
    rate: int


def espeak(voice: str, text: str, *options: str) -> tuple[Sound, int]:
    made = subprocess.run(
        ["espeak-ng", "-v", voice, *options, "--stdout", text], capture_output=True, check=True
    ).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate = file.getframerate()
    return np.frombuffer(made[44:], "<i2").astype(np.float32) / 32768.0, rate


def sustained(voice: str, mnemonics: dict[str, list[str]]) -> Iterator[Speech]:
    for vowel, sounds in mnemonics.items():
        for sound in sounds:
            for pitch in ("30", "50", "70"):
                yield Speech(voice, vowel, *espeak(voice, f"[[{sound}]]", "-s80", "-p", pitch))


def words(hibari: Hibari) -> Iterator[Speech]:
    """The bundled voice has no sustained vowels: words with one, spoken slowly."""
    for vowel, texts in WORDS.items():
        for text in texts:
            sound = np.concatenate(list(hibari.stream(f"{text}.", speed=0.6, seed=1)))
            yield Speech("hibari", vowel, sound, Hibari.sample_rate)


def replies(hibari: Hibari, with_espeak: bool) -> Iterator[Speech]:
    rate = Hibari.sample_rate
    for text in REPLIES:
        pieces: list[Sound] = []
        for sound in hibari.stream(text, seed=1):
            pieces += [shape.level(shape.trim(sound, rate)), shape.pause(0.28, rate)]
        yield Speech("hibari", text, np.concatenate(pieces), rate)
        for voice in ("en", "en+f3", "en+m3") if with_espeak else ():
            yield Speech(voice, text, *espeak(voice, text))


def frames_of(speech: Speech) -> NDArray[np.float32]:
    lips = LipSync(speech.rate)
    pieces = [lips.feed(chunk) for chunk in shape.chunks(shape.to_pcm(speech.sound), speech.rate)]
    return np.concatenate((*pieces, lips.finish()))


def strength(speech: Speech, step_s: float, window_s: float = 0.02) -> NDArray[np.float64]:
    """Root mean square around (k + 0.5) * step_s."""
    count = int(len(speech.sound) / speech.rate / step_s)
    size = int(window_s * speech.rate)
    padded = np.pad(speech.sound.astype(np.float64) ** 2, size)
    sums = np.concatenate(([0.0], np.cumsum(padded)))
    starts = ((np.arange(count) + 0.5) * step_s * speech.rate).astype(int) - size // 2 + size
    return np.asarray(np.sqrt(np.maximum(sums[starts + size] - sums[starts], 0.0) / size))


def decibels(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of full scale, not below -50: what is softer is silence."""
    return np.asarray(np.maximum(20.0 * np.log10(values + 1e-9), -50.0))


def vowels_right(spoken: list[Speech], margin: float) -> tuple[int, int, Counter[str]]:
    """Frames, those with the right vowel on top, and the mistakes.

    ``margin`` at both ends of the vowel, as a part of it, is a consonant's and does not count.
    """
    total = right = 0
    missed = Counter[str]()
    for speech in spoken:
        frames = frames_of(speech)
        level = decibels(strength(speech, 1 / FRAMES_PER_S))[: len(frames)]
        loud = np.flatnonzero(level > level.max() - SPOKEN_DB)
        cut = max(1, int(margin * len(loud)))
        heard = frames[loud[cut:-cut], :5].argmax(axis=1)
        total += len(heard)
        right += int(np.count_nonzero(heard == VOWELS.index(speech.what)))
        missed.update(f"{speech.what}>{VOWELS[k]}" for k in heard if VOWELS[k] != speech.what)
    return total, right, missed


def print_vowels(name: str, spoken: list[Speech], margin: float = 0.0) -> float:
    total, right, missed = vowels_right(spoken, margin)
    worst = ", ".join(f"{pair} {count}" for pair, count in missed.most_common(3))
    print(f"  {name:18} {100 * right / total:5.1f} %   of {total:4} frames   {worst}")
    return right / total


def lags_ms(speech: Speech) -> list[float]:
    """For every second of speech, by how much the mouth is late (negative: early)."""
    step_s, most, second = 0.0025, 40, 400
    loud = strength(speech, step_s) ** 0.6
    frames = frames_of(speech)[:, OPEN]
    middle_s = (np.arange(len(frames)) + 0.5) / FRAMES_PER_S
    mouth = np.interp((np.arange(len(loud)) + 0.5) * step_s, middle_s, frames)
    found = []
    for start in range(most, len(loud) - second - most, second // 4):
        part = loud[start : start + second]
        if part.std() < 0.2 * loud.std():
            continue
        likeness = [
            np.corrcoef(part, mouth[start + lag : start + lag + second])[0, 1]
            for lag in range(-most, most + 1)
        ]
        found.append((int(np.argmax(likeness)) - most) * step_s * 1000)
    return found


def cost_ms(speech: Speech, rounds: int) -> float:
    """CPU milliseconds of this thread for one second of sound, in pieces as tts sends them."""
    best = float("inf")
    pcm = shape.to_pcm(speech.sound)
    for _ in range(rounds):
        lips = LipSync(speech.rate)
        began = time.thread_time()
        for chunk in shape.chunks(pcm, speech.rate):
            lips.feed(chunk)
        lips.finish()
        best = min(best, time.thread_time() - began)
    return 1000 * best / (len(speech.sound) / speech.rate)


def frame_us(rounds: int) -> float:
    """CPU microseconds for one whole face at 60 Hz."""
    avatar = Animator(1)
    avatar.track.place(0.0, np.full((3600, 6), 0.5, np.float32))
    avatar.expressions.emotion("happy", 1.0)
    best = float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for k in range(1200):
            avatar.at(k / 60)
        best = min(best, time.thread_time() - began)
    return 1e6 * best / 1200


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    options.add_argument("--rounds", type=int, default=5, help="of each timing; the best counts")
    rounds = options.parse_args().rounds
    hibari = Hibari()
    with_espeak = shutil.which("espeak-ng") is not None
    print("vowels, frames with the right one of five on top")
    if with_espeak:
        for kind, voices in (("seen", SEEN), ("unseen", UNSEEN)):
            shares = [
                print_vowels(voice, list(sustained(voice, sounds)))
                for voice, sounds in voices.items()
            ]
            print(f"  {kind}: mean {100 * np.mean(shares):.1f} %, least {100 * min(shares):.1f} %")
    else:
        print("  espeak-ng is not installed (apt install espeak-ng): only the bundled voice")
    print_vowels("hibari, words", list(words(hibari)), margin=0.25)

    print("a reply: likeness of openness with loudness, and by how much the mouth is late")
    spoken = list(replies(hibari, with_espeak))
    late: list[float] = []
    for speech in spoken:
        frames = frames_of(speech)[:, OPEN].astype(np.float64)
        loud = strength(speech, 1 / FRAMES_PER_S, 0.032)
        count = min(len(frames), len(loud))
        by = [np.corrcoef(frames[:count], curve[:count])[0, 1]
              for curve in (decibels(loud), loud**0.6, loud)]  # fmt: skip
        own = lags_ms(speech)
        late += own
        print(f"  {speech.voice:8} dB {by[0]:.2f}   sone {by[1]:.2f}   rms {by[2]:.2f}   "
              f"late p50 {np.median(own):6.1f} ms   {speech.what[:24]}...")  # fmt: skip
    low, middle, high = np.percentile(late, (5, 50, 95))
    print(f"  late over all seconds: p5 {low:.1f}   p50 {middle:.1f}   p95 {high:.1f} ms")

    print("cost")
    for speech in spoken[:2]:
        print(f"  lip sync {speech.rate} Hz: {cost_ms(speech, rounds):.2f} ms a second of sound")
    print(f"  a whole face: {frame_us(rounds):.0f} us")


if __name__ == "__main__":
    main()
