"""Fixtures of the OBS tests."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from doubles.obs import ObsDouble


@pytest.fixture(autouse=True)
async def _no_task_is_left() -> AsyncIterator[None]:
    """Whatever a test did: when all is closed, nothing runs on."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=2.0)
    assert not {task for task in left if not task.done()}


@pytest.fixture
async def obs() -> AsyncIterator[ObsDouble]:
    async with ObsDouble() as running:
        yield running


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for socket names."""
    with tempfile.TemporaryDirectory(prefix="spark-", dir="/tmp") as path:
        yield Path(path)
