"""The overlay page in a real browser, with the real stage process behind it."""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Page, chromium
from rig import Rig, rig

from ipc.config import Config
from ipc.protocol import AudioChunk, Caption, Playback, StageControl, TurnEnd

pytestmark = pytest.mark.usefixtures("needs_browser")

RATE = 24_000
MARKUP = "<b>bold</b><script>window.hacked = 1</script> & [red]x[/red]"
Configure = Callable[..., Config]


def tone(seconds: float) -> bytes:
    count = int(RATE * seconds)
    return struct.pack(f"<{count}h", *(int(6000 * math.sin(i / 12)) for i in range(count)))


def speak(stage: Rig, turn: int, seconds: float, text: str = "hello there") -> None:
    stage.send(Caption(turn=turn, clause=0, text=text, speaker="Nova", color="#7fd1ff"))
    stage.send(AudioChunk(turn=turn, clause=0, seq=0, sample_rate=RATE, last=True), tone(seconds))
    stage.send(TurnEnd(turn=turn, clauses=1))


async def opened(page: Page, stage: Rig) -> str:
    url = (await stage.start()).details["overlay"]
    await page.open(url)
    await page.until("__spark.connected && __spark.audio === 'running'")
    return url


async def test_page_plays_shows_and_stops(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, 30.0, MARKUP)
        await page.until("__spark.samples > 12000 && __spark.playing > 0")
        assert await page.evaluate("document.getElementById('text').textContent") == MARKUP
        assert await page.evaluate("document.getElementById('speaker').textContent") == "Nova"
        assert await page.evaluate("'hacked' in window || !!document.querySelector('b')") is False
        assert await page.evaluate("document.getElementById('enable-sound').hidden") is True
        colour = "getComputedStyle(document.getElementById('speaker')).color"
        assert await page.evaluate(colour) == "rgb(127, 209, 255)"
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgba(0, 0, 0, 0)"
        )
        stage.cancel(1)
        await page.until("__spark.flushes === 1 && __spark.playing === 0")
        await page.until("!document.getElementById('caption').classList.contains('shown')")
        played = await page.evaluate("__spark.samples")
        speak(stage, 2, 0.5, "next")
        await page.until(f"__spark.samples === {played} + {RATE // 2}")  # nothing of turn 1
        assert await page.evaluate("document.getElementById('text').textContent") == "next"


async def test_frames_join_without_a_gap(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, 1.5)
        await stage.until(Playback, lambda p: p.kind == "done")
        await page.until(f"__spark.samples === {int(RATE * 1.5)} && __spark.playing === 0")
        assert await page.evaluate("__spark.gaps") == 0


async def test_reload_in_the_middle_recovers(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        url = await opened(page, stage)
        speak(stage, 1, 30.0, "a long one")
        await page.until("__spark.playing > 0")
        await page.evaluate("void (window.before = true)")
        await page.call("Page.reload")
        await page.until("!('before' in window) && __spark.playing > 0")
        assert await page.evaluate("location.href") == url
        await page.until("document.getElementById('text').textContent === 'a long one'")


async def test_mute_stops_the_page_and_captions_go_on(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium() as page:
        await opened(page, stage)
        speak(stage, 1, 30.0)
        await page.until("__spark.playing > 0")
        stage.send(StageControl(muted=True))
        await page.until("__spark.muted && __spark.playing === 0")
        assert await page.evaluate("document.body.hasAttribute('data-muted')")
        stage.send(StageControl(muted=False))
        await page.until("!__spark.muted && __spark.playing > 0")


async def test_page_reconnects_after_the_stage_was_killed(
    short_dir: Path, configure: Configure
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = configure(stage={"overlay_port": port})
    async with rig(short_dir, "stage", config) as stage, chromium() as page:
        await opened(page, stage)
        await stage.kill()
        await page.until("!__spark.connected && document.body.hasAttribute('data-offline')")
        await stage.restart()
        await page.until("__spark.connected && __spark.connects === 2")
        speak(stage, 5, 0.4, "back again")
        await page.until("__spark.samples === 9600")
        assert await page.evaluate("document.getElementById('text').textContent") == "back again"


async def test_a_browser_that_blocks_sound_shows_the_button(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage, chromium(autoplay=False) as page:
        await page.open((await stage.start()).details["overlay"])
        await page.until("__spark.connected && !document.getElementById('enable-sound').hidden")
        for kind in ("mousePressed", "mouseReleased"):
            await page.call(
                "Input.dispatchMouseEvent", type=kind, x=640, y=30, button="left", clickCount=1
            )
        await page.until("document.getElementById('enable-sound').hidden")
        speak(stage, 1, 0.3)
        await page.until("__spark.samples === 7200")
