"""What was forgotten on order, so that nothing of it comes back. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ipc.protocol import Forget

_KEPT: Final = 4096  # of each kind; what comes late comes soon


class Tombstones:
    """Lines are forgotten for ever, authors up to the moment they were: they may come back,
    and be remembered anew."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._authors: OrderedDict[str, float] = OrderedDict()

    def add(self, forget: Forget, at: float) -> None:
        """``at``: wall-clock time of the order, seconds."""
        for message_id in filter(None, forget.message_ids):
            self._ids[message_id] = None
            self._ids.move_to_end(message_id)
        if forget.author_id:
            self._authors[forget.author_id] = at
            self._authors.move_to_end(forget.author_id)
        for table in (self._ids, self._authors):
            while len(table) > _KEPT:
                table.popitem(last=False)

    def covers(self, message_id: str, author_id: str, at: float) -> bool:
        """Whether what was said then is forgotten."""
        return message_id in self._ids or at <= self._authors.get(author_id, -1.0)
