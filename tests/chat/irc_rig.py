"""What the tests of the IRC connection share: time that only they move, and a reader."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from doubles.twitch_irc import TwitchIrcServer
from keeping_feed import KeepingFeed

from ipc.config import TwitchSection
from workers.chat.twitch.irc import TwitchIrc
from workers.chat.twitch.irc_session import Timing

RETRY_S = 1.0  # longest delay before a new try
# each known by its length
TIMING = Timing(connect_s=11.0, login_s=12.0, join_s=13.0, rejoin_s=20.0)
SLACK_S = 0.001  # floats: a moment later than due is due


class VirtualTime:
    """``sleep`` and ``now_ns`` for a reader; time passes when the test says so."""

    def __init__(self) -> None:
        self._now_ns = 1_000_000_000_000
        self._sleepers: dict[asyncio.Future[None], int] = {}
        self._changed = asyncio.Event()

    def now_ns(self) -> int:
        return self._now_ns

    def now_s(self) -> float:
        return self._now_ns / 1e9

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        self._sleepers[waking] = self._now_ns + int(seconds * 1e9)
        self._changed.set()
        try:
            await waking
        finally:
            self._sleepers.pop(waking, None)

    def pass_(self, seconds: float) -> None:
        """It is later now; who slept so long wakes."""
        self._now_ns += int((seconds + SLACK_S) * 1e9)
        for waking, due in list(self._sleepers.items()):
            if due <= self._now_ns and not waking.done():
                waking.set_result(None)

    async def asleep(self, seconds: float) -> None:
        """Waits until somebody begins to sleep that long."""
        await self._until(lambda: any(abs(left - seconds) < 0.01 for left in self.left()))

    async def pause(self, at_most_s: float = RETRY_S) -> float:
        """Waits until somebody sleeps that long or shorter; how long."""
        await self._until(lambda: any(left <= at_most_s for left in self.left()))
        return min(self.left())

    async def wait_out(self, seconds: float) -> None:
        """Waits until somebody sleeps that long, and lets it pass."""
        await self.asleep(seconds)
        self.pass_(seconds)

    async def wait_out_pause(self) -> None:
        """The same with the delay before a new try."""
        self.pass_(await self.pause())

    def left(self) -> list[float]:
        """How long each sleeper still sleeps, seconds."""
        return [
            (due - self._now_ns) / 1e9
            for waking, due in self._sleepers.items()
            if not waking.done()
        ]

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


class Reading:
    """A reader at work on a test server."""

    def __init__(self, server: TwitchIrcServer, **options: Any) -> None:
        self.server = server
        self.time = VirtualTime()
        self.feed = KeepingFeed()
        settings = {"channel": server.channel, "irc_host": "localhost", "irc_port": server.port}
        self.irc = TwitchIrc(
            TwitchSection(**{**settings, **options.pop("settings", {})}),
            **{
                "ca_file": server.ca_file,
                "retry_base_s": RETRY_S,
                "retry_max_s": RETRY_S,
                "timing": TIMING,
                "rng": random.Random(3),
                "sleep": self.time.sleep,
                "now_ns": self.time.now_ns,
                **options,
            },
        )
        self.task: asyncio.Task[None] = asyncio.create_task(self.irc.run(self.feed))

    async def joined(self) -> Any:
        """The server's side of the connection that is in the channel, once the reader knows."""
        (client,) = await self.server.joined(1)
        await self.time.asleep(TIMING.quiet_s)
        return client

    async def again(self) -> Any:
        """After a drop: waits out the delay; the new connection."""
        await self.server.until(lambda: not self.server.clients)
        await self.time.wait_out_pause()
        return await self.joined()

    async def hears(self, text: str = "still there?") -> None:
        """A line said now arrives."""
        self.server.say(text)
        await self.feed.until(lambda: text in self.feed.texts)


@asynccontextmanager
async def reading(server: TwitchIrcServer, **options: Any) -> AsyncIterator[Reading]:
    rig = Reading(server, **options)
    try:
        yield rig
    finally:
        rig.task.cancel()
        ended = await asyncio.gather(rig.task, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError), ended
