"""What a chat platform is to the show: one file, one class, one coroutine.

To add a platform, write a class with ``name`` and ``run`` and list it in
``ChatWorker.load``. ``run`` connects, calls ``deliver`` for every line and reconnects by
itself; it is cancelled when the show ends. It does not clean or bound the text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the platform gave it. ``received_ns``: when it was handed to us."""

    platform: str
    author: str
    author_id: str
    text: str
    received_ns: int


Deliver = Callable[[Line], None]


class Platform(Protocol):
    """A source of lines."""

    name: str

    async def run(self, deliver: Deliver) -> None:
        """Deliver lines until cancelled, or until there are no more."""
