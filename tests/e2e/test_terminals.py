"""Terminals come and go; the show stays."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from ipc.endpoints import Endpoints, running_pid
from ipc.errors import NoShowRunning

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SPARK_TUI = str(Path(sys.executable).with_name("spark-tui"))


class Terminal:
    """A command on a pseudo-terminal of its own; ``seen`` is its text without control codes."""

    def __init__(self, *args: str, env: dict[str, str], columns: int = 140, rows: int = 45):
        self.fd, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", SPARK_TUI, *args],  # it execs: the pid is spark-tui's
            stdin=child,
            stdout=child,
            stderr=child,
            env=env,
        )
        os.close(child)
        os.set_blocking(self.fd, False)
        self.seen = ""
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the other side is closed
            data = b""
        if not data:
            self._loop.remove_reader(self.fd)
        text = data.decode(errors="replace")
        self.seen += re.sub(
            r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|[()][A-Z0-9]|[=>]|\][^\x07]*\x07)", "", text
        )
        self._changed.set()

    async def until(self, pattern: str, limit_s: float = 40) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while not re.search(pattern, self.seen):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never saw {pattern!r} in:\n{self.seen[-3000:]}") from None

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    async def exit_code(self) -> int:
        return await asyncio.to_thread(self.process.wait, 20)

    def hang_up(self) -> None:
        """What a closed window or a lost SSH line does."""
        self._loop.remove_reader(self.fd)
        os.close(self.fd)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        try:
            self.hang_up()
        except OSError:
            return  # hung up before


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    runtime = Path(f"/tmp/svt-{os.getpid()}")
    runtime.mkdir(mode=0o700, exist_ok=True)
    return os.environ | {
        "XDG_RUNTIME_DIR": str(runtime),
        "SPARK_VTUBER__STAGE__OVERLAY_PORT": "0",
        "SPARK_VTUBER__DIRECTOR__IDLE_AFTER_S": "0",
        "TERM": "xterm-256color",
    }


def run(state: Path, env: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SPARK_TUI, "--state", str(state), *args],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


async def test_the_show_outlives_its_terminals(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_RUNTIME_DIR", env["XDG_RUNTIME_DIR"])
    options = ("--state", str(state), "--profile", "scripted")
    first = Terminal(*options, env=env)
    second = third = None
    try:
        await first.until("ON AIR")
        pid = running_pid(Endpoints.of(state))
        first.hang_up()
        assert await first.exit_code() in (0, 1, -signal.SIGHUP, 128 + signal.SIGHUP)
        assert running_pid(Endpoints.of(state)) == pid, "closing the terminal ended the show"

        assert (await asyncio.to_thread(run, state, env, "ctl", "persona", "umbra")).returncode == 0
        second = Terminal("--state", str(state), "attach", env=env)
        third = Terminal(
            "--state", str(state), "attach", "--readonly", env=env, columns=80, rows=24
        )
        await second.until("ON AIR")
        await second.until("(?i)umbra")
        await third.until("ON AIR")
        asked = await asyncio.to_thread(run, state, env, "ask", "Who is there?", "--json")
        reply = json.loads(asked.stdout)
        assert reply["outcome"] == "played"
        first_words = r"\s+".join(re.escape(w) for w in reply["reply"].split()[:3])
        await second.until(first_words)
        await third.until(first_words)

        third.press("h")  # holds the show, were this terminal allowed to
        await third.until("(?i)read-?only")
        status = await asyncio.to_thread(run, state, env, "status", "--json")
        assert json.loads(status.stdout)["show"]["held"] is False
        assert running_pid(Endpoints.of(state)) == pid
    finally:
        for terminal in (first, second, third):
            if terminal is not None:
                terminal.close()
        await asyncio.to_thread(run, state, env, "stop")
    with pytest.raises(NoShowRunning):
        running_pid(Endpoints.of(state))
