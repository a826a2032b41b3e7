"""chat: a platform that fails is told, started again, and keeps nobody else away."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ipc.config import Config
from ipc.errors import ConfigError, RequestFailed
from workers.chat.platform import Feed, Line, Platform, ReadOnly, Removal
from workers.chat.sources import Source, configured

Configure = Callable[..., Config]


class Flaky(ReadOnly):
    """Each ``run`` does the next thing of ``script``: raise it, or call it with the feed."""

    name = "flaky"

    def __init__(self, *script: Exception | Callable[[Feed], None]) -> None:
        self.script = list(script)

    async def run(self, feed: Feed) -> None:
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        step(feed)


class Listening:
    """Notes everything, and runs a Source in virtual time."""

    def __init__(self, *script: Exception | Callable[[Feed], None]) -> None:
        self.said: list[Any] = []
        self.slept: list[float] = []
        self.troubles: list[str] = []
        self.source = Source(
            Flaky(*script),
            self,
            retry_base_s=1.0,
            retry_max_s=8.0,
            rng=random.Random(1),
            sleep=self._sleep,
            now_s=lambda: sum(self.slept),
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def arrived(self, platform: Platform, lines: Sequence[Line]) -> None:
        self.said.append((platform.name, lines))

    def taken_back(self, platform: Platform, removal: Removal) -> None:
        self.said.append((platform.name, removal))

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.said.append((level, text, hint))

    def problems_changed(self) -> None:
        self.troubles.append(self.source.trouble)


async def test_what_a_platform_tells_is_passed_on_with_its_name() -> None:
    lines = [Line(platform="flaky", author="a", author_id="1", text="x", received_ns=1)]
    removal = Removal(everything=True)

    def tell(feed: Feed) -> None:
        feed.lines(lines)
        feed.removed(removal)
        feed.notice("info", "text", "hint")
        feed.problem("away")
        feed.problem("away")
        feed.problem("")

    heard = Listening(tell)
    await heard.source.run()
    assert heard.said == [("flaky", lines), ("flaky", removal), ("info", "text", "hint")]
    assert heard.troubles == ["away", ""]


async def test_a_failure_is_told_once_and_tried_again_later_each_time() -> None:
    refused = RequestFailed("no such video", "correct chat.youtube.video")
    heard = Listening(*[refused] * 6, lambda feed: feed.problem(""))
    await heard.source.run()
    assert heard.said == [("error", "flaky: no such video", "correct chat.youtube.video")]
    assert heard.troubles == ["no such video (tried again)", ""]
    for slept, longest in zip(heard.slept, [1, 2, 4, 8, 8, 8], strict=True):
        assert longest / 2 <= slept <= longest


async def test_a_fault_of_a_platform_stays_in_it(caplog: pytest.LogCaptureFixture) -> None:
    heard = Listening(ZeroDivisionError("in its code"), lambda _feed: None)
    await heard.source.run()
    assert heard.troubles == ["it failed: ZeroDivisionError (tried again)", ""]
    assert "in its code" in caplog.text


async def test_the_end_of_a_platform_keeps_its_reason() -> None:
    heard = Listening(lambda feed: feed.problem("there is no key"))
    await heard.source.run()
    assert heard.source.trouble == "there is no key"


async def test_cancelling_is_not_swallowed() -> None:
    class Endless(ReadOnly):
        name = "endless"

        async def run(self, feed: Feed) -> None:
            await asyncio.get_running_loop().create_future()

    heard = Listening()
    source = Source(Endless(), heard, retry_base_s=1.0, retry_max_s=8.0)
    task = asyncio.create_task(source.run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_without_platforms_nothing_of_theirs_is_loaded() -> None:
    """The worker's memory is set aside in the configuration: 150 MB."""
    heavy = ("websockets", "httpx2", "onnxruntime", "tokenizers", "workers.chat.twitch")
    code = f"import sys, workers.chat.worker; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_only_what_is_configured_is_there(configure: Configure, tmp_path: Path) -> None:
    notices: list[tuple[str, str, str]] = []

    async def names(**chat: Any) -> list[str]:
        section = configure(chat=chat).chat
        made = await configured(section, tmp_path, lambda *notice: notices.append(notice))
        return [platform.name for platform in made]

    defaults = configure().chat
    assert await names() == ["console"]
    (tmp_path / "secrets.toml").write_text("nonsense")  # nobody who reads it is configured
    assert await names(replay="sample") == ["console", "replay"]
    (tmp_path / "secrets.toml").unlink()
    twitch = msgspec.structs.replace(defaults.twitch, channel="somebody")
    youtube = msgspec.structs.replace(defaults.youtube, video="abcdefghijk")
    assert await names(twitch=twitch, youtube=youtube) == ["console", "twitch", "youtube"]
    (tmp_path / "secrets.toml").write_text("nonsense")
    (tmp_path / "secrets.toml").chmod(0o600)
    with pytest.raises(ConfigError, match=r"secrets\.toml"):
        await names(twitch=twitch)
    assert notices == []
