"""Every event as a JSON line: STATE/recordings/TIME-PID-NUMBER.jsonl.

A line is the event as in ``ipc.protocol`` with its class in ``type``, behind ``t``, the
wall-clock second it was recorded. The files hold what viewers wrote: they are readable by
their owner alone, and the oldest go.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from ipc.protocol import Message

_MB = 1024 * 1024


class Recorder:
    """Buffered; call ``flush`` now and then and ``close`` at the end. Raises OSError."""

    def __init__(
        self,
        directory: Path,
        file_mb: float,
        files: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._limit = int(file_mb * _MB)
        self._files = files
        self._clock = clock
        self._encoder = msgspec.json.Encoder()
        self._number = 0
        self._size = 0
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(clock()))
        self._prefix = f"{stamp}-{os.getpid()}"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._next()

    def write(self, event: Message) -> None:
        """Append one event."""
        line = b'{"t":%.6f,"event":%b}\n' % (self._clock(), self._encoder.encode(event))
        if self._size and self._size + len(line) > self._limit:
            self._file.close()
            self._file = self._next()
        self._file.write(line)
        self._size += len(line)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _next(self) -> BinaryIO:
        self._number += 1
        self._size = 0
        path = self._directory / f"{self._prefix}-{self._number:04d}.jsonl"
        file = open(path, "wb", opener=_private)  # noqa: SIM115 - closed by close()
        for old in sorted(self._directory.glob("*.jsonl"))[: -self._files]:
            old.unlink(missing_ok=True)
        return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
