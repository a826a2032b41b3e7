"""What the YouTube tests share: time that stands still, and a platform that runs in it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from doubles.youtube import KEY, TOKEN, VIDEO, YouTubeDouble
from keeping_feed import KeepingFeed

from ipc.config import ChatSection, YouTubeSection
from ipc.secrets import Secrets, SecretStr
from workers.chat.youtube import YouTube

AFTERNOON = (
    1_788_300_000.0  # 2026-09-01, 15:20 in California: 8 h 40 min before the quota is renewed
)


class Time:
    """A clock that moves only when somebody waits, and a sleep that ends when it is told to."""

    def __init__(self, now: float = AFTERNOON) -> None:
        self.now = now
        self._asked: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()
        self._waits: tuple[float, asyncio.Event] | None = None

    def wall(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        done = asyncio.Event()
        self._asked.put_nowait((seconds, done))
        await done.wait()
        self.now += seconds

    async def asleep(self) -> float:
        """Wait until somebody sleeps; for how long they want to."""
        if self._waits is None:
            async with asyncio.timeout(20):
                self._waits = await self._asked.get()
        return self._waits[0]

    async def wake(self) -> float:
        """Let that sleep end, and wait for the next: how long that is to be."""
        await self.asleep()
        assert self._waits is not None
        self._waits[1].set()
        self._waits = None
        return await self.asleep()


def secrets(
    tmp: Path, *, key: str = KEY, token: str = "", renewal: Mapping[str, str] = {}
) -> Secrets:
    values = {"youtube_key": SecretStr(key), "youtube_token": SecretStr(token)}
    values |= {f"youtube_{name}": SecretStr(value) for name, value in renewal.items()}
    return Secrets(tmp / "secrets.toml", values)


class Rig:
    """A platform that runs against the double."""

    def __init__(
        self, youtube: YouTube, feed: KeepingFeed, time: Time, double: YouTubeDouble
    ) -> None:
        self.youtube, self.feed, self.time, self.double = youtube, feed, time, double


@contextlib.asynccontextmanager
async def running(
    double: YouTubeDouble,
    time: Time,
    tmp: Path,
    *,
    key: str = KEY,
    token: str = TOKEN,
    video: str = VIDEO,
    renewal: Mapping[str, str] = {},
    timeout_s: float = 20.0,
    ca_file: str = "",
    **config: float,
) -> AsyncIterator[Rig]:
    """Run, and cancel at the end."""
    section = ChatSection(
        youtube=YouTubeSection(video=video, api_url=double.url, id_url=double.id_url, **config),
        ca_file=ca_file,
    )
    youtube = YouTube(
        section,
        secrets(tmp, key=key, token=token, renewal=renewal),
        wall=time.wall,
        sleep=time.sleep,
        rng=random.Random(1),
        timeout_s=timeout_s,
    )
    feed = KeepingFeed()
    task = asyncio.create_task(youtube.run(feed))
    try:
        yield Rig(youtube, feed, time, double)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
