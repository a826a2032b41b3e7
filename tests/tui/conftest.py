"""Fixtures of the terminal's tests: a private socket directory and a port that records."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fake_show import FakeShow


@pytest.fixture
def state_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory whose sockets are its own, with a path short enough for ipc."""
    directory = Path(tempfile.mkdtemp(prefix="tui", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
async def fake_show(state_dir: Path) -> AsyncIterator[FakeShow]:
    show = FakeShow(state_dir)
    yield show
    show.close()
