"""A hundred forced disconnects of EventSub, of every kind: always back, nothing twice, no leak."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

from doubles.twitch_api import TwitchApi
from twitch_rig import Kept, account, running

DROPS = 100
KINDS = (
    "reset",
    "close",
    "silence",
    "garbage",
    "huge",
    "move",
    "bad move",
    "refuse",
    "token",
    "rest",
)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_hundred_disconnects(tmp_path: Path) -> None:
    rng = random.Random(20261122)
    feed = Kept()
    async with (
        TwitchApi(keepalive_s=0.1) as api,
        account(api, tmp_path) as bot,
    ):
        bot.eventsub._slack_s = 0.7
        async with running(bot.eventsub.run, feed):
            await api.listening()
            tasks_before, open_before = 0, 0
            order = [KINDS[number % len(KINDS)] for number in range(DROPS)]
            rng.shuffle(order)
            said: list[str] = []
            for number, kind in enumerate(order):
                connected = api.sockets.connected
                _trouble(api, kind, rng)
                again = connected if kind in ("garbage", "rest") else connected + 1
                await api.until(lambda again=again: api.sockets.connected >= again)
                await api.until(
                    lambda: len(api.sockets.sockets) == 1 and len(api.sockets.ready) == 1
                )
                for part in range(3):
                    said.append(f"line {number}.{part}")
                    api.say(said[-1], times=rng.choice((1, 1, 2)))
                await feed.line(said[-1])
                if number == 9:  # everything has been opened once
                    tasks_before, open_before = len(asyncio.all_tasks()), descriptors()
            assert [text for text in feed.texts if text.startswith("line ")] == said
            assert max(Counter(t for t in feed.texts).values()) == 1
            assert feed.problems[-1] == ""
            assert api.sockets.received == []
            assert len(asyncio.all_tasks()) <= tasks_before + 2
            assert descriptors() <= open_before + 2


def _trouble(api: TwitchApi, kind: str, rng: random.Random) -> None:
    match kind:
        case "reset":
            api.sockets.reset()
        case "close":
            api.sockets.end(rng.choice((1000, 1001, 1011, *range(4000, 4008))))
        case "silence":
            api.sockets.go_silent()
        case "garbage":
            api.sockets.garbage()
        case "huge":
            api.sockets.huge()
        case "move":
            api.move()
        case "bad move":
            api.move(bad=True)
        case "refuse":
            api.sockets.refuse = rng.randint(1, 3)
            api.sockets.reset()
        case "token":
            api.expire()
            api.sockets.revoked("bot", "authorization_revoked")
        case "rest":
            api.helix.fail("/eventsub/subscriptions", rng.choice((429, 500, 503)))
