"""A moderator's desk: moderation, two platforms that note what is done on them, a room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ipc.protocol import Command, Removed
from workers.chat.deeds import Deeds
from workers.chat.ledger import Ledger, Place
from workers.chat.moderation import Moderation, Told
from workers.chat.platform import Feed, Platform, PlatformRefused
from workers.chat.sources import Console
from workers.chat.standing import (
    FILE,
    Standing,
    StandingFile,
)
from workers.chat.viewers import Viewers


class Acting:
    """A platform that notes what is done on it, or refuses."""

    numbered_viewers = False
    self_id = ""

    def __init__(self, name: str, before: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.done: list[tuple[Any, ...]] = []
        self.refuses = ""
        self.go = asyncio.Event()
        self.go.set()
        self._before = before

    async def run(self, feed: Feed) -> None:
        """There is nothing to read."""

    async def _do(self, *deed: Any) -> None:
        self._before()
        await self.go.wait()
        if self.refuses:
            raise PlatformRefused(self.refuses, "mend it")
        self.done.append(deed)

    async def delete(self, line_id: str) -> None:
        await self._do("delete", line_id)

    async def timeout(self, author_id: str, seconds: int, reason: str) -> None:
        await self._do("timeout", author_id, seconds, reason)

    async def ban(self, author_id: str, reason: str) -> None:
        await self._do("ban", author_id, reason)

    async def unban(self, author_id: str) -> None:
        await self._do("unban", author_id)

    async def send(self, text: str, reply_to: str = "") -> None:
        await self._do("send", text, reply_to)


class Desk:
    """Moderation with Mira (twitch:11) and tom (console:tom) in the room."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self.wall_s = 1_700_000_000.0
        self.now_s = 5.0
        self.removed: list[Removed] = []
        self.notices: list[tuple[str, str, str]] = []
        self.standing = Standing(wall_s=lambda: self.wall_s, now_s=lambda: self.now_s)
        self.viewers = Viewers()
        self.ledger = Ledger()
        self.twitch = Acting("twitch", self._in_force)
        self.youtube = Acting("youtube")
        self.platforms: dict[str, Platform] = {
            "console": Console(),
            "twitch": self.twitch,
            "youtube": self.youtube,
        }
        self.deeds = Deeds(self.platforms)
        self.moderation = Moderation(
            self.standing,
            StandingFile(self.path, self.standing),
            self.viewers,
            self.ledger,
            self.platforms,
            self.deeds,
            Told(self.removed.append, lambda *notice: self.notices.append(notice)),
            wall_s=lambda: self.wall_s,
        )
        self.viewers.meet("twitch:11", "Mira", "mira", 1.0).wrote("twitch:m1", "hello", 1.0)
        self.viewers.meet("console:tom", "tom", "", 1.0)
        self.ledger.add("twitch:m1", Place("twitch", "m1-here", "twitch:11"))
        self.expected_there: int | None = None

    def _in_force(self) -> None:
        """Called when the platform is asked: it must hold here already."""
        if self.expected_there is not None:
            assert len(self.removed) == self.expected_there

    async def do(self, verb: str, **args: Any) -> dict[str, Any]:
        return await self.moderation.carry_out(
            Command(id=1, verb=verb, args=args, who="test", sent_ns=1)
        )

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.now_s += seconds
