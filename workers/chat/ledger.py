"""Which lines came and which were taken back: against duplicates, and for deletions. Pure.

Only strings are kept, in mappings of strings: the garbage collector does not look at them, so
that remembering 40,000 lines never stops chat for a moment.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

from workers.chat.ids import message_id

REMEMBERED = 20_000  # lines of each platform; about 7 MB when both generations are full


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what is old: the newest ``size`` keys are known, and at most as
    many that are older.

    Two generations: when the young one is full it becomes the old one, and the old one
    goes. Popping the oldest key of one dict would pass over all that were popped before.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._young or key in self._old

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __setitem__(self, key: K, value: V) -> None:
        if len(self._young) >= self._size and key not in self._young:
            self._old, self._young = self._young, {}
        self._old.pop(key, None)
        self._young[key] = value

    def get(self, key: K) -> V | None:
        value = self._young.get(key)
        return self._old.get(key) if value is None else value


class Place(NamedTuple):
    """Where a line came from. ``delete_id`` is what its platform deletes it by."""

    platform: str
    delete_id: str
    author_id: str


class _Platform:
    def __init__(self, size: int) -> None:
        self.authors: Recent[str, str] = Recent(size)
        self.delete_ids: Recent[str, str] = Recent(size)  # if it is not the end of the line's id
        self.other_ids: Recent[str, str] = Recent(size)  # line by delete_id, if that is another
        self.removed: Recent[str, str] = Recent(size)


class Ledger:
    """Bounded for each platform by itself, so that a flood on one hides nothing of another."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._platforms: dict[str, _Platform] = {}

    def add(self, show_id: str, place: Place) -> None:
        """A line was let in. ``show_id``: as ``ids.message_id`` makes it."""
        platform = self._of(place.platform)
        platform.authors[show_id] = place.author_id
        if place.delete_id and place.delete_id != _end(show_id):
            platform.delete_ids[show_id] = place.delete_id
            other = message_id(place.platform, place.delete_id)
            if other != show_id:
                platform.other_ids[other] = show_id

    def came(self, platform: str, show_id: str) -> bool:
        """Whether the line is known."""
        return show_id in self._of(platform).authors

    def find(self, show_id: str) -> Place | None:
        """By the id in the show. None: it did not come, or long ago."""
        name = show_id.partition(":")[0]
        platform = self._platforms.get(name)
        author = platform.authors.get(show_id) if platform is not None else None
        if platform is None or author is None:
            return None
        return Place(name, platform.delete_ids.get(show_id) or _end(show_id), author)

    def is_removed(self, platform: str, show_id: str, delete_id: str = "") -> bool:
        """Whether the line was deleted, perhaps before it came."""
        removed = self._of(platform).removed
        if show_id in removed:
            return True
        return bool(delete_id) and message_id(platform, delete_id) in removed

    def remove(self, platform: str, raw_ids: Iterable[str]) -> list[str]:
        """These lines (by either of their ids) are gone; their ids in the show."""
        known = self._of(platform)
        show_ids: list[str] = []
        for raw in raw_ids:
            show_id = message_id(platform, raw)
            known.removed[show_id] = ""
            show_ids.append(show_id)
            other = known.other_ids.get(show_id)
            if other is not None:
                known.removed[other] = ""
                show_ids.append(other)
        return show_ids

    def _of(self, platform: str) -> _Platform:
        found = self._platforms.get(platform)
        if found is None:
            found = self._platforms[platform] = _Platform(self._size)
        return found


def _end(show_id: str) -> str:
    return show_id.partition(":")[2]
