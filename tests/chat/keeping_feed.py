"""The feed that tests hand to platforms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from workers.chat.platform import Line, Removal

LIMIT_S = 30.0


class KeepingFeed:
    """A Feed that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[Line | Removal] = []
        self.calls: list[int] = []  # lines in each call of ``lines``
        self.notices: list[tuple[str, str, str]] = []
        self.problems: list[str] = []
        self._moved = asyncio.Event()

    def lines(self, lines: Sequence[Line]) -> None:
        self.calls.append(len(lines))
        self.told += lines
        self._moved.set()

    def removed(self, removal: Removal) -> None:
        self.told.append(removal)
        self._moved.set()

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.notices.append((level, text, hint))
        self._moved.set()

    def problem(self, text: str) -> None:
        self.problems.append(text)
        self._moved.set()

    @property
    def texts(self) -> list[str]:
        return [told.text for told in self.told if isinstance(told, Line)]

    @property
    def said(self) -> str:
        """All notices with their hints."""
        return "\n".join(f"{text} | {hint}" for _, text, hint in self.notices)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                self._moved.clear()
                await self._moved.wait()

    async def line(self, text: str) -> Line:
        """The first line with this text."""
        await self.until(lambda: text in self.texts)
        return next(told for told in self.told if isinstance(told, Line) and told.text == text)

    async def count(self, number: int) -> None:
        """Waits for so many lines and removals."""
        await self.until(lambda: len(self.told) >= number)
