"""What the tests of Twitch with a token share: time, and what is built."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from doubles.twitch_api import TwitchApi
from keeping_feed import LIMIT_S, KeepingFeed

from ipc.config import ChatSection, TwitchSection
from ipc.secrets import Secrets, SecretStr
from workers.chat.platform import Feed, PlatformRefused
from workers.chat.twitch.account import Account


class Kept(KeepingFeed):
    """It begins with no problem, so that there always is a last one."""

    def __init__(self) -> None:
        super().__init__()
        self.problems.append("")


class Clock:
    """``now`` and ``sleep``. A sleep up to ``instant_s`` takes no time but counts; a longer
    one waits for ``pass_``."""

    def __init__(self, instant_s: float = 30.0) -> None:
        self.now_s = 5000.0
        self.slept: list[float] = []
        self._instant_s = instant_s
        self._waiting: dict[asyncio.Future[None], float] = {}
        self._changed = asyncio.Event()

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= self._instant_s:
            self.now_s += seconds
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = self.now_s + seconds
        self._changed.set()
        try:
            await future
        finally:
            self._waiting.pop(future, None)

    def pass_(self, seconds: float) -> None:
        self.now_s += seconds
        for future, due in list(self._waiting.items()):
            if due <= self.now_s and not future.done():
                future.set_result(None)

    async def asleep(self) -> float:
        """Until somebody sleeps long; seconds that are left."""
        async with asyncio.timeout(LIMIT_S):
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
        return min(self._waiting.values()) - self.now_s


def section(api: TwitchApi, **keys: Any) -> ChatSection:
    retry = {"retry_base_s": 0.001, "retry_max_s": 0.002}
    chat = {key: keys.pop(key) for key in ("ca_file",) if key in keys}
    keys = {"channel": api.world.channel, "source": "eventsub"} | api.urls() | keys
    return ChatSection(twitch=TwitchSection(**keys), **retry, **chat)


def secrets_of(directory: Path, values: Mapping[str, str]) -> Secrets:
    """As if from the environment; what is kept goes into ``directory``."""
    env = {f"SPARK_VTUBER_{name.upper()}": value for name, value in values.items()}
    return Secrets.load(directory, env)


def secret(text: str) -> SecretStr:
    return SecretStr(text)


@asynccontextmanager
async def account(
    api: TwitchApi, directory: Path, *, clock: Clock | None = None, **tokens: str
) -> AsyncIterator[Account]:
    """An Account; ``tokens`` replace a fresh token of the account "bot"."""
    if not tokens:
        access, refresh = api.token("bot")
        tokens = {"twitch_token": access, "twitch_refresh_token": refresh}
    clock = clock or Clock()
    made = Account(
        section(api),
        secrets_of(directory, tokens),
        api.world.channel,
        rng=random.Random(1),
        sleep=clock.sleep,
        now=clock.now,
    )
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def running(run: Callable[[Feed], Any], feed: Feed) -> AsyncIterator[asyncio.Task[None]]:
    """``run(feed)`` as a task that ends with the block. A refusal is the caller's to await,
    any other failure is the test's."""
    task: asyncio.Task[None] = asyncio.create_task(run(feed))
    try:
        yield task
    finally:
        task.cancel()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(result, Exception) and not isinstance(result, PlatformRefused):
            raise result
