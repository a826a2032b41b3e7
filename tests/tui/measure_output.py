"""Bytes a second the screen sends to a terminal, measured through a pty.

    python tests/tui/measure_output.py STATE_DIR [COLUMNS ROWS SECONDS]

Joins the show that runs with STATE_DIR (``fake_show.py``, or a real one). The first three
seconds, in which everything is drawn once, do not count.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

SETTLE_S = 3.0
CHILD = (
    "import sys; from pathlib import Path; from ipc.endpoints import Endpoints; "
    "from tui.app import run; "
    "run(Endpoints.of(Path(sys.argv[1])), readonly=True, rate_hz=4.0, keys={})"
)


def measure(state_dir: str, columns: int, rows: int, seconds: float) -> float:
    """Bytes a second over ``seconds``."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", CHILD, state_dir])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    begin = time.monotonic() + SETTLE_S
    total = 0
    while (now := time.monotonic()) < begin + seconds:
        if select.select([terminal], [], [], 0.2)[0]:
            data = os.read(terminal, 65536)
            total += len(data) if now >= begin else 0
    os.close(terminal)  # the terminal goes: SIGHUP
    os.waitpid(pid, 0)
    return total / seconds


if __name__ == "__main__":
    size = [int(word) for word in sys.argv[2:]] or [80, 24, 20]
    rate = measure(sys.argv[1], size[0], size[1], size[2])
    print(f"{size[0]}x{size[1]}: {rate / 1024:.2f} KiB/s")
