"""Files that are read again when they change, and keep what they had when they break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from workers.gate.entries import ListError

T = TypeVar("T")
_LONGEST_BYTES = 32_000_000  # a list of half a million entries; more is not a list


class ListFile(Generic[T]):
    """A parsed file. ``value`` is the newest that could be parsed, None before the first."""

    def __init__(self, what: str, path: Path, parse: Callable[[str], T]) -> None:
        self._what = what
        self._path = path
        self._parse = parse
        self._seen: tuple[int, int] | None = None
        self.value: T | None = None
        self.problem = ""  # why there is no value, or why the newest file is not in use

    def refresh(self) -> bool:
        """Look at the file by time and size, and read it if either changed. Whether there is
        a new value."""
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return False
            if status.st_size > _LONGEST_BYTES:
                raise ListError(f"it has {status.st_size} bytes, more than {_LONGEST_BYTES}")
            value = self._parse(self._path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, ListError) as error:
            self.problem = f"the {self._what} {self._path}: {error}"
            return False
        self._seen, self.value, self.problem = seen, value, ""
        return True
