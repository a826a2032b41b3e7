"""Fixtures of the hearing tests."""

from __future__ import annotations

import os

import pytest
from stage.browser import find_chromium
from stt_rig import Speaker

NO_BROWSER = "SPARK_VTUBER_NO_BROWSER"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests are left out, visibly, and only if asked for."""
    if os.environ.get(NO_BROWSER) != "1":
        return
    without = [item for item in items if "needs_chromium" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


@pytest.fixture(scope="session")
def needs_chromium() -> None:
    """For tests that drive a real browser."""
    if find_chromium() is None:
        pytest.fail(
            f"no Chromium found: install it (sudo apt install chromium), or leave the browser "
            f"tests out with {NO_BROWSER}=1"
        )


@pytest.fixture(scope="session")
def speaker() -> Speaker:
    return Speaker()
