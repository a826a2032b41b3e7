"""The real command line as a subprocess, in a place of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.start import Show

SETTINGS = """
[stage]
overlay_port = 0
[director]
idle_after_s = 0
[llm.scripted]
first_token_ms = 10
token_ms = 2
[tts.scripted]
first_audio_ms = 5
word_s = 0.03
"""


class Place:
    """A state directory, a configuration file and an environment of their own."""

    def __init__(self, root: Path, env: dict[str, str]) -> None:
        self.root = root
        self.state = root / "state"
        self.config = root / "my.toml"
        self.config.write_text(SETTINGS, encoding="utf-8")
        self.env = env

    def show(self) -> Show:
        """The scripted show of this place."""
        return Show(self.state, self.config, "scripted")

    def run(self, *args, env=None, config=True, state=True) -> subprocess.CompletedProcess[str]:
        """``spark-tui ARGS`` without a terminal."""
        words = [sys.executable, "-P", "-m", "tui.cli"]
        words += ["--state", str(self.state)] if state else []
        words += ["--config", str(self.config), "--profile", "scripted"] if config else []
        return subprocess.run(
            [*words, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self.env | (env or {}),
            timeout=60,
        )


def place_in(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A Place with a private runtime directory; both for this process and its children."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    monkeypatch.setenv("XDG_STATE_HOME", str(directory / "home"))
    return Place(directory, dict(os.environ))


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One message with these words, the exit code, and no traceback."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.count("error:") == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
