"""A worker does not outlive its supervisor, and shows its stacks when asked.

Linux prctl(2) PR_SET_PDEATHSIG. The signal is sent when the *thread* that spawned us
ends, so the supervisor spawns from its main thread only.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """SIGKILL this process when its parent goes. Exits if the parent is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        sys.exit(1)  # it died between fork and prctl


def show_stacks_on_sigusr1() -> None:
    """The supervisor sends SIGUSR1 to a hung worker before it ends it."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
