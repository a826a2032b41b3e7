"""Supervision: kill -9 of the supervisor, whenever it comes, leaves nothing behind."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path

import pytest
from fakes import FakeShow
from harness import Show, tagged

from ipc.states import WorkerState

CHILDREN = {"children": ["group", "session", "bare"]}


async def nothing_left(show: FakeShow) -> None:
    """SIGKILL the supervisor; every descendant is gone within three seconds."""
    pids = set(show.descendants())
    for name in show.workers:
        pids |= {int(pid) for pid in show.marks(name, "children")}
    assert len(pids) >= 4
    poller = select.poll()
    watched = {os.pidfd_open(pid): pid for pid in pids}
    for pidfd in watched:
        poller.register(pidfd, select.POLLIN)
    show.kill()
    deadline = time.monotonic() + 3.0
    try:
        while watched and (left_s := deadline - time.monotonic()) > 0:
            for pidfd, _ in poller.poll(left_s * 1000):
                poller.unregister(pidfd)
                os.close(pidfd)
                del watched[pidfd]
        assert not watched, f"still there: {sorted(watched.values())}"
        assert tagged(show.token) == []
    finally:
        for pidfd in watched:
            os.close(pidfd)


async def test_while_starting() -> None:
    orders = {"tts": CHILDREN | {"load_gate": "gate"}}
    async with FakeShow(orders, ("tts", "llm")) as show:
        await show.until(lambda s: s.workers["tts"].progress == "weights")
        await nothing_left(show)


async def test_while_ready() -> None:
    async with FakeShow({"tts": CHILDREN, "llm": CHILDREN}) as show:
        await show.until_ready()
        await nothing_left(show)


async def test_while_busy() -> None:
    async with FakeShow({"memory": CHILDREN}, ("memory", "director")) as show:
        await show.until_ready()
        with pytest.raises(Exception, match="did not answer"):
            await show.operator.request("recall", 0.3, text="wait")
        await nothing_left(show)


async def test_while_draining() -> None:
    orders = {"tts": CHILDREN | {"drain_hang": True, "ignore_term": True}}
    async with FakeShow(orders, ("tts", "stage"), settings={"drain_s": 30.0}) as show:
        await show.until_ready()
        await show.operator.request("restart", worker="tts")
        await show.until_state("tts", WorkerState.DRAINING)
        await nothing_left(show)


async def test_the_reaper_is_replaced_when_it_is_killed() -> None:
    async with FakeShow({"tts": CHILDREN}, ("tts",)) as show:
        await show.until_ready()
        (first,) = reapers(show)
        os.kill(first, signal.SIGKILL)
        await show.until(lambda s: any(pid != first for pid in reapers(s)))
        await nothing_left(show)


async def test_a_stop_takes_the_reaper_along() -> None:
    async with FakeShow({}, ("tts",)) as show:
        await show.until_ready()
        (reaper,) = reapers(show)
        await show.operator.request("stop")
        assert await show.wait_exit() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(reaper, 0)


def reapers(show: Show) -> list[int]:
    found = []
    for child in Path(f"/proc/{show.pid}/task/{show.pid}/children").read_text().split():
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"reaper.py" in command:
            found.append(int(child))
    return found
