"""Fixtures of the chat tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from doubles.youtube import YouTubeDouble
from moderation_desk import Desk
from youtube_rig import Time


@pytest.fixture
def time() -> Time:
    """Time of the YouTube tests."""
    return Time()


@pytest.fixture
async def double(time: Time) -> AsyncIterator[YouTubeDouble]:
    """YouTube, in that time."""
    async with YouTubeDouble(time.wall) as double:
        yield double


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Moderation, with two viewers in the room."""
    return Desk(tmp_path)
