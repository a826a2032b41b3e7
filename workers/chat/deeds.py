"""What is done on a platform for an operator: in order, in time, and never in the way.

What counts in the show is done before and does not depend on any of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from workers.chat.platform import Platform, PlatformRefused

DONE = "done"


class Deeds:
    """Calls platforms. Deeds about one viewer go one after the other, as they were ordered."""

    def __init__(self, platforms: Mapping[str, Platform]) -> None:
        self._platforms = platforms
        self._orders: dict[str, tuple[asyncio.Lock, int]] = {}

    async def do(
        self, name: str, about: str, within_s: float, deed: Callable[[Platform], Awaitable[None]]
    ) -> tuple[str, str]:
        """(DONE, "") or ("not there: why", how to mend it). Raises nothing of a platform's."""
        platform = self._platforms.get(name)
        if platform is None:
            return f"not there: {name} is not read by this show", ""
        lock, users = self._orders.get(about, (asyncio.Lock(), 0))
        self._orders[about] = (lock, users + 1)
        try:
            async with asyncio.timeout(within_s), lock:
                await deed(platform)
        except PlatformRefused as refused:
            return f"not there: {refused.message}", refused.hint
        except TimeoutError:
            return f"not there: {name} did not answer within {within_s:g} s", "try again"
        finally:
            lock, users = self._orders.pop(about)
            if users > 1:
                self._orders[about] = (lock, users - 1)
        return DONE, ""
