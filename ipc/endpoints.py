"""Where the sockets of a show are: one private, locked directory per state directory.

Only the supervisor takes the lock; a second bind on an ipc path would steal it silently
(libzmq unlinks the file), so the lock is what keeps two shows apart.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from pathlib import Path

from ipc.errors import NoShowRunning, RuntimeDirError, ShowAlreadyRunning

_IPC_PATH_BYTES = 107  # sockaddr_un.sun_path is 108 with its terminator
_LONGEST_NAME = "director.in"
_LOCK_TRIES = 10
_LOCK_PAUSE_S = 0.005


def default_state_dir() -> Path:
    """``$XDG_STATE_HOME/spark-vtuber`` (XDG base directory specification)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "spark-vtuber"


class Endpoints:
    """Addresses of all sockets of one show."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of(cls, state_dir: Path) -> Endpoints:
        """The socket directory that belongs to a state directory. Creates nothing."""
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        base = (
            Path(runtime)
            if runtime
            else Path(tempfile.gettempdir()) / f"spark-vtuber-{os.getuid()}"
        )
        key = hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:10]
        return cls(base / "spark-vtuber" / key)

    def _address(self, name: str) -> str:
        return f"ipc://{self.directory / name}"

    @property
    def control(self) -> str:
        return self._address("control")

    @property
    def operator(self) -> str:
        return self._address("operator")

    @property
    def events_in(self) -> str:
        return self._address("events.in")

    @property
    def events_out(self) -> str:
        return self._address("events")

    def inbox(self, worker: str) -> str:
        return self._address(f"{worker}.in")

    def create(self) -> None:
        """Make the directory, private to this user. Raises RuntimeDirError."""
        longest = os.fsencode(str(self.directory / _LONGEST_NAME))
        if len(longest) > _IPC_PATH_BYTES:
            raise RuntimeDirError(
                f"the socket path {self.directory / _LONGEST_NAME} has {len(longest)} bytes; "
                f"the system allows {_IPC_PATH_BYTES}",
                "set XDG_RUNTIME_DIR to a shorter directory",
            )
        try:
            self.directory.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for directory in (self.directory.parent, self.directory):
                directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise RuntimeDirError(
                f"cannot make the socket directory {self.directory}: {error.strerror}",
                "set XDG_RUNTIME_DIR to a directory you can write to",
            ) from None
        for directory in (self.directory.parent, self.directory):
            info = directory.lstat()
            private = stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()
            if not private or stat.S_IMODE(info.st_mode) & 0o077:
                raise RuntimeDirError(
                    f"{directory} is not a directory of yours alone",
                    f"remove it, or: chmod 700 {directory}",
                )


class ShowLock:
    """The supervisor's hold on a socket directory; released when its process ends."""

    def __init__(self, endpoints: Endpoints) -> None:
        endpoints.create()
        self._path = endpoints.directory / "lock"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _take(self._fd):
            pid = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise ShowAlreadyRunning(
                f"a show with this state directory runs already (pid {pid or 'unknown'})",
                "spark-tui attach joins it, spark-tui stop ends it, --state DIR starts another",
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._fd)


def _take(fd: int) -> bool:
    """Lock ``fd``. A glance of ``running_pid`` holds it for microseconds: try again after one."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return True
    return False


def running_pid(endpoints: Endpoints) -> int:
    """Pid of the supervisor that holds the lock. Raises NoShowRunning."""
    try:
        fd = os.open(endpoints.directory / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        raise _no_show() from None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look do not collide
    except BlockingIOError:
        return int(os.pread(fd, 32, 0).decode(errors="replace").strip() or 0)
    else:
        raise _no_show()
    finally:
        os.close(fd)


def _no_show() -> NoShowRunning:
    return NoShowRunning("no show runs with this state directory", "start one with: spark-tui")
