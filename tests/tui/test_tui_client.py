"""Category ipc: the client over real sockets. What is lost on the way must come back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_show import FakeShow, opening

from ipc.errors import NoShowRunning, RequestFailed
from ipc.protocol import ChatEvent, Message, NoticeEvent, Snapshot
from tui.client import ShowClient


class Log:
    """What a client reported, with a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.snapshots: list[Snapshot] = []
        self.losses = 0
        self._changed = asyncio.Event()

    def on_event(self, event: Message) -> None:
        self.events.append(event)
        self._changed.set()

    def on_reset(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        self.events.clear()
        self._changed.set()

    def on_lost(self) -> None:
        self.losses += 1
        self._changed.set()

    def texts(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, ChatEvent)]

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def client(show: FakeShow, log: Log, **more: Any) -> ShowClient:
    return ShowClient(
        show.endpoints,
        on_event=log.on_event,
        on_reset=log.on_reset,
        on_lost=log.on_lost,
        watch_s=0.05,
        **more,
    )


def line(text: str) -> ChatEvent:
    return ChatEvent(id=text, platform="console", author="ann", text=text, at=1.0)


async def listening(show: FakeShow, log: Log) -> None:
    """Until the stream is known to arrive."""
    for number in range(1000):
        text = f"probe {number}"
        show.publish(NoticeEvent(level="info", source="test", text=text))
        await asyncio.sleep(0)  # the sockets' callbacks get their turn
        if any(isinstance(e, NoticeEvent) and e.text == text for e in log.events):
            return
    await log.until(lambda: log.events)


async def test_snapshot_then_stream(fake_show: FakeShow) -> None:
    for event in opening(1000.0):
        fake_show.publish(event)
    log = Log()
    async with client(fake_show, log) as live:
        assert live.epoch == fake_show.epoch
        before = len(log.texts())
        assert before == 24
        await listening(fake_show, log)
        fake_show.publish(line("fresh"))
        await log.until(lambda: "fresh" in log.texts())
        assert log.texts().count("fresh") == 1


async def test_what_the_snapshot_has_is_not_applied_twice(fake_show: FakeShow) -> None:
    log = Log()
    async with client(fake_show, log) as live:
        await listening(fake_show, log)
        fake_show.publish(line("once"))
        live.resynchronise()
        await log.until(lambda: fake_show.snapshots >= 2 and "once" in log.texts())
        fake_show.publish(line("after"))
        await log.until(lambda: "after" in log.texts())
        assert log.texts() == ["once", "after"]


class Lossy:
    """The hub's way out, losing some messages."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.losing = False

    def send(self, frames: Sequence[bytes]) -> bool:
        return True if self.losing else self._channel.send(frames)

    def flush_and_close(self, linger_ms: int) -> None:
        self._channel.flush_and_close(linger_ms)


async def test_a_gap_brings_what_was_lost(fake_show: FakeShow) -> None:
    lossy = Lossy(fake_show.hub._out)
    fake_show.hub._out = lossy  # type: ignore[assignment]  # a wire that loses
    log = Log()
    async with client(fake_show, log) as live:
        await listening(fake_show, log)
        fake_show.publish(line("one"))
        await log.until(lambda: "one" in log.texts())
        resets = live.resets
        lossy.losing = True
        fake_show.publish(line("lost"))
        lossy.losing = False
        fake_show.publish(line("three"))
        await log.until(lambda: log.texts() == ["one", "lost", "three"])
        assert live.resets == resets + 1


async def test_a_restarted_supervisor_is_a_new_epoch(state_dir: Path) -> None:
    first = FakeShow(state_dir)
    log = Log()
    async with client(first, log) as live:
        first.publish(line("old"))
        first.close()
        await log.until(lambda: log.losses == 1)
        assert not live.alive
        with pytest.raises(NoShowRunning):
            await live.request("skip")
        second = FakeShow(state_dir)
        # this test runs two supervisors in one process: make the lock file tell them apart
        (second.endpoints.directory / "lock").write_bytes(b"4242\n")
        second.publish(line("new"))
        await log.until(lambda: live.epoch == second.epoch and "new" in log.texts())
        assert log.texts() == ["new"]
        assert await live.request("skip") == {}
        second.close()


async def test_no_show_is_an_error_with_a_mend(state_dir: Path) -> None:
    show = FakeShow(state_dir)
    show.close()
    with pytest.raises(NoShowRunning, match="no show runs"):
        async with client(show, Log()):
            pass


async def test_readonly_is_refused_by_the_show(fake_show: FakeShow) -> None:
    async with client(fake_show, Log(), readonly=True) as live:
        with pytest.raises(RequestFailed, match="read-only"):
            await live.request("hold")
    assert ("hold", {}) not in fake_show.requests
