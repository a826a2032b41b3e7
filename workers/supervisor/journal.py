"""What a worker prints: its last lines in memory, everything in a rotated file."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import BinaryIO

_RING_LINES = 400
_LINE_BYTES = 8192  # a longer line is cut in the ring; the file has all of it
_FILE_BYTES = 4 * 1024 * 1024  # then it becomes NAME.log.1, replacing the one before


class Journal:
    """Shared by all incarnations of one worker, so that the ring still shows the crash."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: deque[str] = deque(maxlen=_RING_LINES)
        self._rest = b""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file: BinaryIO | None = self._open()

    def begin(self, title: str) -> None:
        """Mark a new incarnation."""
        self.write(f"--- {title}\n".encode())

    def write(self, data: bytes) -> None:
        """Bytes as they came out of the worker's pipe."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_LINE_BYTES:]
        self._ring.extend(_readable(line) for line in lines)
        try:
            self._append(data)
        except OSError as error:  # a full disk costs the file, not the worker nor the ring
            self._ring.append(f"--- cannot write {self._path}: {error.strerror}")
            self.close()

    def end(self) -> None:
        """The incarnation is gone; an unfinished line is finished for it."""
        if self._rest:
            self.write(b"\n")

    def lines(self) -> list[str]:
        """The last lines, oldest first."""
        return list(self._ring)

    def last_words(self) -> str:
        """The last line the present incarnation printed; empty if it printed none."""
        for line in reversed(self._ring):
            if line.startswith("--- "):
                return ""
            if line.strip():
                return line.strip()
        return ""

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _open(self) -> BinaryIO:
        # unbuffered: a line printed right before a crash is there, and close() cannot fail
        return open(self._path, "ab", buffering=0, opener=_private)

    def _append(self, data: bytes) -> None:
        if self._file is None:
            return
        self._file.write(data)
        if self._file.tell() > _FILE_BYTES:
            self.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._open()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _readable(line: bytes) -> str:
    """Text without control characters: it ends up on terminals."""
    text = line[:_LINE_BYTES].decode(errors="replace").rstrip("\r").expandtabs(4)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
