"""Fixtures of the OBS tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

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
