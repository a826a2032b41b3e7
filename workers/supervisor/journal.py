"""What a worker prints: its last lines in memory, everything in a rotated file."""

from __future__ import annotations

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
        self._file: BinaryIO = path.open("ab")
        path.chmod(0o600)

    def begin(self, title: str) -> None:
        """Mark a new incarnation."""
        self.write(f"--- {title}\n".encode())

    def write(self, data: bytes) -> None:
        """Bytes as they came out of the worker's pipe."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_LINE_BYTES:]
        self._ring.extend(_readable(line) for line in lines)
        self._file.write(data)
        self._file.flush()
        if self._file.tell() > _FILE_BYTES:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("ab")
            self._path.chmod(0o600)

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
        self._file.close()


def _readable(line: bytes) -> str:
    """Text without control characters: it ends up on terminals."""
    text = line[:_LINE_BYTES].decode(errors="replace").rstrip("\r").expandtabs(4)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
