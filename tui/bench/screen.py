"""How much the terminal UI writes: the real one, attached in a pseudo-terminal of 80x24."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
import time

from ipc.errors import RequestFailed
from tui.bench.rig import Rig

ROWS, COLUMNS = 24, 80
_SETTLE_S = 3.0  # the first picture is drawn once; it is not what is measured
_CHUNK = 65536


async def bytes_per_second(show: Rig, text: str) -> float:
    """KiB a second written while one long reply is spoken."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    os.set_blocking(master, False)
    written = 0

    def read() -> None:
        nonlocal written
        try:
            written += len(os.read(master, _CHUNK))
        except OSError:  # the other end is closed
            loop.remove_reader(master)

    loop = asyncio.get_running_loop()
    loop.add_reader(master, read)
    environment = os.environ | {"TERM": "xterm-256color"}
    environment.pop("COLORTERM", None)
    command = [sys.executable, "-P", "-m", "tui.cli", "--state", str(show.show.state_dir), "attach"]
    screen = await asyncio.create_subprocess_exec(
        *command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        await asyncio.sleep(_SETTLE_S)
        if screen.returncode is not None:
            raise RequestFailed(f"the terminal UI ended by itself, exit code {screen.returncode}")
        before, began = written, time.monotonic()
        turn = await show.say_as_viewer(text)
        await show.over(turn)
        return (written - before) / 1024 / (time.monotonic() - began)
    finally:
        if screen.returncode is None:
            screen.kill()
        await screen.wait()
        loop.remove_reader(master)
        os.close(master)
