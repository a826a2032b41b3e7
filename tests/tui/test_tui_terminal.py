"""Category e2e: the screen as a process on a real terminal (a pty), beside a show on sockets."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fake_show import REPLIES, FakeShow, chat_line, opening

from ipc.protocol import ClauseEvent, TokenEvent
from tui.client import ShowClient

COLUMNS, ROWS, RATE_HZ = 80, 24, 4.0
BYTES_A_SECOND = 20 * 1024
CHILD = """
import fcntl, sys, termios
from pathlib import Path
from ipc.endpoints import Endpoints
from tui.app import run
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
run(Endpoints.of(Path(sys.argv[1])), readonly=False, rate_hz=4.0, keys={})
"""

pytestmark = pytest.mark.e2e


class Terminal:
    """The outer end of a pty: what was written to it, and a way to wait for some of it."""

    def __init__(self, fd: int, process: asyncio.subprocess.Process) -> None:
        self.fd = fd
        self.process = process
        self.output = bytearray()
        self.open = True
        self.more = asyncio.Event()
        asyncio.get_running_loop().add_reader(fd, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: the process has gone
            self.output += os.read(self.fd, 65536)
        self.more.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(30):
            while text.encode() not in self.output:
                self.more.clear()
                await self.more.wait()

    def close(self) -> None:
        if self.open:
            self.open = False
            asyncio.get_running_loop().remove_reader(self.fd)
            os.close(self.fd)


@asynccontextmanager
async def screen(
    state_dir: Path, size: tuple[int, int] = (COLUMNS, ROWS), **env: str
) -> AsyncIterator[Terminal]:
    leader, follower = pty.openpty()
    columns, rows = size
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(state_dir),
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color"} | env,
    )  # fmt: skip
    os.close(follower)
    terminal = Terminal(leader, process)
    try:
        yield terminal
    finally:
        terminal.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def test_closing_the_terminal_only_ends_the_screen(
    fake_show: FakeShow, state_dir: Path
) -> None:
    for event in opening(1000.0):
        fake_show.publish(event)
    async with screen(state_dir) as terminal:
        await terminal.until("ON AIR")
        terminal.close()
        async with asyncio.timeout(20):
            await terminal.process.wait()
    assert [verb for verb, _ in fake_show.requests if verb != "snapshot"] == []
    async with ShowClient(fake_show.endpoints) as client:
        assert await client.request("skip") == {}


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 1), ((140, 45), 1), ((140, 45), 50)])
async def test_speaking_and_a_flood_of_chat_send_little_to_the_terminal(
    fake_show: FakeShow, state_dir: Path, size: tuple[int, int], lines: int
) -> None:
    for event in opening(1000.0):
        fake_show.publish(event)
    rounds = 12
    async with screen(state_dir, size) as terminal:
        await terminal.until("ON AIR")
        begin = 0
        for number in range(rounds + 1):  # each takes a quarter of a second or more
            mark = f"mark{number:03}"
            for line in range(lines):
                fake_show.publish(chat_line(number + line, f"{mark}{line}", 2.0))
            words = REPLIES[number % len(REPLIES)].split(", ")[0]
            if number % RATE_HZ == 0:  # one a second is quick speech
                fake_show.publish(
                    ClauseEvent(turn=9, clause=number, speaker="Nova", text=words, heard=0.0)
                )
            for word in (*words.split()[:5], mark):
                fake_show.publish(TokenEvent(turn=9, text=f"{word} "))
            await terminal.until(mark)
            begin = begin or len(terminal.output)  # the first picture does not count
        assert (len(terminal.output) - begin) / rounds * RATE_HZ < BYTES_A_SECOND


async def test_without_colour_nothing_is_coloured(fake_show: FakeShow, state_dir: Path) -> None:
    for event in opening(1000.0):
        fake_show.publish(event)
    async with screen(state_dir, NO_COLOR="1") as terminal:
        await terminal.until("ON AIR")
        colours = (b"\x1b[32m", b";32;", b";31m", b";36;", b"[36;", b"38;2;", b"38;5;", b"48;2;")
        assert not [code for code in colours if code in terminal.output]
