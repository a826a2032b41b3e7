"""The supervisor's side of the reaper: keeps one running and tells it the sessions."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import subprocess
import sys
import time

from workers.supervisor import reaper
from workers.supervisor.reaper import TOKEN_VARIABLE

_log = logging.getLogger(__name__)
_CLEAR_WITHIN_S = 2.0
_LAST_LOOK_S = 1.0
_RESCAN_S = 0.02
_RESPAWN_S = 1.0  # not in a tight loop if something keeps killing it


class Guardian:
    """Owns the reaper process and the write end of its pipe. Made on the running loop."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self._loop = asyncio.get_running_loop()
        self._sessions: set[int] = set()
        self._respawn: asyncio.TimerHandle | None = None
        self._popen: subprocess.Popen[bytes]
        self._pipe = -1
        self._pidfd = -1
        self._spawn()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def watch(self, session: int) -> None:
        """A worker leads this session now."""
        self._sessions.add(session)
        self._tell(f"+{session}\n")

    async def clear(self, name: str, incarnation: int, session: int) -> None:
        """Kill what one incarnation left behind, then forget its session."""
        marks = [
            f"{TOKEN_VARIABLE}={self.token}".encode(),
            f"SPARK_VTUBER_WORKER={name}".encode(),
            f"SPARK_VTUBER_INCARNATION={incarnation}".encode(),
        ]
        deadline = time.monotonic() + _CLEAR_WITHIN_S
        while left := reaper.kill(marks, {session}):
            if time.monotonic() > deadline:
                _log.warning("%d processes of %s/%d do not die", left, name, incarnation)
                break
            await asyncio.sleep(_RESCAN_S)
        self._sessions.discard(session)
        self._tell(f"-{session}\n")

    def close(self) -> None:
        """The show is over and nothing is left: the reaper looks once more and exits."""
        if self._respawn is not None:
            self._respawn.cancel()
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        try:
            self._popen.wait(timeout=_LAST_LOOK_S)
        except subprocess.TimeoutExpired:
            _log.warning("something of the show does not die; the reaper goes on")

    def _spawn(self) -> None:
        self._respawn = None
        read, self._pipe = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        self._popen = subprocess.Popen(
            [sys.executable, "-S", "-E", reaper.__file__, self.token],
            stdin=read,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},  # without the token: it must not find itself
            cwd="/",
            start_new_session=True,
        )
        os.close(read)
        self._pidfd = os.pidfd_open(self._popen.pid)
        self._loop.add_reader(self._pidfd, self._died)
        for session in self._sessions:
            self._tell(f"+{session}\n")

    def _died(self) -> None:
        _log.warning("the reaper was killed; starting another")
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        os.close(self._pipe)
        self._pidfd = self._pipe = -1
        self._popen.wait()
        self._respawn = self._loop.call_later(_RESPAWN_S, self._spawn)

    def _tell(self, line: str) -> None:
        if self._pipe < 0:
            return  # between two reapers; the next one is told everything
        try:
            os.write(self._pipe, line.encode())
        except (BrokenPipeError, BlockingIOError):
            _log.warning("the reaper does not listen")
