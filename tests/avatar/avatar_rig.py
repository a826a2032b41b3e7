"""What the avatar tests share: a client that runs, and who listens to it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from workers.avatar.discovery import Discovery
from workers.avatar.settings import VtsSettings
from workers.avatar.vtube_studio import Phase, VTubeStudio


class Ears:
    """A Listener that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, str, str]] = []
        self.problems: list[str] = []
        self._changed = asyncio.Event()

    @property
    def now(self) -> str:
        """The problem as it is."""
        return self.problems[-1] if self.problems else ""

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.notices.append((level, text, hint))
        self._changed.set()

    def problem(self, text: str) -> None:
        self.problems.append(text)
        self._changed.set()

    def said(self, words: str) -> list[tuple[str, str, str]]:
        return [notice for notice in self.notices if words in notice[1]]

    async def until(self, condition: Callable[[], Any], within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Show:
    """One avatar of a show: its client running, the face it is given, and who listens."""

    def __init__(self, client: VTubeStudio, ears: Ears, face: dict[str, float]) -> None:
        self.client = client
        self.ears = ears
        self.face = face


@asynccontextmanager
async def on_stage(
    port: int, state: Path, discovery: Discovery | None = None, **changed: Any
) -> AsyncIterator[Show]:
    """A client that runs while inside."""
    settings = VtsSettings(
        **({"name": "nova", "host": "127.0.0.1", "port": port, "retry_base_s": 0.01,
            "retry_max_s": 0.05} | changed)
    )  # fmt: skip
    face = {"mouth_open": 0.0, "eye_open_left": 1.0, "head_yaw": 0.0}
    ears = Ears()
    client = VTubeStudio(settings, lambda _: face, state, ears, discovery, rng=random.Random(1))
    running = asyncio.create_task(client.run())
    try:
        yield Show(client, ears, face)
        assert not running.done(), "run has ended by itself"
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def ready(show: Show) -> bool:
    return show.client.phase is Phase.READY
