"""Fixtures of the stage and chat tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browser import find_chromium

from ipc.config import Config
from ipc.load import load_config

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


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for socket names."""
    with tempfile.TemporaryDirectory(prefix="spark-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def configure() -> Callable[..., Config]:
    """``configure(stage={...}, chat={...})``: the defaults with these keys changed."""

    def made(**sections: dict[str, Any]) -> Config:
        config = load_config(env={})
        changed = {
            name: msgspec.structs.replace(getattr(config, name), **keys)
            for name, keys in {"stage": {"overlay_port": 0}, **sections}.items()
        }
        return msgspec.structs.replace(config, **changed)

    return made
