"""WAV file, record of what was heard, sound device without PortAudio, resampling."""

from __future__ import annotations

import queue
import wave
from pathlib import Path

import numpy as np
import pytest

from ipc.errors import PathNotWritable
from workers.stage import device as device_module
from workers.stage.device import Device, DeviceMissing, find_device
from workers.stage.gain import Ramp
from workers.stage.heard import TURNS_KEPT, HeardRecord
from workers.stage.outputs import Heard, Sound, Truncate
from workers.stage.resample import resample
from workers.stage.wav import WavFile


def read(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


def test_wav_is_valid_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "show.wav"
    wav = WavFile(path)
    assert read(path) == (24_000, b"")
    for count in range(1, 4):
        wav.heard(Heard(1, 22_050, b"\x01\x02" * 100))
        assert read(path) == (22_050, b"\x01\x02" * 100 * count)
    wav.close()


def test_wav_is_continued_never_erased(tmp_path: Path) -> None:
    path = tmp_path / "show.wav"
    for count in range(1, 3):
        wav = WavFile(path)
        wav.heard(Heard(1, 24_000, b"\x01\x02" * 10))
        wav.close()
        assert read(path)[1] == b"\x01\x02" * 10 * count


def test_wav_torn_by_a_kill_between_samples_and_header_opens(tmp_path: Path) -> None:
    path = tmp_path / "show.wav"
    wav = WavFile(path)
    wav.heard(Heard(1, 24_000, b"\x01\x02" * 10))
    wav.close()
    with path.open("ab") as file:
        file.write(b"\x09" * 7)
    assert read(path)[1] == b"\x01\x02" * 10
    wav = WavFile(path)
    wav.heard(Heard(2, 24_000, b"\x03\x04" * 10))
    wav.close()
    assert read(path)[1] == b"\x01\x02" * 10 + b"\x03\x04" * 10


def test_wav_keeps_its_rate_when_the_voice_changes(tmp_path: Path) -> None:
    path = tmp_path / "show.wav"
    wav = WavFile(path)
    wav.heard(Heard(1, 24_000, bytes(2400)))
    wav.heard(Heard(2, 48_000, bytes(4800)))
    wav.close()
    assert read(path) == (24_000, bytes(4800))


@pytest.mark.parametrize("place", ["missing/show.wav", "."])
def test_wav_that_cannot_be_written_says_so(tmp_path: Path, place: str) -> None:
    with pytest.raises(PathNotWritable, match=r"(?s)cannot write the WAV file.*stage\.wav"):
        WavFile(tmp_path / place)


def test_wav_leaves_other_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("dear diary, " * 10)
    with pytest.raises(PathNotWritable, match="is not a 16-bit mono WAV"):
        WavFile(path)
    assert path.read_text() == "dear diary, " * 10


def test_record_keeps_the_last_turns() -> None:
    record = HeardRecord()
    for turn in range(1, 12):
        record.heard(Heard(turn, 24_000, bytes([turn, 0])))
        record.heard(Heard(turn, 24_000, bytes([turn, 1])))
    assert record.turns == list(range(12 - TURNS_KEPT, 12))
    assert record.sound(11) == (24_000, bytes([11, 0, 11, 1]))
    assert record.sound(3) is None


@pytest.mark.parametrize(
    ("source", "target", "count"), [(24_000, 48_000, 960), (48_000, 24_000, 240)]
)
def test_resample_changes_the_length(source: int, target: int, count: int) -> None:
    assert len(resample(bytes(960), source, target)) == 2 * count


class NoDevices:
    """PortAudio on a machine without a sound card."""

    def query_devices(self) -> list[dict[str, object]]:
        return []


class OneDevice:
    """PortAudio with a microphone and a speaker."""

    def query_devices(self) -> list[dict[str, object]]:
        return [
            {"name": "Microphone", "max_output_channels": 0},
            {"name": "USB Speaker", "max_output_channels": 2},
        ]


def test_device_is_found_by_a_part_of_its_name() -> None:
    assert find_device(OneDevice(), "speak") == (1, "USB Speaker")
    assert find_device(OneDevice(), "default") == (None, "default")
    with pytest.raises(DeviceMissing, match="USB Speaker"):
        find_device(OneDevice(), "micro")
    with pytest.raises(DeviceMissing, match="no sound device"):
        find_device(NoDevices(), "default")


class Unpluggable(OneDevice):
    """A speaker whose streams fail while it is not plugged in."""

    class PortAudioError(Exception):
        """As sounddevice has it."""

    def __init__(self) -> None:
        self.plugged = True
        self.played: queue.Queue[bytes] = queue.Queue()
        self.open = 0

    def RawOutputStream(self, **_: object) -> UnpluggableStream:  # noqa: N802  # sounddevice's
        self.open += 1
        return UnpluggableStream(self)


class UnpluggableStream:
    """Writes into ``played``."""

    def __init__(self, audio: Unpluggable) -> None:
        self._audio = audio

    def _need(self) -> None:
        if not self._audio.plugged:
            raise self._audio.PortAudioError("no such device")

    def start(self) -> None:
        self._need()

    def abort(self) -> None:
        self._need()

    def write(self, pcm: bytes) -> None:
        self._need()
        self._audio.played.put(pcm)

    def close(self) -> None:
        self._audio.open -= 1


def test_device_unplugged_while_it_is_quiet_sounds_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Closing the idle stream of a device that was gone ended its thread for ever."""
    audio = Unpluggable()
    monkeypatch.setattr(device_module, "portaudio", lambda: audio)
    monkeypatch.setattr(device_module, "_IDLE_S", 0.01)
    problems: queue.Queue[str] = queue.Queue()
    device = Device("default", problems.put)
    sound = Sound(turn=1, clause=0, offset=0, rate=8000, pcm=bytes(160), at_ns=0, lead_ns=0)
    device.sound(sound)
    audio.played.get(timeout=10)
    audio.plugged = False
    assert "no such device" in problems.get(timeout=10)
    audio.plugged = True
    device.sound(sound)
    audio.played.get(timeout=10)
    assert problems.get(timeout=10) == ""
    device.close()
    assert audio.open == 0


def test_device_plays_what_is_left_of_a_stopped_turn_at_its_gain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    audio = Unpluggable()
    monkeypatch.setattr(device_module, "portaudio", lambda: audio)
    device = Device("default", lambda _: None)
    pcm = b"\xe8\x03" * 800  # 1000, for a tenth of a second
    second = 1_000_000_000
    device.duck(Ramp().to(0.5, 0, 0.0))
    device.truncate(Truncate(1, second + 35_000_000))
    for turn in (1, 1, 2):
        device.sound(Sound(turn, 0, 0, 8000, pcm, second, 0))
        pcm = pcm[:320]
    got = b""
    while len(got) < 2 * 280 + 2 * 160 + 320:
        block = audio.played.get(timeout=10)
        assert block
        got += block
    device.close()
    first = np.frombuffer(got[:560], "<i2")
    assert set(first[:240]) == {500}
    assert list(first[240:]) == sorted(first[240:], reverse=True)
    assert first[-1] == 0
    assert set(np.frombuffer(got[-320:], "<i2")) == {500}
