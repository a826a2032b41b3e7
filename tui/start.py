"""Starting, finding and ending the supervisor of a state directory."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipc.config import Config
from ipc.endpoints import Endpoints, running_pid
from ipc.errors import EXIT_FAILURE, NoShowRunning, PathNotWritable, RequestTimeout, SparkError
from ipc.load import load_config
from ipc.operator import OperatorClient

_LOG_BYTES = 4 * 1024 * 1024  # a longer log makes room at the next start
_POLL_S = 0.05
START_LIMIT_S = 20.0  # to the first answer; the workers go on loading after it
STOP_LIMIT_S = 30.0
_ERROR_BYTES = 4096
_ERROR_MARK = "spark-tui: "  # the supervisor puts it before the sentence it ends with


class StartFailed(SparkError):
    """The supervisor ended before it answered; carries what it printed and its exit code."""

    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message, hint)
        self.exit_code = code  # type: ignore[misc]  # the supervisor's own, known only now


@dataclass(frozen=True)
class Show:
    """Which show a command line is about."""

    state_dir: Path
    config_file: Path | None = None
    profile: str = ""

    @property
    def endpoints(self) -> Endpoints:
        """Addresses of its sockets."""
        return Endpoints.of(self.state_dir)

    @property
    def log_file(self) -> Path:
        """What the supervisor prints when no terminal is attached to it."""
        return self.state_dir / "logs" / "supervisor.log"

    def load(self) -> Config:
        """The configuration a start would use. Raises ConfigError."""
        return load_config(self.config_file, self.profile)

    def command(self, *, foreground: bool) -> list[str]:
        """The supervisor's command line; -P keeps the current directory off the import path."""
        words = [sys.executable, "-P", "-m", "workers.supervisor", "--state", str(self.state_dir)]
        if self.config_file is not None:
            words += ["--config", str(self.config_file)]
        if self.profile:
            words += ["--profile", self.profile]
        if foreground:
            words.append("--foreground")
        return words


def is_running(show: Show) -> bool:
    """Whether a living supervisor holds the lock of this state directory."""
    try:
        running_pid(show.endpoints)
    except NoShowRunning:
        return False
    return True


def start(show: Show) -> int:
    """Start the show so that it outlives this terminal; its pid once it answers.

    Raises ConfigError before anything is started, RuntimeDirError for a socket path that
    cannot work, and StartFailed with the supervisor's own words and exit code.
    """
    show.load()
    show.endpoints.create()
    try:
        show.log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if show.log_file.exists() and show.log_file.stat().st_size > _LOG_BYTES:
            show.log_file.replace(show.log_file.with_suffix(".log.1"))
        log = show.log_file.open("ab")
    except OSError as error:
        raise PathNotWritable(
            f"cannot write to the state directory {show.state_dir}: {error.strerror}",
            "name another one with --state",
        ) from None
    with log:
        before = log.tell()
        pid = _spawn_apart(show.command(foreground=False), log.fileno())
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            raise _ended(show, os.waitstatus_to_exitcode(status), before)
        if is_running(show) and answers(show):
            return pid
        time.sleep(_POLL_S)
    raise StartFailed(
        f"the show (pid {pid}) did not answer within {START_LIMIT_S:.0f} s",
        f"look into {show.log_file}; spark-tui stop ends it",
        EXIT_FAILURE,
    )


def _spawn_apart(command: list[str], output: int) -> int:
    """A process in a session of its own: no terminal, and nobody who waits for it."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def answers(show: Show) -> bool:
    """Whether the operator socket answers now."""

    async def ask() -> bool:
        client = OperatorClient(show.endpoints, readonly=True)
        try:
            await client.request("status", timeout_s=1.0)
        except RequestTimeout:
            return False
        finally:
            client.close()
        return True

    return asyncio.run(ask())


def stop(show: Show) -> None:
    """Ask the show to drain, and wait until it is gone.

    Raises NoShowRunning, RequestFailed, or RequestTimeout if it is still there after
    STOP_LIMIT_S.
    """
    pid = running_pid(show.endpoints)
    request(show, "stop")
    deadline = time.monotonic() + STOP_LIMIT_S
    while is_running(show):
        if time.monotonic() > deadline:
            raise RequestTimeout(
                f"the show (pid {pid}) is still there after {STOP_LIMIT_S:.0f} s",
                f"kill {pid} ends it at once",
            )
        time.sleep(_POLL_S)


def request(show: Show, verb: str, timeout_s: float | None = None, **args: Any) -> Any:
    """One operator request to the running show. Raises NoShowRunning, RequestFailed."""
    running_pid(show.endpoints)

    async def ask() -> Any:
        client = OperatorClient(show.endpoints)
        try:
            return await client.request(verb, timeout_s, **args)
        finally:
            client.close()

    return asyncio.run(ask())


def become_supervisor(show: Show) -> None:
    """Replace this process by the supervisor in the foreground. Does not return."""
    words = show.command(foreground=True)
    os.execv(words[0], words)  # noqa: S606  # a fixed list of words: no shell is wanted


def _ended(show: Show, code: int, before: int) -> StartFailed:
    with show.log_file.open("rb") as log:
        log.seek(before)
        text = log.read()[-_ERROR_BYTES:].decode(errors="replace").strip()
    if "Traceback (most recent call last)" in text:  # a defect: the log has it all
        text = f"the supervisor crashed: {text.splitlines()[-1]}"
    if code < 0:
        text = text or f"the supervisor was ended by signal {-code}"
    text = text.rpartition(_ERROR_MARK)[2] or "the supervisor ended without a word"
    message, _, hint = text.partition("\n  ")
    return StartFailed(
        message,
        hint.strip() or f"its log is {show.log_file}",
        code if code > 0 else EXIT_FAILURE,
    )
