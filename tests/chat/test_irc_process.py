"""The test server as a process of its own, as load tests use it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from doubles.twitch_irc_lines import number_of
from keeping_feed import KeepingFeed

from ipc.config import TwitchSection
from workers.chat.platform import Line, Removal
from workers.chat.twitch.irc import TwitchIrc

TESTS = Path(__file__).parents[1]


async def test_it_floods_obeys_and_ends_with_its_input() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "doubles.twitch_irc", "--rate", "60000", "--seconds", "0.5"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def answer(**order: Any) -> Any:
        if order:
            process.stdin.write(json.dumps(order).encode() + b"\n")
        return json.loads(await process.stdout.readline())

    where = await answer()
    feed = KeepingFeed()
    settings = TwitchSection(channel="spark", irc_host=where["host"], irc_port=where["port"])
    irc = TwitchIrc(settings, ca_file=where["ca_file"], retry_base_s=0.001)
    reading = asyncio.create_task(irc.run(feed))
    try:
        flooded = await answer()
        assert (flooded["event"], flooded["lines"]) == ("flooded", 500)
        await feed.until(lambda: len(feed.told) == 500)
        assert len({line.id for line in feed.told if isinstance(line, Line)}) == 500

        said = await answer(do="say", text="hello", author="mira")
        await feed.until(lambda: feed.texts[-1] == "hello")
        assert feed.told[-1].id == said["id"]
        assert (await answer(do="delete", id=said["id"]))["event"] == "deleted"
        assert (await answer(do="ban", author="mira"))["user_id"] == number_of("mira")
        await feed.until(lambda: len(feed.told) == 503)
        assert feed.told[-2:] == [
            Removal(ids=(said["id"],), reason="deleted"),
            Removal(author_id=number_of("mira"), banned=True, reason="banned"),
        ]
        assert (await answer(do="drop"))["clients"] == 1
        await feed.until(lambda: feed.problems[-1:] == [""])
        assert (await answer(do="dance"))["event"] == "unknown"
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        process.stdin.close()
        await process.stdin.wait_closed()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        await process.stdout.read()
