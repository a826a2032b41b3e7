"""Supervision: start, crash, hang, give up, stop. Real processes and sockets."""

from __future__ import annotations

import os
import signal

from fakes import FakeShow


async def test_all_start_in_order_and_a_stop_drains_in_reverse() -> None:
    async with FakeShow() as show:
        await show.until_ready()
        status = await show.operator.request("status")
        assert {w["state"] for w in status["workers"].values()} == {"ready"}
        assert status["show"]["state"] == "on_air"
        assert status["show"]["overlay"] == "http://127.0.0.1:1/"
        os.kill(show.pid, signal.SIGTERM)
        assert await show.wait_exit() == 0
        assert show.descendants() == []
        drained = {name: int(show.marks(name, "drains")[0]) for name in show.workers}
        assert drained["chat"] < drained["director"] < min(drained["llm"], drained["stage"])


async def test_a_killed_worker_comes_back_and_nobody_else_restarts() -> None:
    async with FakeShow() as show:
        await show.until_ready()
        pids = {name: w.pid for name, w in show.workers.items()}
        os.kill(pids["tts"], signal.SIGKILL)
        await show.until(lambda s: s.workers["tts"].incarnation == 2)
        await show.until_ready()
        assert show.workers["tts"].restarts == 1
        assert {n: w.pid for n, w in show.workers.items() if n != "tts"} == {
            n: pid for n, pid in pids.items() if n != "tts"
        }
        assert show.marks("tts") == ["1", "2"]
