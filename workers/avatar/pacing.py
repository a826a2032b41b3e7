"""When the next frame is due: on a grid of absolute times, so that lateness does not add up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]


class Pacer:
    """Waits for one frame after another. ``lively`` chooses between the two rates.

    A frame that is late by less than one period is still sent and the next keeps its own
    time; after more than that the missing frames are passed over, never sent in a burst.
    """

    def __init__(
        self,
        rate_hz: float,
        idle_hz: float,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._every_ns = {True: int(1e9 / rate_hz), False: int(1e9 / idle_hz)}
        self._now_ns = now_ns
        self._sleep = sleep
        self._lively = False
        self._woken: asyncio.Future[None] | None = None
        self._due_ns = 0

    @property
    def lively(self) -> bool:
        """Whether the face has to follow a voice."""
        return self._lively

    @lively.setter
    def lively(self, lively: bool) -> None:
        if lively and not self._lively and self._woken is not None and not self._woken.done():
            self._woken.set_result(None)  # the first frame of speech does not wait for an idle one
        self._lively = lively

    async def frame(self) -> int:
        """Until the next frame; when it was due, CLOCK_MONOTONIC nanoseconds."""
        every_ns = self._every_ns[self._lively]
        now_ns = self._now_ns()
        due_ns = self._due_ns + every_ns
        if now_ns - due_ns > every_ns:
            due_ns = now_ns
        if due_ns > now_ns and await self._pause((due_ns - now_ns) / 1e9):
            due_ns = self._now_ns()
        elif due_ns <= now_ns:
            await self._sleep(0.0)  # others get their turn, however late we are
        self._due_ns = due_ns
        return due_ns

    async def _pause(self, wait_s: float) -> bool:
        """Whether it was woken before the time was over."""
        if self._lively:
            await self._sleep(wait_s)
            return False
        self._woken = asyncio.get_running_loop().create_future()
        sleeping = asyncio.ensure_future(self._sleep(wait_s))
        try:
            await asyncio.wait((self._woken, sleeping), return_when=asyncio.FIRST_COMPLETED)
            return self._woken.done()
        finally:
            self._woken = None
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)
