"""How a worker is started: its program, its arguments, its environment. Pure."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ipc.load import PROJECT_CONFIG
from ipc.secrets import without

_OWN_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


def interpreter(configured: str) -> str:
    """The program for ``python = ...``: a path is relative to the project, not to the caller."""
    if not configured:
        return sys.executable
    return str(PROJECT_CONFIG.parent / configured) if "/" in configured else configured


def command(name: str, python: str) -> list[str]:
    """``python -m workers.NAME``."""
    return [interpreter(python), "-m", f"workers.{name}"]


def environment(
    env: Mapping[str, str], name: str, python: str, marks: Mapping[str, str]
) -> dict[str, str]:
    """``env`` for a worker: without what is the supervisor's own and without the secrets of
    other workers, with ``marks`` that say whose child it is."""
    made = {k: v for k, v in without(env, name).items() if k not in _OWN_VARIABLES}
    made.update(marks)
    made["PYTHONSAFEPATH"] = "1"  # files of whatever directory we were started in are not modules
    if python:  # it may not have this project installed
        made["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(PROJECT_CONFIG.parent), made.get("PYTHONPATH", "")])
        )
    return made
