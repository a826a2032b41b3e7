"""Everything audible, into one WAV file that is valid at any moment.

Replies follow each other without the silence between them. The sizes in the header are
written after the samples they count, so a file cut off by ``kill -9`` still opens. A
file that is there already is continued, because a stage that was restarted must not
erase the evening.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from ipc.errors import PathNotWritable
from workers.stage.outputs import Heard
from workers.stage.resample import resample

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")  # canonical RIFF/WAVE, PCM
_RATE = 24_000  # until the first sound tells another
_LARGEST = 0xFFFF_FFFF - _HEADER.size  # RIFF sizes are 32 bit: a day of 24 kHz


def header(rate: int, size: int) -> bytes:
    """Header of a mono 16-bit WAV file with ``size`` bytes of samples."""
    return _HEADER.pack(
        b"RIFF",
        _HEADER.size - 8 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        rate * 2,
        2,
        16,
        b"data",
        size,
    )


class WavFile:
    """Opened by the constructor, which raises PathNotWritable; ``heard`` may raise it too."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            self._rate, self._size = self._continue_at()
        except (OSError, PathNotWritable):
            os.close(self._fd)
            raise

    def heard(self, heard: Heard) -> None:
        """Append. Another sample rate than the file's is converted."""
        if self._size == 0 and heard.rate != self._rate:
            self._rate = heard.rate
        pcm = resample(heard.pcm, heard.rate, self._rate)
        if self._size + len(pcm) > _LARGEST:
            raise PathNotWritable(
                f"the WAV file {self._path} is full (4 GB)", "choose another file in stage.wav"
            )
        try:
            if os.pwrite(self._fd, pcm, _HEADER.size + self._size) < len(pcm):
                raise OSError(0, "the disk is full")
            self._size += len(pcm)
            os.pwrite(self._fd, header(self._rate, self._size), 0)
        except OSError as error:
            raise self._unwritable(error) from None

    def close(self) -> None:
        os.close(self._fd)

    def _continue_at(self) -> tuple[int, int]:
        """Rate and bytes of the samples there; a new file gets its header."""
        length = os.fstat(self._fd).st_size
        if length == 0:
            os.pwrite(self._fd, header(_RATE, 0), 0)
            return _RATE, 0
        found = os.pread(self._fd, _HEADER.size, 0)
        if len(found) == _HEADER.size:
            rate = _HEADER.unpack(found)[7]
            size = _HEADER.unpack(found)[12]
            if found == header(rate, size) and _HEADER.size + size <= length:
                return rate, size
        raise PathNotWritable(
            f"{self._path} exists and is not a 16-bit mono WAV file to go on with",
            "choose another file in stage.wav",
        )

    def _unwritable(self, error: OSError) -> PathNotWritable:
        return PathNotWritable(
            f"cannot write the WAV file {self._path}: {error.strerror}",
            "choose a writable path in stage.wav",
        )
