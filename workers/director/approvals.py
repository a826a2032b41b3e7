"""What waits for a person: lines the gate doubts, and replies not to be said unseen.

Kept in a file, so that neither a crash nor the end of the show loses any.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from ipc.files import replace
from ipc.protocol import Approval
from workers.director.queue import Pick
from workers.director.removal import Gone

LINE = "line"
REPLY = "reply"
_CROWDED_OUT = "too much waits for approval"
_NEWER_LINE = "a newer line of the same viewer waits for approval"


class Item(msgspec.Struct, kw_only=True):
    """A line to be answered, or words to be said. ``approved``: on its way to the air."""

    id: str
    kind: str
    text: str
    why: str
    source: str = "chat"
    pick: Pick | None = None  # what it answers, or the line itself
    persona: str = ""
    quotes: list[str] = []  # ids of the lines and authors whose memories were in its prompt
    at: float = 0.0
    answered: bool = False  # a part was heard: its line has its outcome
    approved: bool = False

    def shown(self) -> Approval:
        """As everybody is told about it."""
        pick = self.pick
        return Approval(
            id=self.id,
            kind=self.kind,
            text=self.text,
            why=self.why,
            author=pick.author if pick else "",
            question=pick.text if pick and self.kind == REPLY else "",
            persona=self.persona,
            at=self.at,
        )


class _Saved(msgspec.Struct):
    """``STATE/approvals.json``."""

    next: int = 1
    items: list[Item] = []


class Approvals:
    """Bounded, and each viewer's lines by themselves. Lines give way before replies, which have
    cost more and of which she has said a part already. ``save`` raises OSError."""

    def __init__(self, path: Path, limit: int, viewer_lines: int) -> None:
        self._path = path
        self._limit = limit
        self._viewer_lines = viewer_lines
        self._next = 1
        self._items: dict[str, Item] = {}
        self.changed = False
        self._durably = False  # what was taken out could be said after all if that is lost
        self.set_aside: Path | None = None  # where an unreadable file went
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
        except FileNotFoundError:
            return
        except (msgspec.DecodeError, OSError):
            self.set_aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
            path.rename(self.set_aside)
            return
        self._next = saved.next
        self._items = {item.id: item for item in saved.items}

    @property
    def waiting(self) -> list[Item]:
        """Oldest first."""
        return [item for item in self._items.values() if not item.approved]

    @property
    def approved(self) -> list[Item]:
        """What has been let go and not been on the air yet, oldest first."""
        return [item for item in self._items.values() if item.approved]

    @property
    def full(self) -> bool:
        """Whether one more reply would push out another."""
        return len(self._items) - len(self._lines()) >= self._limit

    def find(self, name: str) -> Item | None:
        """By its id, or by that of its line."""
        found = self._items.get(name)
        return found or next(
            (i for i in self._items.values() if i.pick and name in i.pick.ids), None
        )

    def add(self, item: Item) -> list[tuple[Item, str]]:
        """Gives ``item`` its id. Returns what had to give way, and why; it may be ``item``."""
        item.id, item.at = f"a{self._next}", time.time()
        self._next += 1
        self._items[item.id] = item
        self.changed = True
        gone: list[tuple[Item, str]] = []
        if item.kind == LINE and item.pick is not None:
            theirs = self._lines(item.pick.first.author_id)
            gone += [
                (self._items.pop(old.id), _NEWER_LINE) for old in theirs[: -self._viewer_lines]
            ]
        over = max(0, len(self._items) - self._limit)
        replies = [old for old in self.waiting if old.kind != LINE]
        oldest = [*self._lines(), *replies][:over]
        return gone + [(self._items.pop(old.id), _CROWDED_OUT) for old in oldest]

    def _lines(self, author_id: str = "") -> list[Item]:
        """Lines that wait, of one viewer or of all, oldest first."""
        return [
            item
            for item in self.waiting
            if item.kind == LINE
            and item.pick is not None
            and (not author_id or item.pick.first.author_id == author_id)
        ]

    def edit(self, item: Item, *, approved: bool, text: str = "") -> None:
        """Let it go, or take that back."""
        item.approved, item.text = approved, text or item.text
        self.changed = self._durably = True

    def done(self, item_id: str) -> None:
        """It had its turn, or will have none."""
        if self._items.pop(item_id, None) is not None:
            self.changed = self._durably = True

    def remove(self, gone: Gone) -> list[Item]:
        """Take out every one that is of, or leans on, something removed."""
        removed = [
            item
            for item in self._items.values()
            if gone.quoted(item.quotes)
            or (item.pick is not None and any(gone.line(line) for line in item.pick.lines))
        ]
        for item in removed:
            self.done(item.id)
        return removed

    def save(self) -> None:
        """If something changed; what no longer waits, or waits again, waits for the disk."""
        if not self.changed:
            return
        saved = _Saved(self._next, list(self._items.values()))
        replace(self._path, msgspec.json.encode(saved), durable=self._durably)
        self.changed = self._durably = False
