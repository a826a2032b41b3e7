"""A worker between the planes of a show in small."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from small_show import MakeShow, SmallShow

from ipc.config import Config


@pytest.fixture
async def small_show() -> AsyncIterator[MakeShow]:
    """Makes a SmallShow for a configuration; ends its process and removes its files."""
    directory = Path(tempfile.mkdtemp(prefix="sv", dir="/tmp"))  # ipc paths must be short
    shows: list[SmallShow] = []

    def make(config: Config) -> SmallShow:
        show = SmallShow(directory, config)
        shows.append(show)
        return show

    yield make
    for show in shows:
        await show.close()
    shutil.rmtree(directory)
