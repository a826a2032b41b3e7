"""Unit: what sources say of themselves, WAV files of every kind, files played, devices that go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stt_rig import wav

from workers.stt.audio import BadSound, Samples, to_mono
from workers.stt.sources.device import Devices, Microphone, find_microphone
from workers.stt.sources.file import keep_playing, play_file
from workers.stt.sources.hello import Hello, Pace, read_hello
from workers.stt.sources.wav import open_sound

TONE: Samples = (0.4 * np.sin(np.arange(4410) / 9)).astype(np.float32)


class Taken:
    """Takes the sound of a source."""

    def __init__(self, hello: Hello) -> None:
        self.hello = hello
        self.frame_bytes = {"s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}[hello.format]
        self.frame_bytes *= hello.channels
        self.data = bytearray()
        self.closed = False
        self.news = asyncio.Event()

    def push(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def close(self) -> None:
        self.closed = True


# --- hello and pace ---


def test_a_hello() -> None:
    said = '{"rate": 48000, "channels": 2, "format": "f32le", "name": "Ann 2", "hears_her": false}'
    assert read_hello(said) == Hello("Ann 2", 48_000, 2, "f32le", False)
    assert read_hello('{"rate": 16000.0}') == Hello("mic", 16_000, 1, "s16le", None)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "no JSON object"),
        ("[1]", "no JSON object"),
        ("{" * 100_000, "no JSON object"),
        ("{}", "no rate"),
        ('{"rate": 1}', "rate 1 cannot"),
        ('{"rate": NaN}', "no whole number"),
        ('{"rate": 48000, "name": ""}', "name"),
        ('{"rate": 48000, "name": "../../x"}', "name"),
        ('{"rate": 48000, "name": "a\\nb"}', "name"),
        ('{"rate": 48000, "name": 5}', "name"),
        ('{"rate": 48000, "format": "mp3"}', "format"),
        ('{"rate": 48000, "channels": 0}', "channels"),
        ('{"rate": 48000, "hears_her": "yes"}', "hears_her"),
    ],
)
def test_a_bad_hello_is_said(said: str, why: str) -> None:
    with pytest.raises(BadSound, match=why) as refused:
        read_hello(said)
    assert refused.value.hint


def test_the_right_pace_is_never_refused() -> None:
    pace = Pace(48_000, 0.0)
    for second in range(1, 1000):
        pace.came(48_000, second + 0.3 * (second % 3))


def test_a_network_that_stumbles_is_not_refused() -> None:
    pace = Pace(48_000, 0.0)
    pace.came(48_000, 6.0)
    pace.came(5 * 48_000, 6.0)
    pace.came(48_000, 7.0)


def test_a_wrong_rate_is_said_with_the_right_one() -> None:
    pace = Pace(16_000, 0.0)
    for second in range(1, 4):
        pace.came(48_000, float(second))  # too early to judge
    with pytest.raises(BadSound, match=r"than 16000 samples a second, about 48000 a second"):
        pace.came(48_000, 4.0)


def test_a_whole_file_at_once_is_refused() -> None:
    pace = Pace(16_000, 0.0)
    with pytest.raises(BadSound, match="more sound comes"):
        pace.came(16_000 * 60, 0.1)


# --- files ---


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize(
    ("bits", "channels", "kind"),
    [(16, 1, 1), (16, 2, 1), (24, 1, 1), (24, 2, 0xFFFE), (32, 2, 1), (32, 1, 3), (24, 6, 1)],
)
def test_wav_files_of_every_kind(
    tmp_path: Path, rate: int, bits: int, channels: int, kind: int
) -> None:
    path = wav(tmp_path / "a.wav", TONE, rate, bits=bits, channels=channels, kind=kind)
    sound = open_sound(str(path))
    assert (sound.rate, sound.channels) == (rate, channels)
    heard = to_mono(b"".join(sound.blocks(bits // 8 * channels * 100)), channels, sound.format)
    assert np.allclose(heard, TONE, atol=1e-4)


def test_a_raw_file(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(b"\1\0" * 50 + b"\1")  # half a sample too much
    sound = open_sound(str(path))
    assert (sound.rate, sound.format, sound.length) == (16_000, "s16le", 100)


def test_a_recording_that_was_never_finished(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", TONE, 16_000)
    data = path.read_bytes()
    at = data.index(b"data") + 4
    for length in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
        path.write_bytes(data[:at] + length + data[at + 4 :])
        assert open_sound(str(path)).length == 2 * len(TONE)


def test_files_that_cannot_be_heard_are_named(tmp_path: Path) -> None:
    good = wav(tmp_path / "good.wav", TONE, 16_000).read_bytes()
    eight = wav(tmp_path / "a.wav", TONE, 16_000).read_bytes()
    at = eight.index(b"fmt ") + 8
    bad = {
        "is no WAV file": b"ID3" + bytes(100),
        "ends in its header": good[:20],
        "cannot be used": good[: at + 4] + b"\1\0\0\0" + good[at + 8 :],  # a rate of 1
        "is not known": good[:at] + b"\x55\0" + good[at + 2 :],  # MP3 in a WAV file
        "does not say": b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
    }
    for why, data in bad.items():
        path = tmp_path / "bad.wav"
        path.write_bytes(data)
        with pytest.raises(BadSound, match=why) as refused:
            open_sound(str(path))
        assert refused.value.hint
    with pytest.raises(BadSound, match="No such file"):
        open_sound(str(tmp_path / "none.wav"))
    with pytest.raises(BadSound, match="cannot be read"):
        open_sound(str(tmp_path))


async def test_a_file_is_played_in_real_time_with_silence_behind_it(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", np.tile(TONE, 20), 44_100, bits=24, channels=2)
    clock = [100.0]
    ahead: list[float] = []
    taken: list[Taken] = []

    def hear(hello: Hello) -> Taken:
        taken.append(Taken(hello))
        return taken[0]

    async def sleep(seconds: float) -> None:
        clock[0] += seconds
        ahead.append(len(taken[0].data) / 6 / 44_100 - (clock[0] - 100))

    seconds = await play_file("ann", str(path), hear, lambda: clock[0], sleep)
    assert seconds == pytest.approx(2.0)
    assert taken[0].hello == Hello("ann", 44_100, 2, "s24le", None)
    assert taken[0].closed
    assert clock[0] - 100 == pytest.approx(3.0, abs=0.05)
    assert all(-0.05 < early <= 0.0001 for early in ahead)  # never before its time
    sound = to_mono(bytes(taken[0].data), 2, "s24le")
    assert np.allclose(sound[: 20 * len(TONE)], np.tile(TONE, 20), atol=1e-4)
    assert np.all(sound[-44_000:] == 0)


async def test_a_file_that_is_wrong_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    notices: list[tuple[str, str, str]] = []
    await keep_playing("ann", str(tmp_path / "no.wav"), Taken, lambda *n: notices.append(n))
    ((level, text, hint),) = notices
    assert level == "warning"
    assert "'ann'" in text
    assert "no.wav" in text
    assert hint


# --- devices ---


class FakePortAudio:
    """The part of sounddevice that is used, with cables that can be pulled."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.devices = [
            {"name": "HDMI", "max_input_channels": 0, "default_samplerate": 48_000.0},
            {"name": "USB Microphone", "max_input_channels": 1, "default_samplerate": 44_100.0},
        ]
        self.streams: list[FakeStream] = []
        self.starts = 0

    def query_devices(self, kind: str = "") -> Any:
        return self.devices[-1] if kind else self.devices

    def RawInputStream(self, **how: Any) -> FakeStream:  # noqa: N802  (sounddevice's name)
        self.streams.append(FakeStream(how))
        return self.streams[-1]

    def _terminate(self) -> None:
        self.starts += 1

    def _initialize(self) -> None:
        pass


class FakeStream:
    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how
        self.closed = False

    def start(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def test_devices_are_found_by_a_part_of_their_name() -> None:
    audio = FakePortAudio()
    assert find_microphone(audio, "usb mic") == (1, 44_100, "USB Microphone")
    assert find_microphone(audio, "default") == (None, 44_100, "USB Microphone")
    with pytest.raises(BadSound, match="no microphone is called 'HDMI'") as refused:
        find_microphone(audio, "HDMI")
    assert "USB Microphone" in refused.value.hint
    audio.devices.pop()
    with pytest.raises(BadSound, match="has no microphone"):
        find_microphone(audio, "default")


async def test_a_device_that_vanishes_is_said_and_found_again() -> None:
    audio = FakePortAudio()
    problems: asyncio.Queue[str] = asyncio.Queue()
    taken: list[Taken] = []
    retries: asyncio.Queue[None] = asyncio.Queue()

    def hear(hello: Hello) -> Taken:
        taken.append(Taken(hello))
        return taken[-1]

    async def sleep(_: float) -> None:
        await retries.get()

    load: Callable[[], Any] = lambda: audio  # noqa: E731  (typed)
    microphone = Microphone("ann", "usb", hear, problems.put_nowait, Devices(load), sleep)
    running = asyncio.create_task(microphone.run())
    async with asyncio.timeout(10):
        assert await problems.get() == ""
        assert taken[0].hello == Hello("ann", 44_100, 1, "s16le", None)
        audio.streams[0].how["callback"](memoryview(b"\1\0\2\0"), 2, None, None)
        await taken[0].news.wait()
        assert bytes(taken[0].data) == b"\1\0\2\0"
        cable = audio.devices.pop()
        audio.streams[0].how["finished_callback"]()
        assert "USB Microphone gives no more sound" in await problems.get()
        assert taken[0].closed
        assert audio.streams[0].closed
        retries.put_nowait(None)
        assert "no microphone" in await problems.get()
        audio.devices.append(cable)
        retries.put_nowait(None)
        assert await problems.get() == ""
        assert len(taken) == 2
        assert audio.starts == 2  # PortAudio looked again each time
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert audio.streams[1].closed


async def test_no_portaudio_is_said_once() -> None:
    problems: list[str] = []

    def missing() -> Any:
        raise BadSound("PortAudio is not installed", "install it")

    await Microphone("ann", "x", Taken, problems.append, Devices(missing)).run()
    assert problems == ["PortAudio is not installed; install it"]
