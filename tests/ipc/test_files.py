"""ipc: files of the state directory are replaced whole, and private."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ipc.files import replace


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_whole_and_private(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(b"old, and readable by all")
    path.chmod(0o644)
    left = tmp_path / "kept.json.new"  # of a crash
    left.write_bytes(b"half of what")
    left.chmod(0o666)
    replace(path, b"new", durable=durable)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["kept.json"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(b"old")
    (tmp_path / "kept.json.new").mkdir()  # in the way
    with pytest.raises(OSError, match="kept"):
        replace(path, b"new")
    assert path.read_bytes() == b"old"
