"""Fixtures of tests in more than one folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from doubles.node_peer import NO_NODE, NodeMissing, install
from doubles.tls import Authority

from ipc.config import Config
from ipc.load import load_config


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The one place where tests with Node are left out, visibly, and only if asked for."""
    if os.environ.get(NO_NODE) != "1":
        return
    without = [item for item in items if "needs_node" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


@pytest.fixture(scope="session")
def needs_node() -> Path:
    """For tests that run a foreign client in Node; the folder with its packages."""
    try:
        return install()
    except NodeMissing as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificates for servers on localhost."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for socket names."""
    with tempfile.TemporaryDirectory(prefix="spark-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def configure() -> Callable[..., Config]:
    """``configure(stage={...}, chat={...})``: the defaults with these keys changed, and the
    overlay at any free port."""

    def made(**sections: dict[str, Any]) -> Config:
        config = load_config(env={})
        changed = {
            name: msgspec.structs.replace(getattr(config, name), **keys)
            for name, keys in {"stage": {"overlay_port": 0}, **sections}.items()
        }
        return msgspec.structs.replace(config, **changed)

    return made
