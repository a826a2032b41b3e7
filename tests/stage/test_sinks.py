"""WAV file, record of what was heard, sound device without PortAudio, resampling."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from ipc.errors import PathNotWritable
from workers.stage.device import DeviceMissing, find_device
from workers.stage.heard import TURNS_KEPT, HeardRecord
from workers.stage.playout import Heard
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
