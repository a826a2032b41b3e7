"""WAV files of every common kind: PCM of 16, 24 and 32 bits, float, many channels, odd rates."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workers.stt.audio import BadSound, check_format

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FORMATS = {(_PCM, 16): "s16le", (_PCM, 24): "s24le", (_PCM, 32): "s32le", (_FLOAT, 32): "f32le"}
_RAW_RATE = 16_000
_HINT = "use a WAV file of 16, 24 or 32 bits, or .raw: 16-bit mono at 16000 samples a second"


@dataclass(frozen=True)
class SoundFile:
    """Where the sound lies in a file, and what it is."""

    path: Path
    rate: int
    channels: int
    format: str
    start: int  # bytes
    length: int

    def blocks(self, size: int) -> Iterator[bytes]:
        """The sound, ``size`` bytes at a time. Raises BadSound if the file goes away."""
        left = self.length
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                while left > 0 and (block := file.read(min(size, left))):
                    left -= len(block)
                    yield block
        except OSError as error:
            raise BadSound(f"{self.path} cannot be read: {error.strerror}", _HINT) from None


def open_sound(name: str) -> SoundFile:
    """Read the header; ~ is the home directory. Raises BadSound."""
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if path.suffix in (".raw", ".pcm"):
                return SoundFile(path, _RAW_RATE, 1, "s16le", 0, size // 2 * 2)
            return _read_header(path, file, size)
    except (OSError, struct.error) as error:
        why = error.strerror if isinstance(error, OSError) else "it ends in its header"
        raise BadSound(f"{path} cannot be read: {why}", _HINT) from None


def _read_header(path: Path, file: BinaryIO, size: int) -> SoundFile:
    magic, _, kind = struct.unpack("<4sI4s", file.read(12))
    if magic != b"RIFF" or kind != b"WAVE":
        raise BadSound(f"{path} is no WAV file", _HINT)
    described: tuple[int, int, str, int] | None = None
    while True:
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            break
        body = file.read(length + length % 2)  # chunks begin at even places
        if name == b"fmt ":
            described = _describe(path, body)
    if described is None:
        raise BadSound(f"{path} does not say what its sound is", _HINT)
    rate, channels, format_, block = described
    start = file.tell()
    # a program that was ended left its header as it was: the length is absurd or zero then
    there = size - start
    length = min(length, there) if length else there
    return SoundFile(path, rate, channels, format_, start, length // block * block)


def _describe(path: Path, body: bytes) -> tuple[int, int, str, int]:
    code, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if code == _EXTENSIBLE:
        code = struct.unpack_from("<H", body, 24)[0]  # begin of the GUID that replaces it
    format_ = _FORMATS.get((code, bits))
    if format_ is None or block != channels * bits // 8:
        raise BadSound(
            f"{path} has sound of kind {code} with {bits} bits, which is not known", _HINT
        )
    rate, channels, format_ = check_format(rate, channels, format_)
    return rate, channels, format_, block
