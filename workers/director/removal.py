"""What must not be heard any more. Pure but for one small file.

A removal names lines, an author or a whole platform. It counts at once for everything that is
known here, and it is remembered: for lines that arrive late, for what memory gives later, and
for a memory that was away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ipc.files import replace
from ipc.protocol import ChatMessage, Forget, MemoryHit, Removed
from workers.director.history import Exchange

_IDS_KEPT = 2048
_AUTHORS_KEPT = 512


@dataclass(frozen=True, slots=True)
class Gone:
    """One removal, as a question to ask of things."""

    ids: frozenset[str]
    author: str = ""
    platform: str = ""  # everything of it; empty: not that much

    @classmethod
    def of(cls, removed: Removed) -> Gone:
        platform = removed.platform if removed.everything else ""
        return cls(frozenset(removed.message_ids), removed.author_id, platform)

    def line(self, line: ChatMessage) -> bool:
        return (
            line.id in self.ids
            or (self.author != "" and line.author_id == self.author)
            or (self.platform != "" and line.platform == self.platform)
        )

    def quoted(self, quotes: Iterable[str]) -> bool:
        """Whether one of these ids, of lines or authors, is gone."""
        return any(one != "" and (one in self.ids or one == self.author) for one in quotes)

    def hit(self, hit: MemoryHit) -> bool:
        return self.quoted((hit.message_id, hit.author_id))

    def exchange(self, exchange: Exchange) -> bool:
        room = f"{self.platform}:" if self.platform else "\0"
        authors = exchange.author_ids
        return (
            self.quoted(exchange.message_ids)
            or self.quoted(authors)
            or self.quoted(exchange.quotes)
            or any(author.startswith(room) for author in authors)
        )


class _Saved(msgspec.Struct):
    """``STATE/removed.json``."""

    ids: list[str] = []
    authors: dict[str, bool] = {}


class Removals:
    """The removals so far, bounded; kept over a restart. Methods that write raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._authors: OrderedDict[str, bool] = OrderedDict()  # whether memory must forget them
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
        except (OSError, msgspec.DecodeError):
            return  # all that is lost is the repetition of what memory was told already
        self._ids.update(dict.fromkeys(saved.ids[-_IDS_KEPT:]))
        self._authors.update(saved.authors)

    def note(self, removed: Removed) -> None:
        """Remember it."""
        self.ids(removed.message_ids)
        if removed.author_id:
            before = self._authors.pop(removed.author_id, False)
            self._authors[removed.author_id] = before or removed.forget
            while len(self._authors) > _AUTHORS_KEPT:
                self._authors.popitem(last=False)

    def ids(self, message_ids: Iterable[str]) -> None:
        """These lines are gone, too."""
        for message_id in filter(None, message_ids):
            self._ids[message_id] = None
            self._ids.move_to_end(message_id)
        while len(self._ids) > _IDS_KEPT:
            self._ids.popitem(last=False)

    def has(self, message_id: str) -> bool:
        return message_id in self._ids

    def hit(self, hit: MemoryHit) -> bool:
        """Whether a memory is of what was removed."""
        return hit.message_id in self._ids or hit.author_id in self._authors

    def speaks_again(self, author_id: str) -> bool:
        """Chat lets a line of this author through: they are welcome again. Whether they were
        not."""
        return self._authors.pop(author_id, None) is not None

    def forgets(self) -> list[Forget]:
        """All that memory must have forgotten, for one that may have been away."""
        found = [Forget(author_id=author) for author, forget in self._authors.items() if forget]
        if self._ids:
            found.append(Forget(message_ids=list(self._ids)))
        return found

    def save(self) -> None:
        """What is forgotten here could be heard again: this waits for the disk."""
        saved = _Saved(list(self._ids), dict(self._authors))
        replace(self._path, msgspec.json.encode(saved), durable=True)
