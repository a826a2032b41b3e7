"""A client of OBS with everything it says, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ipc.secrets import SecretStr
from workers.obs.client import Obs, ObsSettings
from workers.obs.programme import Air, Programme

SCENES = {Air.ON_AIR: "Live", Air.HELD: "Pause", Air.BREAK: "Soon"}


@dataclass
class Told:
    """The Listener: what a worker would pass on."""

    notices: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def problem_now(self) -> str:
        return self.problems[-1] if self.problems else ""

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.notices.append((level, text, hint))
        self.changed.set()

    def problem(self, text: str) -> None:
        self.problems.append(text)
        self.changed.set()

    def details(self, details: Mapping[str, str]) -> None:
        self.rows.append(dict(details))
        self.changed.set()

    async def until(self, condition: Callable[[], Any], within_s: float = 20.0) -> None:
        """Until it holds; looked at whenever something was said."""
        async with asyncio.timeout(within_s):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def texts(self) -> str:
        """Everything that was said, for searching."""
        return repr((self.notices, self.problems, self.rows))


@dataclass
class Running:
    """``said`` is the password as the secrets have it now."""

    obs: Obs
    programme: Programme
    told: Told
    task: asyncio.Task[None]
    said: list[SecretStr]


@asynccontextmanager
async def client(
    port: int,
    *,
    password: str = "",
    scenes: dict[Air, str] | None = None,
    caption: str = "",
    poll_s: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    held: bool | None = False,
) -> AsyncIterator[Running]:
    """A client that runs; ``held`` None: nobody has told how the show is."""
    settings = ObsSettings(
        host="127.0.0.1",
        port=port,
        scenes=SCENES if scenes is None else scenes,
        caption_source=caption,
        poll_s=poll_s,
        retry_base_s=0.01,
        retry_max_s=0.05,
    )
    programme, told, said = Programme(), Told(), [SecretStr(password)]
    if held is not None:
        programme.show(held=held)
    obs = Obs(settings, programme, lambda: said[-1], told, sleep=sleep or asyncio.sleep)
    task = asyncio.create_task(obs.run())
    try:
        yield Running(obs, programme, told, task, said)
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
