"""Who may start, who must go, and how much everybody uses.

On unified memory the truth about the host is MemTotal - MemAvailable. The truth about a
worker is the PSS of its whole process tree (shared pages counted once) plus what NVML
reports for its pids. PSS is dear (the kernel walks the page tables), so it is read rarely, or
when RSS has changed by a fifth, and moved by the change of RSS in between.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_MB = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PSS_EVERY_S = 30.0


@dataclass(frozen=True)
class Host:
    """Memory of the machine, megabytes."""

    total_mb: float
    available_mb: float

    @property
    def used_mb(self) -> float:
        return self.total_mb - self.available_mb


def admit(want_gb: float, available_gb: float, promised_gb: float, min_free_gb: float) -> str:
    """Empty if a worker may start, otherwise what it waits for.

    ``promised_gb`` is for workers that are loading and have not taken theirs yet.
    """
    need_gb = want_gb + promised_gb + min_free_gb
    if available_gb >= need_gb:
        return ""
    return f"waits for memory: {need_gb:.1f} GB must be available, {available_gb:.1f} GB are"


def shed(available_gb: float, below_gb: float, running: Mapping[str, int]) -> str:
    """Which worker to stop now, or empty. ``running``: name -> shed_order (0: never)."""
    if available_gb >= below_gb:
        return ""
    candidates = [(order, name) for name, order in running.items() if order > 0]
    return min(candidates)[1] if candidates else ""


def read_host(path: Path = Path("/proc/meminfo")) -> Host:
    """MemTotal and MemAvailable."""
    kb = {}
    for line in path.read_text().splitlines():
        key, _, rest = line.partition(":")
        if key in ("MemTotal", "MemAvailable"):
            kb[key] = int(rest.split()[0])
    return Host(kb["MemTotal"] / 1024, kb["MemAvailable"] / 1024)


@dataclass(frozen=True)
class Usage:
    """What a process tree uses. ``cpu_percent`` of one core, since the last reading."""

    memory_mb: float
    cpu_percent: float


@dataclass(frozen=True)
class _Stat:
    pid: int
    parent: int
    session: int
    cpu_s: float
    rss: int


class Gauge:
    """Reads process trees. One reader, called from one thread at a time; takes milliseconds."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        clock: Callable[[], float] = time.monotonic,
        gpu: Callable[[], dict[int, int]] | None = None,
    ) -> None:
        self._proc = proc
        self._clock = clock
        self._gpu = gpu or dict
        self._pss: dict[int, tuple[float, int, int]] = {}  # pid -> read at, pss, rss then
        self._cpu: dict[int, float] = {}  # pid -> seconds at the last reading
        self._at = clock()

    def read(self, roots: Mapping[str, int]) -> dict[str, Usage]:
        """Name -> usage, for trees given by the pid of their session leader.

        A process counts once: for the first tree that has it.
        """
        now = self._clock()
        passed_s = max(1e-3, now - self._at)
        stats = {stat.pid: stat for stat in self._all()}
        gpu = self._gpu()
        usages = {}
        seen: dict[int, float] = {}
        for name, root in roots.items():
            tree = [stat for stat in _tree(root, stats.values()) if stat.pid not in seen]
            cpu_s = 0.0
            memory = 0
            for stat in tree:
                cpu_s += max(0.0, stat.cpu_s - self._cpu.get(stat.pid, stat.cpu_s))
                seen[stat.pid] = stat.cpu_s
                memory += self._pss_of(stat, now) + gpu.get(stat.pid, 0)
            usages[name] = Usage(memory / _MB, 100 * cpu_s / passed_s)
        self._cpu = seen
        self._pss = {pid: kept for pid, kept in self._pss.items() if pid in seen}
        self._at = now
        return usages

    def _pss_of(self, stat: _Stat, now: float) -> int:
        kept = self._pss.get(stat.pid)
        moved = kept is not None and abs(stat.rss - kept[2]) > kept[2] / 5
        if kept is None or moved or now - kept[0] >= PSS_EVERY_S:
            pss = self._read_pss(stat)
            self._pss[stat.pid] = kept = (now, pss, stat.rss)
        return max(0, kept[1] + stat.rss - kept[2])

    def _read_pss(self, stat: _Stat) -> int:
        try:
            for line in (self._proc / str(stat.pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
        except (OSError, ValueError):
            return stat.rss  # gone meanwhile, or not ours to look into
        return stat.rss

    def _all(self) -> Iterable[_Stat]:
        for entry in os.listdir(self._proc):
            if entry.isdigit():
                try:
                    text = (self._proc / entry / "stat").read_text(errors="replace")
                except OSError:
                    continue
                fields = text.rpartition(")")[2].split()
                yield _Stat(
                    pid=int(entry),
                    parent=int(fields[1]),
                    session=int(fields[3]),
                    cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
                    rss=int(fields[21]) * _PAGE,
                )


def _tree(root: int, stats: Iterable[_Stat]) -> list[_Stat]:
    """The session a worker leads and every descendant, also in sessions of their own."""
    everyone = list(stats)
    inside = {stat.pid for stat in everyone if root in (stat.pid, stat.session)}
    grown = True
    while grown:
        more = {stat.pid for stat in everyone if stat.parent in inside} - inside
        inside |= more
        grown = bool(more)
    return [stat for stat in everyone if stat.pid in inside]


class Nvml:
    """GPU memory by pid, bytes. Empty where there is no NVIDIA driver.

    Totals are "not supported" on the GB10, by process works.
    """

    def __init__(self) -> None:
        self._nvml = _load_nvml()

    def __call__(self) -> dict[int, int]:
        if self._nvml is None:
            return {}
        used: dict[int, int] = {}
        try:
            for index in range(self._nvml.nvmlDeviceGetCount()):
                handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
                for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(handle):
                    used[process.pid] = used.get(process.pid, 0) + (process.usedGpuMemory or 0)
        except self._nvml.NVMLError:
            return used
        return used

    def close(self) -> None:
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
            self._nvml = None


def _load_nvml() -> ModuleType | None:
    if not Path("/proc/driver/nvidia/version").exists():
        return None  # do not even import the binding
    try:
        import pynvml  # noqa: PLC0415 - only where there is a driver to ask
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    module: ModuleType = pynvml
    return module
