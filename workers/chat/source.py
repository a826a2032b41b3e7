"""One platform as the worker runs it: its feed, what it misses, and its life.

Whatever goes wrong in a platform stays in it: it is told, and the platform is started again,
while the others and the console go on.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ipc.errors import SparkError
from workers.chat.platform import Line, Platform, Removal

_log = logging.getLogger(__name__)


class House(Protocol):
    """Where everything a platform tells comes together."""

    def arrived(self, platform: Platform, lines: Sequence[Line]) -> None: ...
    def taken_back(self, platform: Platform, removal: Removal) -> None: ...
    def notice(self, level: str, text: str, hint: str = "") -> None: ...
    def problems_changed(self) -> None: ...


class Source:
    """A platform.Feed for one platform."""

    def __init__(
        self,
        platform: Platform,
        house: House,
        *,
        retry_base_s: float,
        retry_max_s: float,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.platform = platform
        self.trouble = ""  # what it misses, a sentence
        self._house = house
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
        self._house.arrived(self.platform, lines)

    def removed(self, removal: Removal) -> None:
        self._house.taken_back(self.platform, removal)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self._house.notice(level, text, hint)

    def problem(self, text: str) -> None:
        if text != self.trouble:
            self.trouble = text
            self._house.problems_changed()
