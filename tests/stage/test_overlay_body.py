"""Captions word by word, the drawn face, ducking and stopping, measured in a real browser.

The page samples its own output (an AnalyserNode behind her voice) against the stage's clock,
so these are times of sound and picture, not of messages.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Page, chromium
from rig import Rig, rig

from ipc.config import Config
from ipc.protocol import AudioChunk, Caption, Duck, Playback, StopSoon, TurnEnd

pytestmark = pytest.mark.usefixtures("needs_browser")

RATE = 24_000
TEXT = "one two three four five six seven eight nine ten"
Configure = Callable[..., Config]

# every 8 ms: stage time that is heard, root mean square of the last 11 ms of what goes to the
# loudspeaker, openness, words that were said, stage time of what goes to the loudspeaker
SAMPLER = """
(() => {
  const tap = __spark.output.context.createAnalyser();
  tap.fftSize = 512;
  __spark.output.connect(tap);
  const wave = new Float32Array(tap.fftSize);
  window.log = [];
  setInterval(() => {
    tap.getFloatTimeDomainData(wave);
    const power = wave.reduce((sum, x) => sum + x * x, 0) / wave.length;
    const said = document.querySelectorAll(".word.spoken").length;
    const now = __spark.stageTime();
    const going = now + tap.context.outputLatency - tap.fftSize / tap.context.sampleRate / 2;
    log.push([now, Math.sqrt(power), __spark.mouth, said, going]);
  }, 8);
})()
"""
WATCH = """
window.wrong = [];
document.addEventListener("securitypolicyviolation", (e) => wrong.push(e.violatedDirective));
window.addEventListener("error", (e) => wrong.push(e.message));
window.addEventListener("unhandledrejection", (e) => wrong.push(String(e.reason)));
"""


def hum(seconds: float, beat_s: float = 0.0) -> bytes:
    """A vowel-like hum; with ``beat_s`` it swells and fades that often, as syllables do."""
    at = np.arange(int(RATE * seconds)) / RATE
    wave = sum(np.sin(math.tau * 150 * k * at) / k for k in range(1, 12))
    swell = np.sin(math.pi * at / beat_s) ** 2 if beat_s else 1.0
    return bytes((wave * swell * 5000).astype("<i2").tobytes())


def words(count: int) -> bytes:
    """Words of 0.3 s with silence of 60 ms behind each."""
    return (hum(0.3) + bytes(2 * int(0.06 * RATE))) * count


def speak(stage: Rig, turn: int, pcm: bytes, **more: Any) -> None:
    stage.send(Caption(turn=turn, clause=0, text=TEXT, speaker="Nova", color="#7fd1ff", **more))
    stage.send(AudioChunk(turn=turn, clause=0, seq=0, sample_rate=RATE, last=True), pcm)
    stage.send(TurnEnd(turn=turn, clauses=1))


async def opened(page: Page, stage: Rig, query: str = "") -> None:
    url = (await stage.start()).details["overlay"] + query
    await page.call("Page.enable")
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    await page.open(url)
    await page.until("__spark.connected && __spark.audio === 'running'")
    await page.evaluate(SAMPLER)


async def samples(page: Page) -> np.ndarray[Any, Any]:
    """(n, 5) of what the sampler noted so far; nothing went wrong in the page meanwhile."""
    assert await page.evaluate("wrong") == []
    log = json.loads(await page.evaluate("JSON.stringify(log)"))
    return np.array(log)


def correlation(log: np.ndarray[Any, Any], late_ms: int) -> float:
    """Of loudness with the openness so much later, where there was sound."""
    loud = log[:, 1].nonzero()[0]
    log = log[loud[0] : loud[-1]]
    at = np.arange(log[0, 4] + 0.1, log[-1, 4] - 0.1, 0.004)
    mouth = np.interp(at + late_ms / 1e3, log[:, 0], log[:, 2])
    return float(np.corrcoef(np.interp(at, log[:, 4], log[:, 1]), mouth)[0, 1])


def lag_ms(log: np.ndarray[Any, Any]) -> tuple[int, float]:
    """How late the mouth is (negative: early) where it fits best, and how well it fits."""
    fits = {ms: correlation(log, ms) for ms in range(-100, 101, 4)}
    best = max(fits, key=lambda ms: fits[ms])
    return best, fits[best]


async def test_words_appear_when_they_are_said(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, hum(4.0))
        done = await stage.until(Playback, lambda p: p.kind == "done")
        begin = next(p.at_ns for p in stage.all(Playback) if p.kind == "started") / 1e9
        await page.until("document.querySelectorAll('.word.spoken').length === 10")
        log = await samples(page)
        letters = [len(word) for word in TEXT.split()]
        for word in range(1, 10):
            due = begin + 4.0 * sum(letters[:word]) / sum(letters)
            seen = log[np.argmax(log[:, 3] > word), 0]
            assert -0.02 <= seen - due <= 0.12, (word, seen - due)
        assert done.audio_s == 4.0
        assert await page.evaluate("document.getElementById('text').textContent") == TEXT
        assert await page.evaluate("document.querySelectorAll('.word.now').length") == 1


async def test_words_follow_the_real_length_once_it_is_known(
    short_dir: Path, configure: Configure
) -> None:
    """A guess of 3.1 s from the letters, 6 s of sound."""
    pcm = hum(6.0)
    half = len(pcm) // 4 * 2
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        stage.send(Caption(turn=1, clause=0, text=TEXT, speaker="Nova", color="#7fd1ff"))
        stage.send(AudioChunk(turn=1, clause=0, seq=0, sample_rate=RATE), pcm[:half])
        await page.until("document.querySelectorAll('.word.spoken').length === 2")
        stage.send(AudioChunk(turn=1, clause=0, seq=1, sample_rate=RATE, last=True), pcm[half:])
        stage.send(TurnEnd(turn=1, clauses=1))
        await stage.until(Playback, lambda p: p.kind == "done")
        begin = next(p.at_ns for p in stage.all(Playback) if p.kind == "started") / 1e9
        log = await samples(page)
        seen = log[np.argmax(log[:, 3] == 10), 0]
        letters = [len(word) for word in TEXT.split()]
        due = begin + 6.0 * sum(letters[:9]) / sum(letters)
        assert -0.02 <= seen - due <= 0.12


async def test_reload_restores_caption_progress_gain_and_sound(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, hum(20.0), persona="nova", emotion="happy")
        stage.send(Duck(gain=0.25, ramp_s=0.0))
        await page.until("document.querySelectorAll('.word.spoken').length === 2")
        await page.evaluate("void (window.before = true)")
        await page.call("Page.reload")
        await page.until("!('before' in window) && __spark.playing > 0")
        said = await page.evaluate("document.querySelectorAll('.word.spoken').length")
        assert 2 <= said < 10
        assert await page.evaluate("Math.abs(__spark.output.gain.value - 0.25) < 0.001")
        assert await page.evaluate("({...document.body.dataset}).persona") == "nova"
        assert await page.evaluate("document.body.dataset.expression") == "joy"


async def test_unvoiced_captions_go_at_reading_speed(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        stage.send(Caption(turn=1, clause=0, text=TEXT, speaker="Nova", color="#fff", voiced=False))
        stage.send(TurnEnd(turn=1, clauses=1))
        await stage.until(Playback, lambda p: p.kind == "done")
        begin = next(p.at_ns for p in stage.all(Playback) if p.kind == "started") / 1e9
        log = await samples(page)
        fifth = log[np.argmax(log[:, 3] == 5), 0] - begin
        assert fifth == pytest.approx(10 / 3.0 * 15 / 39, abs=0.15)
        assert await page.evaluate("document.querySelector('#caption.unvoiced') !== null")


async def test_the_mouth_moves_with_the_sound_and_rests(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage, "?face=1")
        # the first face of a show has to wait for its library
        speak(stage, 1, hum(2.0))
        await page.until("__spark.mouth > 0.2")
        await stage.until(Playback, lambda p: p.kind == "done")
        await page.until("__spark.playing === 0 && __spark.mouth === 0")
        await page.evaluate("void (log.length = 0)")
        speak(stage, 2, hum(5.0, beat_s=0.4))
        await stage.until(Playback, lambda p: p.kind == "done" and p.turn == 2)
        await page.until("__spark.playing === 0 && __spark.mouth === 0")
        log = await samples(page)
        best_ms, best = lag_ms(log)
        assert correlation(log, 0) > 0.8
        assert best > 0.9
        assert abs(best_ms) <= 45
        drawn = await page.evaluate("__spark.drawn")
        await page.until("!document.body.hasAttribute('data-speaking')")
        moving = "(a) => a instanceof CSSAnimation && a.playState === 'running'"
        assert await page.evaluate(f"document.getAnimations().some({moving})") is False
        assert await page.evaluate("__spark.drawn") <= drawn + 1


async def test_the_mouth_closes_when_she_is_cut(short_dir: Path, configure: Configure) -> None:
    config = configure(stage={"face": "drawn", "overlay_port": 0})
    async with rig(short_dir, "stage", config) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, hum(20.0))
        await page.until("__spark.mouth > 0.2")
        stage.cancel(1)
        await page.until("__spark.flushes === 1 && __spark.mouth === 0 && __spark.playing === 0")
        drawn = await page.evaluate("__spark.drawn")
        await stage.until(Playback, lambda p: p.kind == "stopped")
        assert await page.evaluate("__spark.drawn") == drawn
        await page.open(await page.evaluate("location.href + '?face=0'"))
        await page.until("__spark.connected")
        assert await page.evaluate("document.getElementById('face').hidden") is True


async def test_ducking_lowers_what_is_heard(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, hum(20.0))
        await page.until("log.length > 30 && log.slice(-20).every((s) => s[1] > 0.05)")
        before = await samples(page)
        stage.send(Duck(gain=0.25, ramp_s=0.05))
        await page.until("__spark.output.gain.value < 0.251")
        await page.evaluate("void (log.length = 0)")
        await page.until("log.length > 25")
        after = await samples(page)
        ratio = np.median(after[5:, 1]) / np.median(before[-20:, 1])
        assert ratio == pytest.approx(0.25, abs=0.03)
        stage.send(Duck(gain=1.0, ramp_s=0.05))
        await page.until("__spark.output.gain.value > 0.999")


async def test_stopping_soon_is_silence_at_the_end_of_a_word(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage, "?face=1")
        for turn in range(1, 5):
            speak(stage, turn, words(30))
            await page.until("__spark.playing > 0 && log.some((s) => s[1] > 0.05)")
            await page.until(f"document.querySelectorAll('.word.spoken').length === {turn}")
            stage.send(StopSoon(turn=turn, within_s=0.4))
            stopped = await stage.until(
                Playback, lambda p, turn=turn: p.kind == "stopped" and p.turn == turn
            )
            await page.until("__spark.playing === 0 && __spark.mouth === 0")
            await page.until("!document.getElementById('caption').classList.contains('shown')")
            log = await samples(page)
            loud = log[log[:, 1] > 0.02]
            # the word before the pause was whole, and nothing came after
            assert -0.09 < loud[-1, 4] - stopped.at_ns / 1e9 < 0.04
            assert stopped.audio_s % 0.36 >= 0.3
            await page.evaluate("void (log.length = 0)")
        assert await page.evaluate("__spark.flushes") == 0
        speak(stage, 9, hum(0.3))
        await asyncio.wait_for(stage.until(Playback, lambda p: p.kind == "done"), 10)
        await page.until("log.some((s) => s[1] > 0.05)")


async def test_who_wants_no_motion_gets_none(short_dir: Path, configure: Configure) -> None:
    """Words come without a fade and the body does not breathe; the mouth still speaks."""
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        feature = {"name": "prefers-reduced-motion", "value": "reduce"}
        await page.call("Emulation.setEmulatedMedia", features=[feature])
        await opened(page, stage, "?face=1")
        speak(stage, 1, hum(20.0))
        await page.until("__spark.mouth > 0.2 && document.querySelector('.word.spoken')")
        word = "getComputedStyle(document.querySelector('.word.spoken'))"
        assert await page.evaluate(f"{word}.transitionDuration") == "0s"
        assert await page.evaluate(f"{word}.opacity") == "1"
        assert await page.evaluate("document.getAnimations().length") == 0
        await samples(page)
