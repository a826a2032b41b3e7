"""Fixtures of tests in more than one folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from doubles.node_peer import NO_NODE, NodeMissing, install
from doubles.tls import Authority


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
