"""The replay platform: a recorded chat, line by line at its own times.

Format: JSON lines, ``{"at": seconds, "author": "name", "text": "line"}`` with ``at``
counted from the beginning of the recording, not decreasing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import msgspec

from ipc.errors import ConfigError
from workers.chat.platform import Feed, Line, ReadOnly

_LINES = 100_000  # a long evening; more would be read into memory for nothing

PAUSE_S = 5.0  # between the last line and the first when the file is looped


class Recorded(msgspec.Struct, frozen=True):
    """One line of a replay file."""

    at: float
    author: str
    text: str


def read_replay(path: str) -> tuple[list[Recorded], list[int]]:
    """The lines in order of time, and the numbers of the lines that could not be used.

    ``path`` is a file, or "sample". Raises ConfigError if there is nothing to replay.
    """
    source = (
        files("workers.chat") / "sample_chat.jsonl" if path == "sample" else Path(path).expanduser()
    )
    decoder = msgspec.json.Decoder(Recorded)
    lines: list[Recorded] = []
    bad: list[int] = []
    try:
        with source.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if not raw.strip():
                    continue
                try:
                    line = decoder.decode(raw)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    bad.append(number)
                    continue
                if len(lines) >= _LINES or not (math.isfinite(line.at) and line.at >= 0):
                    bad.append(number)
                else:
                    lines.append(line)
    except OSError as error:
        raise ConfigError(
            f"cannot read the chat file {path}: {error.strerror} (chat.replay)",
            "chat.replay takes a file of JSON lines, or 'sample'",
        ) from None
    if not lines:
        raise ConfigError(
            f"the chat file {path} has no usable line (chat.replay)",
            'a line looks like {"at": 1.5, "author": "mira", "text": "hello"}',
        )
    return sorted(lines, key=lambda line: line.at), bad


class Replay(ReadOnly):
    """A platform. ``now`` (monotonic seconds) and ``sleep`` are injected by tests."""

    name = "replay"

    def __init__(
        self,
        lines: list[Recorded],
        *,
        speed: float = 1.0,
        loop: bool = False,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._lines = lines
        self._speed = speed
        self._loop = loop
        self._now = now
        self._sleep = sleep

    async def run(self, feed: Feed) -> None:
        """Each line at its absolute time, so that lateness does not add up."""
        begin = self._now()
        while True:
            for line in self._lines:
                due = begin + line.at / self._speed
                if (wait := due - self._now()) > 0:
                    await self._sleep(wait)
                feed.lines(
                    [
                        Line(
                            platform=self.name,
                            author=line.author,
                            author_id=line.author,
                            text=line.text,
                            received_ns=int(self._now() * 1e9),
                        )
                    ]
                )
            if not self._loop:
                return
            begin += (self._lines[-1].at + PAUSE_S) / self._speed
            await self._sleep(0)
