"""cli: --no-ui is the supervisor itself, in the foreground."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_place import SETTINGS

from ipc.endpoints import running_pid
from tui.cli import DEMO_ENV
from tui.start import start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_here_until_it_is_told_to_end(place, number):
    # started in a directory with a file that is called like a module
    (place.root / "queue.py").write_text("raise RuntimeError('imported by accident')\n")
    words = [sys.executable, "-P", "-m", "tui.cli", "--state", str(place.state), "--profile"]
    with subprocess.Popen(
        [*words, "scripted", "--config", str(place.config), "--no-ui"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=place.env,
        cwd=place.root,
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "on_air" in line or "backoff" in line:
                break
        assert "on_air" in lines[-1]
        assert running_pid(place.show().endpoints) == process.pid
        assert b"--foreground" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 0, "".join(lines) + rest
    assert "Traceback" not in rest


def test_demo_replays_the_sample_chat(place):
    """Its own start, then the lines of viewers nobody sent."""
    place.config.write_text(SETTINGS + "[chat]\nreplay_speed = 50\n", encoding="utf-8")
    os.environ[DEMO_ENV] = "sample"
    try:
        start(place.show())
    finally:
        del os.environ[DEMO_ENV]
    answered = 0
    while not answered:
        answered = json.loads(place.run("status", "--json").stdout)["turns"]["played"]
