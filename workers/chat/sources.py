"""The platforms a configuration asks for, and each of them as the worker runs it.

Whatever goes wrong in a platform stays in it: it is told, and the platform is started again,
while the others and the console go on.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from ipc.config import ChatSection
from ipc.errors import SparkError
from ipc.secrets import Secrets
from workers.chat.platform import CONSOLE, Feed, Line, Platform, ReadOnly, Removal
from workers.chat.replay import Replay, read_replay

_log = logging.getLogger(__name__)


class Console(ReadOnly):
    """The lines of ``spark-tui ask`` and ``ctl chat``: they come as commands."""

    name = CONSOLE

    async def run(self, feed: Feed) -> None:
        """There is nothing to read."""


async def configured(
    chat: ChatSection, state_dir: Path, notice: Callable[[str, str, str], None]
) -> list[Platform]:
    """All that are asked for, the console first; others are not even imported. ConfigError."""
    platforms: list[Platform] = [Console()]
    if chat.replay:
        platforms.append(await _replay(chat, notice))
    if chat.twitch.channel or chat.youtube.video:
        secrets = Secrets.load(state_dir)
        if chat.twitch.channel:
            from workers.chat.twitch import Twitch  # noqa: PLC0415 only if it is used

            platforms.append(Twitch(chat, secrets))
        if chat.youtube.video:
            from workers.chat.youtube import YouTube  # noqa: PLC0415 only if it is used

            platforms.append(YouTube(chat, secrets))
    return platforms


async def _replay(chat: ChatSection, notice: Callable[[str, str, str], None]) -> Replay:
    lines, bad = await asyncio.to_thread(read_replay, chat.replay)
    if bad:
        notice(
            "warning",
            f"skipped in the chat file {chat.replay}: {len(bad)} "
            f"{'line' if len(bad) == 1 else 'lines'}, first line {bad[0]}",
            'a line looks like {"at": 1.5, "author": "mira", "text": "hello"}',
        )
    return Replay(lines, speed=chat.replay_speed, loop=chat.replay_loop)


class Listener(Protocol):
    """Where everything that platforms tell comes together: the worker."""

    def arrived(self, platform: Platform, lines: Sequence[Line]) -> None: ...
    def taken_back(self, platform: Platform, removal: Removal) -> None: ...
    def notice(self, level: str, text: str, hint: str = "") -> None: ...
    def problems_changed(self) -> None: ...


class Source:
    """The ``platform.Feed`` of one platform, what that misses, and its life."""

    def __init__(
        self,
        platform: Platform,
        listener: Listener,
        *,
        retry_base_s: float,
        retry_max_s: float,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.platform = platform
        self.trouble = ""  # what it misses, a sentence
        self._listener = listener
        self._base_s = retry_base_s
        self._max_s = retry_max_s
        self._rng = rng or random.Random()
        self._sleep = sleep
        self._now_s = now_s

    async def run(self) -> None:
        """Until there is no more to read. A platform that fails is run again, later each time."""
        failures, ours = 0, ""
        while True:
            begun_s = self._now_s()
            try:
                await self.platform.run(self)
            except SparkError as error:
                trouble, hint = error.message, error.hint
            except Exception as error:  # the boundary: one platform's fault ends no other
                _log.exception("the platform %s failed", self.platform.name)
                trouble, hint = f"it failed: {type(error).__name__}", "spark-tui ctl logs chat"
            else:
                if self.trouble == ours:  # the end may have a reason of the platform's own
                    self.problem("")
                return
            if self._now_s() - begun_s > self._max_s:
                failures = 0
            delay_s = min(self._max_s, self._base_s * 2.0 ** min(failures, 30))
            delay_s *= self._rng.uniform(0.5, 1.0)
            failures += 1
            if trouble not in self.trouble:  # not once more at each try
                self.notice("error", f"{self.platform.name}: {trouble}", hint)
            ours = f"{trouble} (tried again)"
            self.problem(ours)
            await self._sleep(delay_s)

    # --- platform.Feed ---

    def lines(self, lines: Sequence[Line]) -> None:
        self._listener.arrived(self.platform, lines)

    def removed(self, removal: Removal) -> None:
        self._listener.taken_back(self.platform, removal)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self._listener.notice(level, text, hint)

    def problem(self, text: str) -> None:
        if text != self.trouble:
            self.trouble = text
            self._listener.problems_changed()
