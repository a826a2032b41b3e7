"""Files that are read again when they change, and keep what they had when they break."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

from workers.gate.entries import ListError

T = TypeVar("T")
Seen = tuple[int, int, int]  # time of change in ns, bytes, inode
LONGEST_BYTES = 8_000_000  # a list of half a million entries; more is not a list
AT_ONCE_BYTES = 16_384  # about a thousand entries, 20 ms; more is parsed beside the work


def in_thread(work: Callable[[], None]) -> None:
    """Run ``work`` in a thread that does not keep the process from ending."""
    threading.Thread(target=work, name="gate-list", daemon=True).start()


class ListFile(Generic[T]):
    """A parsed file. ``value`` is the newest that could be parsed, None before the first.

    A big file that changed is parsed in a thread, and used from a later ``refresh`` on; the
    first look at it waits, because without a list nothing can be judged. ``parse`` raises
    ListError for what is no list. A version that is none is not parsed a second time.
    """

    def __init__(
        self,
        what: str,
        path: Path,
        parse: Callable[[str], T],
        start: Callable[[Callable[[], None]], None] = in_thread,
    ) -> None:
        self._what = what
        self._path = path
        self._parse = parse
        self._start = start
        self._seen: Seen | None = None  # the version that was parsed last, good or not
        self._looked = False
        self._parsing: Future[T] | None = None
        self.value: T | None = None
        self.problem = ""  # why there is no value, or why the newest file is not in use

    @property
    def parsed(self) -> bool:
        """Whether a parse in a thread is done and waits to be taken by ``refresh``."""
        return self._parsing is not None and self._parsing.done()

    def refresh(self) -> bool:
        """Look at the file by time, size and inode, and read it if one changed. Whether there
        is a new value."""
        if self._parsing is not None:
            if not self._parsing.done():
                return False
            done, self._parsing = self._parsing, None
            return self._take(done)
        waits, self._looked = not self._looked, True
        try:
            if _version(os.stat(self._path)) == self._seen:
                return False
            self._seen, content = _read(self._path)
        except (OSError, ListError) as error:
            self._seen = None  # it may be readable later with the same time and size
            self.problem = self._told(error)
            return False
        parsing: Future[T] = Future()

        def work() -> None:
            try:
                parsing.set_result(self._parse(content.decode("utf-8")))
            except Exception as error:  # raised again by the one who takes the result
                parsing.set_exception(error)

        if waits or len(content) <= AT_ONCE_BYTES:
            work()
            return self._take(parsing)
        self._parsing = parsing
        self._start(work)
        return False

    def _take(self, parsing: Future[T]) -> bool:
        try:
            self.value = parsing.result()
        except (UnicodeDecodeError, ListError) as error:
            self.problem = self._told(error)
            return False
        self.problem = ""
        return True

    def _told(self, error: Exception) -> str:
        return f"the {self._what} {self._path}: {error}"


def _version(status: os.stat_result) -> Seen:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> tuple[Seen, bytes]:
    """A regular file of bounded size, and which version of it. Raises OSError, ListError."""
    with open(path, "rb", opener=_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ListError("it is not a regular file")
        content = file.read(LONGEST_BYTES + 1)
    if len(content) > LONGEST_BYTES:
        raise ListError(
            f"it has more than {LONGEST_BYTES // 1_000_000} MB; split what is no word list off"
        )
    return _version(status), content


def _at_once(path: str, flags: int) -> int:
    """To open a pipe waits for its writer unless told not to."""
    return os.open(path, flags | os.O_NONBLOCK)
