"""The machine: interpreter, memory, limits, GPU."""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Iterator

import psutil

from ipc.config import WORKERS
from ipc.errors import ConfigError
from tui.doctor.finding import Finding
from tui.start import Show, is_running

OLDEST_PYTHON = (3, 11)
FEW_FILES = 1024  # six workers, sockets and a page with a few viewers stay far below
_GB = 1e9


def python_version(_: Show) -> Iterator[Finding]:
    """The interpreter is new enough."""
    found = f"Python {platform.python_version()} on {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "fail", found, "install Python 3.11 or newer, then scripts/run")
    else:
        yield Finding("python", "ok", found)


def memory(show: Show) -> Iterator[Finding]:
    """What is available covers what the workers declare."""
    available = psutil.virtual_memory().available / _GB
    try:
        config = show.load()
    except ConfigError:
        yield Finding("memory", "info", f"{available:.1f} GB available")
        return
    wanted = sum(config.worker(n).memory_gb for n in WORKERS if config.worker(n).enabled)
    text = f"{available:.1f} GB available, the workers declare {wanted:.1f} GB"
    if available >= wanted + config.supervisor.min_free_gb or is_running(show):
        yield Finding("memory", "ok", text)
    else:
        yield Finding(
            "memory",
            "warn",
            text,
            "close other programs or disable a worker; workers wait until there is enough",
        )


def open_files(_: Show) -> Iterator[Finding]:
    """The limit of open files leaves room for sockets and pipes."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FEW_FILES:
        yield Finding("open files", "warn", f"the limit is {soft}", f"ulimit -n {FEW_FILES}")
    else:
        yield Finding("open files", "ok", f"the limit is {soft}")


def gpu(_: Show) -> Iterator[Finding]:
    """GPUs that NVML sees. None is needed for the embedded profile."""
    import pynvml  # noqa: PLC0415  # only this check needs it

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield Finding("gpu", "info", "no NVIDIA GPU; the embedded profile needs none")
        return
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index))
            yield Finding("gpu", "ok", f"GPU {index}: {name}")
    finally:
        pynvml.nvmlShutdown()
