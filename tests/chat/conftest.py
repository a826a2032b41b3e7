"""Fixtures of the chat tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ipc.config import Config
from ipc.load import load_config


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for socket names."""
    with tempfile.TemporaryDirectory(prefix="spark-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def configure() -> Callable[..., Config]:
    """``configure(chat={...}, gate={...})``: the defaults with these keys changed."""

    def made(**sections: dict[str, Any]) -> Config:
        config = load_config(env={})
        changed = {
            name: msgspec.structs.replace(getattr(config, name), **keys)
            for name, keys in sections.items()
        }
        return msgspec.structs.replace(config, **changed)

    return made
