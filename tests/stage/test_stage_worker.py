"""The stage as a process: messages in, reports, sound and problems out."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from rig import Rig, rig, serving
from websockets.asyncio.client import connect

from ipc.config import Config
from ipc.protocol import (
    AudioChunk,
    AudioCredit,
    Beat,
    Caption,
    Duck,
    MouthStop,
    MouthTrack,
    NoticeEvent,
    Playback,
    StageControl,
    StopSoon,
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


async def test_ducking_is_heard_by_the_records(short_dir: Path, configure: Configure) -> None:
    wav = short_dir / "show.wav"
    async with rig(short_dir, "stage", configure(stage={"wav": str(wav)})) as stage:
        await stage.start()
        flat = struct.pack("<12000h", *[10_000] * 12_000)
        stage.send(Duck(gain=0.25, ramp_s=0.0))
        speak(stage, 1, flat)
        await stage.until(Playback, lambda p: p.turn == 1 and p.kind == "done")
        ducked = (await stage.ask("sound", turn=1)).result["pcm"]
        assert ducked == struct.pack("<12000h", *[2500] * 12_000)
        speak(stage, 2, flat)
        await stage.until(Playback, lambda p: p.turn == 2 and p.kind == "started")
        stage.send(Duck(gain=1.0, ramp_s=0.05))
        await stage.until(Playback, lambda p: p.turn == 2 and p.kind == "done")
        restored = (await stage.ask("sound", turn=2)).result["pcm"]
        values = struct.unpack("<12000h", restored)
        assert (values[0], values[-1]) == (2500, 10_000)
        assert list(values) == sorted(values)
        speak(stage, 3, flat)
        await stage.until(Playback, lambda p: p.turn == 3 and p.kind == "done")
        assert (await stage.ask("sound", turn=3)).result["pcm"] == flat
        await stage.kill()
        with wave.open(str(wav), "rb") as file:
            assert file.readframes(file.getnframes()) == ducked + restored + flat


async def test_stopping_soon_ends_the_turn_and_fences_it(
    short_dir: Path, configure: Configure
) -> None:
    word = struct.pack("<7200h", *[9000, -9000] * 3600)
    async with rig(short_dir, "stage", configure()) as stage:
        await stage.start()
        speak(stage, 1, (word + bytes(2880)) * 20, end=False)
        await stage.until(Playback, lambda p: p.kind == "started")
        stage.send(StopSoon(turn=1, within_s=0.4))
        stopped, at_ns = await stage.until_at(Playback, lambda p: p.kind == "stopped")
        assert stopped.audio_s % 0.36 >= 0.3
        assert stopped.heard == pytest.approx(stopped.audio_s / 7.2, abs=1e-6)
        assert at_ns >= stopped.at_ns
        kept = (await stage.ask("sound", turn=1)).result["pcm"]
        assert len(kept) // 2 == round(stopped.audio_s * RATE)
        # more of it that was on its way, then the next turn
        stage.send(AudioChunk(turn=1, clause=1, seq=0, sample_rate=RATE, last=True), word)
        speak(stage, 2, word)
        await stage.until(Playback, lambda p: p.turn == 2 and p.kind == "done")
        assert (await stage.ask("sound", turn=1)).result["pcm"] == kept
        assert (await stage.ask("sound", turn=2)).result["pcm"] == word


async def test_the_avatar_is_told_where_the_mouth_is(short_dir: Path, configure: Configure) -> None:
    peers = [serving("director"), serving("avatar")]
    loud = struct.pack("<120h", *[9000] * 60, *[-9000] * 60) * 200 * 20
    async with rig(short_dir, "stage", configure(), peers) as stage:
        await stage.start()
        speak(stage, 1, loud, end=False)
        # the library is loaded beside the show: the first words may go without a mouth
        track = await stage.until(MouthTrack)
        begin = next(p.at_ns for p in stage.all(Playback) if p.kind == "started")
        assert (track.turn, track.clause, track.rate_hz) == (1, 0, 60.0)
        assert track.at_ns >= begin
        stage.cancel(1)
        await stage.until(MouthStop, lambda m: m.turn == 1)
        speak(stage, 2, loud[: 2 * RATE])
        await stage.until(Playback, lambda p: p.turn == 2 and p.kind == "done")
        rows = [
            struct.unpack(f"<{len(payload) // 4}f", payload)
            for message, payload in stage.payloads
            if isinstance(message, MouthTrack) and message.turn == 2
        ]
        frames = [row[i : i + 6] for row in rows for i in range(0, len(row), 6)]
        assert len(frames) == 60
        assert max(frame[5] for frame in frames) > 0.3
        assert frames[-1] == (0.0,) * 6
        assert all(0.0 <= value <= 1.0 for frame in frames for value in frame)
        starts = [m.at_ns for m in stage.all(MouthTrack) if m.turn == 2]
        assert starts == sorted(starts)


async def test_without_an_avatar_or_a_face_no_library_is_loaded(
    short_dir: Path, configure: Configure
) -> None:
    async with rig(short_dir, "stage", configure()) as stage:
        await stage.start()
        speak(stage, 1, ramp(RATE // 2))
        await stage.until(Playback, lambda p: p.kind == "done")
        assert stage.process is not None
        maps = Path(f"/proc/{stage.process.pid}/maps")
        assert "numpy" not in await asyncio.to_thread(maps.read_text)
        assert stage.all(MouthTrack) == []


async def test_where_people_are_heard_ducking_needs_no_moment(
    short_dir: Path, configure: Configure
) -> None:
    """Its library is there before the first interruption, not loaded while she speaks."""
    async with rig(short_dir, "stage", configure(), [serving("director")]) as stage:
        await stage.start()
        stage.control(serving("stt"))
        assert stage.process is not None
        maps = Path(f"/proc/{stage.process.pid}/maps")
        while "numpy" not in await asyncio.to_thread(maps.read_text):
            await stage.until(Beat)
            stage.seen.clear()
