"""ipc: one private, locked socket directory per state directory."""

import fcntl
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from ipc.endpoints import Endpoints, ShowLock, running_pid
from ipc.errors import NoShowRunning, RuntimeDirError, ShowAlreadyRunning


@pytest.fixture
def endpoints(tmp_path, monkeypatch):
    """Endpoints under a short runtime directory (tmp_path itself can be too long)."""
    with tempfile.TemporaryDirectory(prefix="sv", dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield Endpoints.of(tmp_path / "state")


def test_the_directory_is_private(endpoints):
    endpoints.create()
    assert stat.S_IMODE(endpoints.directory.stat().st_mode) == 0o700


def test_two_state_directories_have_two_socket_directories(endpoints, tmp_path):
    assert Endpoints.of(tmp_path / "other").directory != endpoints.directory
    assert Endpoints.of(tmp_path / "x" / ".." / "state").directory == endpoints.directory


def test_a_shared_directory_is_refused(endpoints):
    endpoints.create()
    endpoints.directory.chmod(0o755)
    with pytest.raises(RuntimeDirError, match="not a directory of yours alone") as caught:
        endpoints.create()
    assert "chmod 700" in caught.value.hint


def test_a_link_in_its_place_is_refused(endpoints, tmp_path):
    endpoints.create()
    endpoints.directory.rmdir()
    endpoints.directory.symlink_to(tmp_path)
    with pytest.raises(RuntimeDirError):
        endpoints.create()


def test_a_path_too_long_for_a_socket_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"/tmp/{'x' * 100}")
    with pytest.raises(RuntimeDirError, match="the system allows 107") as caught:
        Endpoints.of(tmp_path).create()
    assert "XDG_RUNTIME_DIR" in caught.value.hint
    assert not Path(f"/tmp/{'x' * 100}").exists()


def test_a_second_lock_names_the_first_pid(endpoints):
    lock = ShowLock(endpoints)
    with pytest.raises(ShowAlreadyRunning, match=f"pid {os.getpid()}") as caught:
        ShowLock(endpoints)
    assert "spark-tui attach" in caught.value.hint
    assert running_pid(endpoints) == os.getpid()
    lock.release()


def test_nobody_runs_before_or_after(endpoints):
    with pytest.raises(NoShowRunning):
        running_pid(endpoints)
    ShowLock(endpoints).release()
    with pytest.raises(NoShowRunning):
        running_pid(endpoints)


def test_the_lock_dies_with_its_process(endpoints, tmp_path):
    """kill -9 leaves the file behind, and nobody holds it."""
    code = (
        "import sys, pathlib\n"
        "from ipc.endpoints import Endpoints, ShowLock\n"
        "lock = ShowLock(Endpoints.of(pathlib.Path(sys.argv[1])))\n"
        "print('locked', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline() == b"locked\n"
        assert running_pid(endpoints) == holder.pid
        holder.kill()
        holder.wait()
        with pytest.raises(NoShowRunning):
            running_pid(endpoints)
        ShowLock(endpoints).release()


def test_a_glance_does_not_keep_a_show_from_starting(endpoints):
    """Regression: the probe took the exclusive lock for a moment, and a start could hit it."""
    endpoints.create()
    fd = os.open(endpoints.directory / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_SH)
    release = threading.Timer(0.01, os.close, (fd,))
    release.start()
    ShowLock(endpoints).release()
    release.join()
