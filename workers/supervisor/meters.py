"""Reads memory and CPU of everybody now and then, tells the screens, sheds in an emergency."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping

from ipc.config import SupervisorSection
from ipc.protocol import Meter, MeterEvent
from ipc.states import WorkerState
from workers.supervisor import memory
from workers.supervisor.unit import Unit

_SHED_HOLD_S = 60.0  # a shed worker stays away at least this long
_MAY_BE_SHED = (WorkerState.STARTING, WorkerState.READY, WorkerState.DEGRADED)


class Meters:
    """``run`` until cancelled; ``on_shed`` hears which worker had to go."""

    def __init__(
        self,
        settings: SupervisorSection,
        units: Mapping[str, Unit],
        publish: Callable[[MeterEvent], None],
        on_shed: Callable[[Unit], None],
    ) -> None:
        self._settings = settings
        self._units = units
        self._publish = publish
        self._on_shed = on_shed
        self._own = memory.Usage(0.0, 0.0)
        self._nvml = memory.Nvml()
        self._gauge = memory.Gauge(gpu=self._nvml)
        self._now = asyncio.Event()
        self.host = memory.read_host()

    @property
    def used_mb(self) -> float:
        """The whole show, the supervisor included."""
        return self._own.memory_mb + sum(unit.memory_mb for unit in self._units.values())

    def soon(self) -> None:
        """Read again without waiting for the next time."""
        self._now.set()

    async def run(self) -> None:
        """Read, publish, shed; every ``meter_s``."""
        while True:
            await self._read()
            self._publish(self._event())
            self._shed()
            self._now.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.meter_s):
                    await self._now.wait()

    def close(self) -> None:
        self._nvml.close()

    async def _read(self) -> None:
        pids = {unit.name: unit.pid for unit in self._units.values() if unit.pid}
        # in a thread: the kernel takes milliseconds to add up a large process
        usages = await asyncio.to_thread(self._gauge.read, {**pids, "": os.getpid()})
        self.host = memory.read_host()
        self._own = usages[""]
        for name, pid in pids.items():
            unit = self._units[name]
            if unit.pid == pid:
                unit.memory_mb = usages[name].memory_mb
                unit.cpu_percent = usages[name].cpu_percent

    def _event(self) -> MeterEvent:
        return MeterEvent(
            workers={
                unit.name: Meter(
                    memory_mb=round(unit.memory_mb, 1),
                    budget_mb=round(unit.section.memory_gb * 1024, 1),
                    cpu_percent=round(unit.cpu_percent, 1),
                )
                for unit in self._units.values()
                if unit.pid
            },
            used_mb=round(self.used_mb, 1),
            budget_mb=round(self._settings.memory_budget_gb * 1024, 1),
            host_used_mb=round(self.host.used_mb, 1),
            host_total_mb=round(self.host.total_mb, 1),
            at=time.time(),
        )

    def _shed(self) -> None:
        running = {
            unit.name: unit.section.shed_order
            for unit in self._units.values()
            if unit.state in _MAY_BE_SHED
        }
        below_gb = self._settings.shed_below_gb
        name = memory.shed(self.host.available_mb / 1024, below_gb, running)
        if name:
            unit = self._units[name]
            unit.not_before = time.monotonic() + _SHED_HOLD_S
            unit.stop("stopped to free memory")
            self._on_shed(unit)
