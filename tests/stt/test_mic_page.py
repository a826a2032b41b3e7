"""The microphone page in a real browser, whose microphone is a file; real ears behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soxr
from stage.browser import Page, chromium
from stt_rig import Place, Speaker, wav

from ipc.config.stt import SttScripted, SttSection
from ipc.protocol import SpeechFinal
from workers.stt.audio import RATE, Samples
from workers.stt.ears import Told
from workers.stt.hearing import Hearing

pytestmark = pytest.mark.usefixtures("needs_chromium")

TEXT = "The museum is closed on Mondays and public holidays."


def microphone(tmp_path: Path, sound: Samples) -> list[str]:
    """Flags that make this 16 kHz sound the browser's microphone, over and over."""
    louder = soxr.resample(sound, RATE, 48_000)
    path = wav(tmp_path / "microphone.wav", louder, 48_000)
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
    ]


@asynccontextmanager
async def listening(
    tmp_path: Path, port: int = 0, engine: str = "scripted"
) -> AsyncIterator[tuple[Hearing, list[Told], Place]]:
    place, told = Place(tmp_path), list[Told]()
    settings = SttSection(
        engine="scripted" if engine == "scripted" else "faster_whisper",
        page_port=port,
        scripted=SttScripted(lines=["This is what was said."], decode_ms=20),
    )
    hearing = Hearing(settings, place, told.append)
    try:
        await hearing.load()
        yield hearing, told, place
    finally:
        await place.close()
        await hearing.close()


async def press(page: Page) -> None:
    await page.until("!!document.body.dataset.state")  # the script has run
    await page.evaluate("document.getElementById('switch').click()")


async def test_words_go_through_the_page(tmp_path: Path, speaker: Speaker) -> None:
    """Microphone, worklet, socket, resampler, detector, Whisper, and back to the page."""
    sound = speaker.between_silence(TEXT, 1.0, 2.5)
    flags = microphone(tmp_path, sound)
    async with listening(tmp_path, engine="real") as (hearing, told, place):
        async with chromium(flags=flags) as page:
            await page.open(hearing.url)
            await page.until("document.body.dataset.state === 'off'")
            await press(page)
            await page.until("__spark.connected && __spark.frames > 20")
            await page.until("__spark.peak > 0.1")
            await page.until("__spark.finals.length > 0", 60)
            shown = await page.evaluate("document.getElementById('words').textContent")
            finals = await page.evaluate("__spark.finals")
            assert await page.evaluate("__spark.dropped") == 0
            await press(page)
            await page.until("document.body.dataset.state === 'off' && !__spark.connected")
        assert shown
        assert any("closed on Mondays and public" in text for text in finals), finals
        heard = [m for m in told if isinstance(m, SpeechFinal)]
        assert {m.source for m in heard} == {"mic"}
        assert place.problem == ""


async def test_the_page_finds_a_show_that_was_started_again(
    tmp_path: Path, speaker: Speaker
) -> None:
    flags = microphone(tmp_path, speaker.between_silence(TEXT))
    async with chromium(flags=flags) as page:
        async with listening(tmp_path) as (hearing, _, _):
            port = int(hearing.url.split(":")[2].split("/")[0])
            await page.open(hearing.url)
            await press(page)
            await page.until("__spark.finals.length > 0", 30)
        await page.until("!__spark.connected && document.body.dataset.state === 'offline'")
        async with listening(tmp_path, port) as (_, told, _):
            await page.until("__spark.connects === 2 && __spark.connected", 30)
            before = await page.evaluate("__spark.finals.length")
            await page.until(f"__spark.finals.length > {before}", 30)
            assert any(isinstance(m, SpeechFinal) for m in told)


async def test_a_name_that_cannot_be_is_told_on_the_page(tmp_path: Path, speaker: Speaker) -> None:
    flags = microphone(tmp_path, speaker.between_silence(TEXT))
    async with listening(tmp_path) as (hearing, _, place), chromium(flags=flags) as page:
        await page.open(hearing.url)
        await page.evaluate("void (document.getElementById('name').value = '<b>me</b>')")
        await press(page)
        await page.until("document.body.dataset.state === 'problem'")
        problem = await page.evaluate("document.getElementById('problem').textContent")
        assert "cannot be the name of a source" in problem
        assert (await place.until_notice("cannot be the name"))[0] == "warning"
        assert await page.evaluate("!!document.querySelector('#problem b')") is False
        await page.evaluate("void (document.getElementById('name').value = 'Ann')")
        await press(page)
        await page.until("document.body.dataset.state === 'listening'")


async def test_a_browser_without_a_microphone_says_so(tmp_path: Path) -> None:
    async with listening(tmp_path) as (hearing, _, _), chromium() as page:
        await page.open(hearing.url)
        await press(page)
        await page.until("document.body.dataset.state === 'problem'")
        assert await page.evaluate("document.getElementById('problem').textContent")
