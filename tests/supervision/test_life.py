"""Supervision: start, crash, hang, give up, stop. Real processes and sockets."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess

import pytest
from fakes import FakeShow

from ipc.protocol import NoticeEvent, WorkerEvent
from ipc.states import WorkerState

HANGS = [
    ("freeze", "no heartbeat"),  # holds the GIL: nothing beats
    ("stall", "without progress"),  # beats, but its work does not move
]


def notices(show: FakeShow) -> str:
    return "\n".join(notice.text for notice in show.of(NoticeEvent))


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
        for name in list(pids):
            os.kill(pids[name], signal.SIGKILL)
            await show.until_state(name, WorkerState.READY, after=1)
            await show.until_ready()
            now = {other: w.pid for other, w in show.workers.items()}
            assert now[name] != pids[name]
            assert {**now, name: 0} == {**pids, name: 0}
            assert show.marks(name) == ["1", "2"]
            pids = now
        assert "killed by SIGKILL" in notices(show)
        assert "tts is back" in notices(show)


async def test_what_a_dead_worker_leaves_behind_is_ended() -> None:
    async with FakeShow({"tts": {"children": ["group", "session", "bare"]}}, ("tts",)) as show:
        await show.until_ready()
        children = [int(pid) for pid in show.marks("tts", "children")]
        watched = [os.pidfd_open(pid) for pid in children]
        os.kill(show.workers["tts"].pid, signal.SIGKILL)
        show.order("tts", {})
        await show.until_state("tts", WorkerState.READY, after=1)
        poller = select.poll()
        for pidfd in watched:
            poller.register(pidfd, select.POLLIN)
        gone = len(poller.poll(0))  # a pidfd is readable once its process has ended
        for pidfd in watched:
            os.close(pidfd)
        assert gone == 3


async def test_a_crash_looper_gives_up_and_the_show_says_what_is_missing() -> None:
    sections = {"tts": {"restart_limit": 3}}
    async with FakeShow({"tts": {"crash_starts": 99}}, sections=sections) as show:
        failed = await show.until_state("tts", WorkerState.FAILED)
        assert failed.reason == (
            "gave up after 3 crashes within 300 s: exited with 3: the engine fell over"
        )
        await show.until_ready("director", "chat", "stage", "llm", "memory", "obs")
        assert show.marks("tts") == ["1", "2", "3"]
        assert "no tts: captions only" in notices(show)
        status = await show.operator.request("status")
        assert status["show"]["state"] == "degraded"
        assert status["show"]["degraded"] == ["no tts: captions only"]
        assert (
            "the engine fell over" in (await show.operator.request("logs", worker="tts"))["lines"]
        )
        show.order("tts", {})
        await show.operator.request("restart", worker="tts")
        await show.until_state("tts", WorkerState.READY)
        assert show.marks("tts") == ["1", "2", "3", "4"]


async def test_a_worker_that_recovers_within_its_window_goes_on() -> None:
    async with FakeShow({"tts": {"crash_starts": 2}}, ("tts",)) as show:
        await show.until_state("tts", WorkerState.READY)
        assert show.workers["tts"].incarnation == 3


async def test_a_configuration_error_is_not_retried() -> None:
    async with FakeShow({"llm": {"exit_code": 78}}, ("llm", "director")) as show:
        failed = await show.until_state("llm", WorkerState.FAILED)
        assert failed.reason == "the model is not there"
        await show.until_ready("director")
        assert show.marks("llm") == ["1"]
        assert "no llm: a canned line, then hold" in notices(show)
        assert "install it" in [notice.hint for notice in show.of(NoticeEvent)]


async def test_an_unasked_exit_with_zero_is_a_failure() -> None:
    sections = {"tts": {"restart_limit": 2}}
    async with FakeShow({"tts": {"silent_exit": 0}}, ("tts",), sections=sections) as show:
        failed = await show.until_state("tts", WorkerState.FAILED)
        assert "exited with 0" in failed.reason
        assert show.marks("tts") == ["1", "2"]


async def test_a_missing_interpreter_is_named() -> None:
    sections = {"tts": {"python": "/nowhere/python"}}
    async with FakeShow({}, ("tts",), sections=sections) as show:
        failed = await show.until_state("tts", WorkerState.FAILED)
        assert failed.reason == "cannot start /nowhere/python: No such file or directory"
        await show.operator.request("restart", worker="tts")
        await show.until(lambda s: s.workers["tts"].incarnation == 2)
        await show.until_state("tts", WorkerState.FAILED)


@pytest.mark.parametrize(("how", "sentence"), HANGS)
async def test_a_hung_worker_shows_its_stacks_and_is_replaced(how: str, sentence: str) -> None:
    async with FakeShow({}, ("memory",)) as show:
        await show.until_ready()
        with pytest.raises(Exception, match="was lost"):
            await show.operator.request("recall", text=how)
        await show.until_state("memory", WorkerState.READY, after=1)
        assert sentence in notices(show)
        log = (show.state_dir / "logs" / "memory.log").read_text()
        assert "most recent call first" in log


async def test_declared_quiet_is_no_hang_until_it_is_over() -> None:
    async with FakeShow({}, ("memory",)) as show:
        await show.until_ready()
        client = show.client()
        with pytest.raises(Exception, match="was lost"):
            await client.request("recall", text="busy 1.5")
        hang = await show.until_state("memory", WorkerState.READY, after=1)
        spoken = [n for n in show.of(NoticeEvent) if "without progress" in n.text]
        asked = float((show.home / "memory.commands").stat().st_mtime)
        assert hang.incarnation == 2
        assert spoken[0].at - asked > 2.0  # 1.5 declared and 1.0 allowed


async def test_a_stopped_worker_is_noticed_and_mended() -> None:
    async with FakeShow({}, ("tts", "stage")) as show:
        await show.until_ready()
        stage = show.workers["stage"].pid
        os.kill(show.workers["tts"].pid, signal.SIGSTOP)
        await show.until_state("tts", WorkerState.READY, after=1)
        assert show.workers["stage"].pid == stage
        assert "no heartbeat" in notices(show)


async def test_a_worker_that_never_loads_is_ended() -> None:
    async with FakeShow(
        {"tts": {"load_gate": "gate"}}, ("tts",), sections={"tts": {"load_timeout_s": 1.5}}
    ) as show:
        await show.until(lambda _: "loading within 1.5 s" in notices(show))


async def test_the_stop_ladder_ends_with_sigkill() -> None:
    orders = {"tts": {"ignore_term": True, "drain_hang": True}}
    async with FakeShow(orders, ("tts",), settings={"drain_s": 0.3, "term_s": 0.3}) as show:
        await show.until_ready()
        await show.operator.request("restart", worker="tts")
        show.order("tts", {})
        await show.until_state("tts", WorkerState.READY, after=1)
        states = [w.state for w in show.of(WorkerEvent) if w.name == "tts"]
        rungs = states[states.index(WorkerState.DRAINING) :][:3]
        assert rungs == [WorkerState.DRAINING, WorkerState.STOPPING, WorkerState.WAITING]


async def test_sigterm_under_load_ends_with_zero_within_ten_seconds() -> None:
    orders = {
        name: {"ignore_term": True, "drain_hang": True, "children": ["session"]}
        for name in ("chat", "director", "llm")
    }
    settings = {"drain_s": 4.0, "term_s": 1.5}
    async with FakeShow(orders, settings=settings) as show:
        await show.until_ready()
        os.kill(show.pid, signal.SIGTERM)
        assert await show.wait_exit(10.0) == 0
        assert show.descendants() == []


async def test_restart_makes_no_duplicates_in_any_state() -> None:
    async with FakeShow({"tts": {"load_gate": "gate"}}, ("tts", "director")) as show:
        await show.operator.request("restart", worker="director")  # waits for tts
        await show.until(lambda s: s.workers["director"].reason == "waits for tts")
        before = show.workers["tts"].incarnation
        for _ in range(3):
            await show.operator.request("restart", worker="tts")  # starting, draining, stopping
        show.order("tts", {})
        await show.until_state("tts", WorkerState.READY, after=before)
        await show.until_ready()
        tts = [p for p in show.descendants() if _argument(p) == "tts"]
        assert len(tts) == 1
        assert show.marks("director") == ["1"]


def _argument(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read().rstrip("\0").rpartition("\0")[2]


async def test_details_may_change_while_a_worker_serves() -> None:
    async with FakeShow(workers=("memory",)) as show:
        await show.until_ready()
        await show.operator.request("recall", text="details live 00:01:02")
        told = {"state": "live 00:01:02"}
        await show.until(lambda s: s.workers["memory"].details == told)
        status = await show.operator.request("status")
        assert status["workers"]["memory"]["details"] == told
        assert show.workers["memory"].state is WorkerState.READY


async def test_a_problem_degrades_and_its_end_mends() -> None:
    async with FakeShow({"memory": {"problem": "disk is full"}}, ("memory",)) as show:
        event = await show.until_state("memory", WorkerState.DEGRADED)
        assert event.reason == "disk is full"
        status = await show.operator.request("status")
        assert status["show"]["degraded"] == ["memory: disk is full"]
        await show.operator.request("recall", text="problem")
        await show.until_state("memory", WorkerState.READY)


async def test_too_little_memory_is_waited_for() -> None:
    settings = {"min_free_gb": 90_000.0}
    async with FakeShow({}, ("tts",), settings=settings) as show:
        waiting = await show.until(
            lambda s: s.workers["tts"].reason.startswith("waits for memory") and s.workers["tts"]
        )
        assert waiting.state is WorkerState.WAITING
        await show.operator.request("restart", worker="tts")
        os.kill(show.pid, signal.SIGTERM)
        assert await show.wait_exit() == 0
        assert show.marks("tts") == []


async def test_memory_that_runs_out_sheds_by_the_declared_order() -> None:
    settings = {"shed_below_gb": 90_000.0}
    sections = {"memory": {"shed_order": 2}, "chat": {"shed_order": 1}}
    async with FakeShow({}, ("memory", "chat"), settings, sections) as show:
        await show.until(lambda s: s.workers["memory"].reason.startswith("was stopped to free"))
        await show.until(lambda s: s.workers["chat"].reason.startswith("was stopped to free"))
        text = notices(show)
        assert text.index("no chat: no viewers are read") < text.index("no memory: answers")
        assert show.workers["memory"].incarnation == 1
        await show.operator.request("restart", worker="memory")  # the operator insists
        await show.until(lambda s: s.workers["memory"].incarnation == 2)


async def test_a_closed_terminal_does_not_spoil_the_exit() -> None:
    show = FakeShow({}, ("chat",))
    show.endpoints.create()
    reader, writer = os.pipe()
    process = subprocess.Popen(  # noqa: ASYNC220 - it is waited for below
        show.command(), env=show.env, stdout=writer, stderr=writer, stdin=subprocess.DEVNULL
    )
    os.close(writer)
    os.close(reader)
    client = show.client()
    try:
        assert await client.request("stop", 20.0) == {"stopping": True}
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
        await show.close()


async def test_a_second_show_and_a_taken_port_are_refused_with_a_sentence() -> None:
    async with FakeShow({}, ("chat",)) as show:
        second = subprocess.run(  # noqa: ASYNC221 - it ends by itself
            show.command(), env=show.env, capture_output=True, text=True, check=False
        )
        assert second.returncode == 75
        assert f"runs already (pid {show.pid})" in second.stderr
        assert "Traceback" not in second.stderr
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            env = show.env | {
                "SPARK_VTUBER__STAGE__OVERLAY_PORT": str(port),
                "SPARK_VTUBER__STAGE__ENABLED": "true",
            }
            third = subprocess.run(  # noqa: ASYNC221 - it ends by itself
                [*show.command(), "--state", str(show.home / "other")],
                env=env, capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert third.returncode == 78
        assert f"overlay_port = {port}: another program listens there" in third.stderr
        assert "Traceback" not in third.stderr
        await show.until_ready()


async def test_hanging_up_does_not_end_the_show() -> None:
    async with FakeShow({}, ("chat",)) as show:
        await show.until_ready()
        os.kill(show.pid, signal.SIGHUP)
        assert (await show.operator.request("status"))["show"]["pid"] == show.pid
