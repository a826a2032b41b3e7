"""Removals nobody was told of yet, merged: however many come, they take bounded room. Pure."""

from __future__ import annotations

import msgspec

from ipc.protocol import Removed

AUTHORS = 5_000
MESSAGES = 5_000  # more, and everything of the platform goes: rather too much than too little


class Removals:
    """One Removed for each author, and for each platform one with ids and one with everything."""

    def __init__(self) -> None:
        self._authors: dict[str, Removed] = {}
        self._ids: dict[str, Removed] = {}  # by platform
        self._everything: dict[str, Removed] = {}

    def __len__(self) -> int:
        return len(self._authors) + len(self._ids) + len(self._everything)

    def add(self, removed: Removed) -> None:
        """Remember it until ``done``."""
        platform = removed.platform
        if removed.everything:
            self._everything[platform] = removed
        elif removed.author_id:
            self._add_author(removed)
        elif removed.message_ids:
            before = self._ids.get(platform)
            known = before.message_ids if before else []
            ids = list(dict.fromkeys([*known, *removed.message_ids]))
            if len(ids) > MESSAGES:
                self._ids.pop(platform, None)
                self._too_many(platform)
            else:
                self._ids[platform] = msgspec.structs.replace(removed, message_ids=ids)

    def listing(self) -> list[Removed]:
        """What is to be told, the widest first."""
        return [*self._everything.values(), *self._authors.values(), *self._ids.values()]

    def done(self, removed: Removed) -> None:
        """It was told. Only for what ``listing`` gave."""
        for kind in (self._everything, self._authors, self._ids):
            key = removed.author_id if kind is self._authors else removed.platform
            if kind.get(key) is removed:
                del kind[key]

    def _add_author(self, removed: Removed) -> None:
        before = self._authors.get(removed.author_id)
        if before is not None and before.forget and not removed.forget:
            return
        if before is None and len(self._authors) >= AUTHORS:
            # those to be forgotten stay: their words are in memory, not only on their way
            spare = next((r for r in self._authors.values() if not r.forget), None)
            if spare is not None:
                del self._authors[spare.author_id]
                self._too_many(spare.platform)
            elif not removed.forget:
                self._too_many(removed.platform)
                return
            else:
                oldest = next(iter(self._authors.values()))
                del self._authors[oldest.author_id]
                self._too_many(oldest.platform)
        self._authors[removed.author_id] = removed

    def _too_many(self, platform: str) -> None:
        self._everything[platform] = Removed(
            platform=platform, everything=True, reason="very much was removed at once"
        )
