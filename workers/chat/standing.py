"""Who may not speak, and who is trusted; ``STATE/viewers.json`` keeps it.

Timeouts go by the wall clock, because they outlive processes and machines, and by the
monotonic clock too: whichever says first that a timeout is over is right, so that no clock
that was set back makes one longer than was asked for.

A crash leaves the old file or the new one. A file that cannot be read is set aside, never
written over.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ipc.files import replace

FILE = "viewers.json"
MOST = 10_000  # about 3 MB; beyond it what a platform enforces by itself goes first
LONGEST_S = 1_209_600  # two weeks, the longest timeout that platforms have

_Text = Annotated[str, Meta(max_length=1024)]
_At = Annotated[float, Meta(ge=0, le=1e12)]
OPERATOR = "operator"


class Mark(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What was decided about one viewer."""

    id: _Text  # "platform:id"
    name: _Text = ""
    login: _Text = ""
    banned: bool = False
    until: _At = 0.0  # silenced up to this wall-clock time
    seconds: Annotated[int, Meta(ge=0, le=LONGEST_S)] = 0  # how long that was when it began
    trusted: bool = False
    by: _Text = ""  # "operator", or the platform whose moderators did it
    reason: _Text = ""
    at: _At = 0.0  # when, by the wall clock

    @property
    def platform(self) -> str:
        return self.id.partition(":")[0]


class Standing:
    """Pure. One Mark for each viewer who has a standing at all; bounded by MOST."""

    def __init__(
        self,
        marks: Iterable[Mark] = (),
        wall_s: Callable[[], float] = time.time,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall_s = wall_s
        self._now_s = now_s
        self._marks: dict[str, Mark] = {}
        self._over_s: dict[str, float] = {}  # by the monotonic clock
        self.changes = 0
        for mark in marks:
            self.put(mark)

    def get(self, author_id: str) -> Mark:
        """What is in force now; an empty Mark for everybody else."""
        mark = self._marks.get(author_id)
        if mark is None:
            return Mark(id=author_id)
        if mark.until and self._left_s(mark) <= 0:
            mark = msgspec.structs.replace(mark, until=0.0, seconds=0)
            if not mark.banned:
                mark = msgspec.structs.replace(mark, reason="", by="", at=0.0)
            self.put(mark)
        return mark

    def put(self, mark: Mark) -> list[Mark]:
        """From now on this holds. Returns whom there was no more room for."""
        self.changes += 1
        self._marks.pop(mark.id, None)
        self._over_s.pop(mark.id, None)
        if mark.until:
            left_s = max(0.0, min(mark.until - self._wall_s(), mark.seconds))
            self._over_s[mark.id] = self._now_s() + left_s
            mark = msgspec.structs.replace(mark, until=self._wall_s() + left_s)
        if mark.banned or mark.until or mark.trusted:
            self._marks[mark.id] = mark
        return [self._make_room() for _ in range(len(self._marks) - MOST)]

    def knows(self, author_id: str) -> bool:
        """Whether there is anything but the ordinary; cheap."""
        return author_id in self._marks

    def why_silent(self, author_id: str) -> str:
        """Why nothing of this viewer is heard; empty for those who may speak."""
        if author_id not in self._marks:
            return ""
        mark = self.get(author_id)
        by = "" if mark.by in ("", OPERATOR) else f" on {mark.by}"
        if mark.banned:
            return f"the viewer is banned{by}"
        if mark.until:
            return f"the viewer is silenced{by} for {math.ceil(self._left_s(mark))} s"
        return ""

    def __iter__(self) -> Iterator[Mark]:
        """All marks as they were put, also such as are over."""
        return iter(self._marks.values())

    def listing(self) -> list[Mark]:
        """Everybody who has a standing now."""
        marks = [self.get(author_id) for author_id in list(self._marks)]
        return [mark for mark in marks if mark.id in self._marks]

    def _left_s(self, mark: Mark) -> float:
        over_s = self._over_s.get(mark.id, -math.inf)
        return min(mark.until - self._wall_s(), over_s - self._now_s())

    def _make_room(self) -> Mark:
        """Timeouts go first, then bans the platform keeps too, the oldest of each."""

        def worth(mark: Mark) -> int:
            if mark.trusted or (mark.banned and mark.by == OPERATOR):
                return 2
            return 1 if mark.banned else 0

        goes = min(self._marks.values(), key=worth)  # the first of equals is the oldest
        del self._marks[goes.id]
        self._over_s.pop(goes.id, None)
        return goes


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


class StandingFile:
    """Writes a Standing when it has changed. ``write`` is injected by tests: path, content."""

    def __init__(
        self, path: Path, standing: Standing, write: Callable[[Path, bytes], None] | None = None
    ) -> None:
        self._path = path
        self._standing = standing
        self._write = write or partial(replace, durable=True)
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
