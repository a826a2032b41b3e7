"""cli: the terminal UI in a real terminal; closing it leaves the show on air."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest

from ipc.errors import EXIT_CONFIG
from tui.start import is_running

ESCAPES = re.compile(rb"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b.")


class Terminal:
    """``spark-tui ARGS`` in a pseudo-terminal of its own."""

    def __init__(self, place, *args: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))
        words = [sys.executable, "-P", "-m", "tui.cli", "--state", str(place.state)]
        self.process = subprocess.Popen(
            [*words, "--config", str(place.config), "--profile", "scripted", *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=place.env | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def until(self, *words: str) -> str:
        """Read until all words have been on the screen. The test's own timeout is the limit."""
        while not all(word.encode() in ESCAPES.sub(b"", self.seen) for word in words):
            try:
                self.seen += os.read(self._master, 65536)
            except OSError:  # the other end is closed
                shown = ESCAPES.sub(b"", self.seen).decode(errors="replace")
                pytest.fail(f"the terminal closed before {words} was seen:\n{shown[-2000:]}")
        return ESCAPES.sub(b"", self.seen).decode(errors="replace")

    def close(self) -> int:
        """Hang up, as a dropped line does; the exit code of the program."""
        os.close(self._master)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGHUP)
        return self.process.wait()


def test_a_dropped_line_leaves_the_show_on_air(place):
    first = Terminal(place)
    first.until("ON AIR")
    first.close()
    assert is_running(place.show())

    done = place.run("ask", "still there?", "--json")
    assert done.returncode == 0, done.stderr

    second = Terminal(place, "attach")
    watcher = Terminal(place, "attach", "--readonly")
    second.until("ON AIR", "still there?")
    watcher.until("ON AIR", "still there?")
    watcher.close()
    second.close()
    assert is_running(place.show())
    assert place.run("stop").returncode == 0
    assert not is_running(place.show())


def test_a_bad_start_is_a_sentence_in_the_terminal_too(place):
    place.config.write_text("[llm]\nthreds = 1\n", encoding="utf-8")
    terminal = Terminal(place)
    text = terminal.until("did you mean 'threads'?")
    assert "Traceback" not in text
    terminal.process.wait()
    assert terminal.close() == EXIT_CONFIG
