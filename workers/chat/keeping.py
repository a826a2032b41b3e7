"""``STATE/viewers.json``: what is decided about viewers, on disk.

A crash leaves the old file or the new one. A file that cannot be read is set aside, never
written over.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from workers.chat.standing import Mark, Standing

FILE = "viewers.json"


class _Kept(msgspec.Struct):
    viewers: list[Mark]


def read(path: Path, clock: Callable[[], float] = time.time) -> tuple[list[Mark], str]:
    """The marks, and what there is to say about the file. Raises OSError if it can neither be
    read nor set aside: then nothing may be written."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept).viewers, ""
    except FileNotFoundError:
        return [], ""
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        aside = path.with_name(f"{path.name}.unreadable-{int(clock())}")
        os.rename(path, aside)
        why = error.strerror if isinstance(error, OSError) else str(error)
        return [], f"{path.name} cannot be read ({why}): it is now {aside}, and nobody is banned"


class Keeping:
    """Writes a Standing when it has changed. ``write`` is injected by tests."""

    def __init__(
        self, path: Path, standing: Standing, write: Callable[[Path, bytes], None] | None = None
    ) -> None:
        self._path = path
        self._standing = standing
        self._write = write or _write
        self._written = standing.changes
        self._lock = asyncio.Lock()
        self.problem = ""  # why the newest is not on disk

    @property
    def due(self) -> bool:
        """Whether there is something that is not on disk."""
        return self._written != self._standing.changes

    async def save(self) -> None:
        """What was decided before this call is on disk afterwards, or ``problem`` says why not."""
        wanted = self._standing.changes
        async with self._lock:
            if self._written >= wanted:  # whoever held the lock wrote ours too
                return
            writing = self._standing.changes
            content = msgspec.json.encode(_Kept(viewers=self._standing.listing()))
            try:
                await asyncio.to_thread(self._write, self._path, content)
            except OSError as error:
                self.problem = f"bans are not kept: {self._path}: {error.strerror or error}"
            else:
                self._written = writing
                self.problem = ""


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # of a crash; it may be anybody's, ours is made anew
    with open(new, "wb", opener=_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)
