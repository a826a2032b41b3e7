"""The platforms a configuration asks for. What is not asked for is not even imported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ipc.config import ChatSection
from ipc.secrets import Secrets
from workers.chat.platform import Feed, Platform, ReadOnly
from workers.chat.replay import Replay, read_replay

CONSOLE = "console"


class Console(ReadOnly):
    """The lines of ``spark-tui ask`` and ``ctl chat``: they come as commands."""

    name = CONSOLE

    async def run(self, feed: Feed) -> None:
        """There is nothing to read."""


async def configured(
    chat: ChatSection, state_dir: Path, notice: Callable[[str, str, str], None]
) -> list[Platform]:
    """All of them, the console first. Raises ConfigError."""
    platforms: list[Platform] = [Console()]
    if chat.replay:
        platforms.append(await _replay(chat, notice))
    if chat.twitch.channel or chat.youtube.video:
        secrets = Secrets.load(state_dir)
        if chat.twitch.channel:
            from workers.chat.twitch.twitch import Twitch  # noqa: PLC0415 only if it is used

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
