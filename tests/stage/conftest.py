"""Fixtures of the stage tests."""

from __future__ import annotations

import os

import pytest
from browser import find_chromium

NO_BROWSER = "SPARK_VTUBER_NO_BROWSER"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The one place where browser tests are left out, visibly, and only if asked for."""
    if os.environ.get(NO_BROWSER) != "1":
        return
    without = [item for item in items if "needs_browser" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


@pytest.fixture(scope="session")
def needs_browser() -> None:
    """For tests that drive a real browser."""
    if find_chromium() is None:
        pytest.fail(
            f"no Chromium found: install it (sudo apt install chromium), or leave the browser "
            f"tests out with {NO_BROWSER}=1"
        )
