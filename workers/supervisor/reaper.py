"""Nothing of a show outlives its supervisor: a tiny process that waits for its death.

Run as a file by ``python -S -E`` with the read end of a pipe as stdin; only the supervisor
has the write end, so end-of-file means that it is gone, however it went. The supervisor
writes ``+PID`` and ``-PID`` lines: the sessions its workers lead. Then every process that
carries the show's token in its environment, or is in one of those sessions, is killed,
until none is left. The token finds children that started a session of their own; the
session finds children that overwrote their environment, as programs that set their
process title do. Standard library only, few imports: it stays around 8 MB.
"""

import os
import signal
import sys
import time

TOKEN_VARIABLE = "SPARK_VTUBER_SHOW"  # noqa: S105 - a name; the value is random per show
_SETTLED_SCANS = 5  # so many empty scans in a row: what was between fork and exec has shown up
_SCAN_EVERY_S = 0.05
_GIVE_UP_S = 10.0  # a process stuck in the kernel dies when it leaves it; SIGKILL is pending


def find(marks: list[bytes], sessions: set[int]) -> list[int]:
    """Pids of living processes whose environment has all ``marks``, or in ``sessions``."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            if sessions and _session(entry) in sessions:
                found.append(int(entry))
                continue
            with open(f"/proc/{entry}/environ", "rb") as file:
                variables = file.read().split(b"\0")
        except (OSError, ValueError):
            continue  # gone meanwhile, or another user's
        if all(mark in variables for mark in marks):
            found.append(int(entry))
    return found


def _session(pid: str) -> int:
    """Session of a process; 0 for a zombie, which needs no killing."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return 0 if fields[0] in (b"Z", b"X") else int(fields[3])


def kill(marks: list[bytes], sessions: set[int]) -> int:
    """SIGKILL what ``find`` finds; how many there were."""
    pids = find(marks, sessions)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    return len(pids)


def _follow(sessions: set[int]) -> None:
    """Read session changes until the supervisor is gone."""
    rest = b""
    while chunk := os.read(0, 4096):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            (sessions.add if line[:1] == b"+" else sessions.discard)(int(line[1:]))


def main() -> None:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # only the end of the supervisor ends this
    sessions: set[int] = set()
    _follow(sessions)
    marks = [f"{TOKEN_VARIABLE}={sys.argv[1]}".encode()]
    deadline = time.monotonic() + _GIVE_UP_S
    empty = 0
    while empty < _SETTLED_SCANS and time.monotonic() < deadline:
        empty = 0 if kill(marks, sessions) else empty + 1
        time.sleep(_SCAN_EVERY_S)


if __name__ == "__main__":
    main()
