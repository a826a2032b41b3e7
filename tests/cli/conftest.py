"""A place for a show: empty, or with a scripted show on air."""

import tempfile
from pathlib import Path

import pytest
from cli_place import place_in

from tui.start import is_running, start, stop


@pytest.fixture
def place(monkeypatch):
    """A place where no show runs."""
    with tempfile.TemporaryDirectory(prefix="sv", dir="/tmp") as directory:
        made = place_in(Path(directory), monkeypatch)
        yield made
        if is_running(made.show()):
            stop(made.show())


@pytest.fixture(scope="module")
def on_air():
    """A place with a running scripted show, shared by the tests of a module."""
    patch = pytest.MonkeyPatch()
    with tempfile.TemporaryDirectory(prefix="sv", dir="/tmp") as directory:
        made = place_in(Path(directory), patch)
        start(made.show())
        yield made
        if is_running(made.show()):
            stop(made.show())
    patch.undo()
