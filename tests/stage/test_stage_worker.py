"""The stage as a process: messages in, reports, sound and problems out."""

from __future__ import annotations

import os
import socket
import struct
import wave
from collections.abc import Callable
from pathlib import Path

from rig import Rig, rig
from websockets.asyncio.client import connect

from ipc.config import Config
from ipc.protocol import (
    AudioChunk,
    AudioCredit,
    Beat,
    Caption,
    NoticeEvent,
    Playback,
    StageControl,
    TurnEnd,
)
from workers.stage.overlay import HEADER

RATE = 24_000
Configure = Callable[..., Config]


def ramp(count: int, start: int = 1) -> bytes:
    return struct.pack(f"<{count}h", *((start + i) % 30_000 for i in range(count)))


def speak(stage: Rig, turn: int, pcm: bytes, *, end: bool = True) -> None:
    stage.send(Caption(turn=turn, clause=0, text="hello there", speaker="Nova", color="#fff"))
    stage.send(AudioChunk(turn=turn, clause=0, seq=0, sample_rate=RATE, last=True), pcm)
    if end:
        stage.send(TurnEnd(turn=turn, clauses=1))


async def test_a_turn_is_played_reported_and_recorded(
    short_dir: Path, configure: Configure
) -> None:
    wav = short_dir / "show.wav"
    async with rig(short_dir, "stage", configure(stage={"wav": str(wav)})) as stage:
        ready = await stage.start()
        assert ready.details["sinks"] == f"overlay, WAV {wav}"
        pcm = ramp(12_000)
        speak(stage, 3, pcm)
        done = await stage.until(Playback, lambda p: p.kind == "done")
        assert done.audio_s == 0.5
        assert [p.kind for p in stage.all(Playback)] == ["started", "finished", "done"]
        credit = await stage.until(AudioCredit, lambda c: c.consumed == 12_000)
        assert credit.turn == 3
        assert (await stage.ask("sound", turn=3)).result == {"sample_rate": RATE, "pcm": pcm}
        missing = await stage.ask("sound", turn=4)
        assert "turn 4" in missing.error
        assert "3" in missing.hint
        await stage.kill()
        with wave.open(str(wav), "rb") as file:
            assert file.readframes(file.getnframes()) == pcm


async def test_nothing_of_a_cancelled_turn_reaches_a_page(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage:
        url = (await stage.start()).details["overlay"].replace("http", "ws") + "ws"
        async with connect(url, proxy=None) as page:
            speak(stage, 1, ramp(10 * RATE))
            await stage.until(Playback, lambda p: p.kind == "started")
            stage.cancel(1)
            stopped = await stage.until(Playback, lambda p: p.kind == "stopped")
            assert 0 <= stopped.heard < 0.2
            speak(stage, 1, ramp(RATE))  # late, fenced
            speak(stage, 2, ramp(2400))
            await stage.until(Playback, lambda p: p.turn == 2 and p.kind == "done")
            kept = (await stage.ask("sound", turn=1)).result["pcm"]
            assert len(kept) // 2 == round(stopped.audio_s * RATE)
            flushed = False
            got = b""
            while len(got) < 4800:
                item = await page.recv()
                if isinstance(item, str):
                    flushed = flushed or '"flush"' in item
                elif flushed:
                    assert HEADER.unpack(item[: HEADER.size])[0] == 2
                    got += item[HEADER.size :]
            assert got == ramp(2400)


async def test_mute_is_silence_in_the_record_and_time_goes_on(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage:
        await stage.start()
        stage.send(StageControl(muted=True))
        speak(stage, 1, ramp(4800))
        done, _ = await stage.until_at(Playback, lambda p: p.kind == "done")
        assert done.audio_s == 0.2
        assert (await stage.ask("sound", turn=1)).result["pcm"] == bytes(9600)
        stage.send(StageControl(muted=False))
        speak(stage, 2, ramp(2400))
        await stage.until(Playback, lambda p: p.turn == 2 and p.kind == "done")
        assert (await stage.ask("sound", turn=2)).result["pcm"] == ramp(2400)
        await stage.until(NoticeEvent, lambda n: n.text == "the sound is on again")
        texts = [notice.text for notice in stage.all(NoticeEvent)]
        assert texts == ["the sound is muted", "the sound is on again"]


async def test_port_in_use_is_a_problem_that_mends_itself(
    short_dir: Path, configure: Configure
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = configure(stage={"overlay_port": port})
        async with rig(short_dir, "stage", config) as stage:
            ready = await stage.start()
            assert ready.details["overlay"] == f"http://127.0.0.1:{port}/"
            beat = await stage.until(Beat, lambda b: b.problem)
            assert "stage.overlay_port" in beat.problem
            speak(stage, 1, ramp(240))  # the show goes on
            await stage.until(Playback, lambda p: p.kind == "done")
            other.close()
            notice = await stage.until(NoticeEvent, lambda n: n.level == "info")
            assert notice.text.endswith(f"http://127.0.0.1:{port}/")
            stage.seen.clear()
            assert (await stage.until(Beat)).problem == ""


async def test_sinks_that_cannot_open_are_problems_and_the_show_goes_on(
    short_dir: Path, configure: Configure
) -> None:
    keys = {"wav": str(short_dir / "no" / "show.wav"), "device": "a speaker nobody has"}
    async with rig(short_dir, "stage", configure(stage=keys)) as stage:
        assert (await stage.start()).details["sinks"] == "overlay"
        beat = await stage.until(Beat, lambda b: b.problem)
        assert "stage.wav" in beat.problem
        assert "stage.device" in beat.problem
        await stage.until(NoticeEvent, lambda n: "device" in n.text and n.level == "warning")
        await stage.until(NoticeEvent, lambda n: "WAV" in n.text and n.level == "warning")
        speak(stage, 1, ramp(240))
        await stage.until(Playback, lambda p: p.kind == "done")


async def test_drain_lets_the_sound_end(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage:
        await stage.start()
        speak(stage, 1, ramp(RATE // 2), end=False)
        await stage.until(Playback)
        assert await stage.drain() == 0
        assert stage.all(Playback)[-1].kind == "finished"


async def test_alien_frames_are_counted(short_dir: Path, configure: Configure) -> None:
    async with rig(short_dir, "stage", configure()) as stage:
        await stage.start()
        stage.send(Playback(turn=1, clause=0, kind="started", at_ns=1))  # not for a stage
        beat = await stage.until(Beat, lambda b: b.dropped_frames)
        assert beat.dropped_frames == 1
        assert stage.process is not None
        os.kill(stage.process.pid, 0)  # alive
