"""One child process: spawned, watched by pidfd, ended as a group, its output collected.

Spawn from the main thread only: PDEATHSIG fires when the spawning *thread* ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from workers.supervisor.journal import Journal

_READ_BYTES = 65536


class Process:
    """A running child that leads its own session and process group.

    ``on_exit`` is called on the loop the moment it is gone; ``exited`` resolves then, with
    the return code as in ``subprocess``: negative for a signal. Raises OSError if the
    program cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        journal: Journal,
        on_exit: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._on_exit = on_exit
        self._popen = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._popen.pid
        self.exited: asyncio.Future[int] = self._loop.create_future()
        assert self._popen.stdout is not None
        self._out = self._popen.stdout.fileno()
        os.set_blocking(self._out, False)
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._out, self._collect)
        self._loop.add_reader(self._pidfd, self._gone)

    def signal_group(self, number: signal.Signals) -> None:
        """To every process of its group; nothing if all are gone."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # PermissionError: only zombies are left (Linux says so for some)

    def signal(self, number: signal.Signals) -> None:
        """To the child alone."""
        if not self.exited.done():
            self._popen.send_signal(number)

    async def gone_within(self, limit_s: float) -> bool:
        """Whether it exits within this time."""
        await asyncio.wait([self.exited], timeout=limit_s)
        return self.exited.done()

    def close(self) -> None:
        """After its exit and the end of what it left behind: take the last output."""
        self._collect()
        self._loop.remove_reader(self._out)
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        self._journal.end()

    def _collect(self) -> None:
        try:
            data = os.read(self._out, _READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._journal.write(data)
        else:
            self._loop.remove_reader(self._out)

    def _gone(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._collect()
        self.exited.set_result(self._popen.wait())
        self._on_exit()


def describe_exit(code: int) -> str:
    """An exit code for people."""
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exited with {code}"
