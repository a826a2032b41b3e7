"""When the director's files are written, and what is said while they cannot be.

A file is written at the end of the step that changed it, before anybody is told what came of
the step. Of changes that come in waves only the first is; the others are written together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workers.director.port import Port

_AGAIN_NS = 1_000_000_000  # what could not be written is tried again


class Problems:
    """What the worker misses, of several causes, as one sentence."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._known: dict[str, str] = {}

    def set(self, cause: str, text: str) -> None:
        """``text`` empty: no longer."""
        if self._known.get(cause, "") != text:
            self._known[cause] = text
            self._port.problem("; ".join(filter(None, self._known.values())))


@dataclass(slots=True)
class _File:
    name: str
    write: Callable[[], None]
    holds: str
    apart_ns: int
    next_ns: int = 0  # not before
    due_ns: int | None = None  # None: it is as it should be
    error: str = ""


class Keeper:
    """Writes files that it does not own: ``write`` raises OSError when that cannot be done.
    A full disk must not end the show."""

    def __init__(self, port: Port, problems: Problems) -> None:
        self._port = port
        self._problems = problems
        self._files: dict[str, _File] = {}
        self._said = False

    def add(self, name: str, write: Callable[[], None], holds: str, apart_s: float = 0.0) -> None:
        """``holds``: what a restart forgets without it. ``apart_s``: from one writing to the
        next, at least."""
        self._files[name] = _File(name, write, holds, int(apart_s * 1e9))

    def changed(self, name: str) -> None:
        """It has to be written."""
        file = self._files[name]
        due_ns = max(self._port.now_ns(), file.next_ns)
        file.due_ns = due_ns if file.due_ns is None else min(file.due_ns, due_ns)

    def failed(self, name: str, error: OSError) -> None:
        """Its owner could not write to it: the whole file is tried instead."""
        self._files[name].error = str(error)
        self.changed(name)

    def keep(self, now: int) -> int | None:
        """Write what is due; when to call again."""
        for file in self._files.values():
            if file.due_ns is not None and now >= file.due_ns:
                self._write(file, now)
        self._tell()
        return min((f.due_ns for f in self._files.values() if f.due_ns is not None), default=None)

    def close(self) -> None:
        """Write what still waits."""
        for file in self._files.values():
            if file.due_ns is not None:
                self._write(file, file.due_ns)

    @property
    def unsaved(self) -> str:
        """What cannot be written, why, and what that means; empty if all is."""
        bad = [file for file in self._files.values() if file.error]
        if not bad:
            return ""
        names = ", ".join(file.name for file in bad)
        holds = ", ".join(file.holds for file in bad)
        return f"{names} cannot be written ({bad[0].error}): a restart forgets {holds}"

    def _write(self, file: _File, now: int) -> None:
        file.next_ns = now + file.apart_ns
        try:
            file.write()
        except OSError as error:
            file.error, file.due_ns = str(error), now + _AGAIN_NS
        else:
            file.error, file.due_ns = "", None

    def _tell(self) -> None:
        unsaved = self.unsaved
        if unsaved and not self._said:
            self._port.notice(
                "error", unsaved, "make room or mend the permissions of the state directory"
            )
        self._said = bool(unsaved)
        self._problems.set("files", unsaved)
