"""What ``status`` says of the workers and of the show. Pure: values in, plain values out."""

from __future__ import annotations

from typing import Any

from ipc.protocol import ShowEvent
from workers.supervisor.memory import Host
from workers.supervisor.unit import Unit


def worker_row(unit: Unit) -> dict[str, Any]:
    """One entry of ``workers``: memory in megabytes, CPU in percent of one core."""
    return {
        "state": str(unit.state),
        "reason": unit.reason,
        "pid": unit.pid,
        "incarnation": unit.incarnation,
        "restarts": unit.restarts,
        "memory_mb": round(unit.memory_mb, 1),
        "budget_mb": round(unit.section.memory_gb * 1024, 1),
        "cpu_percent": round(unit.cpu_percent, 1),
        "progress": unit.progress,
        "fraction": unit.fraction,
        "details": unit.details,
        "retry_in_s": round(unit.retry_in_s, 3),
    }


def said_of_show(show: ShowEvent | None, persona: str, personas: list[str]) -> dict[str, Any]:
    """What the director last said; until it has, what the configuration says."""
    if show is None:
        show = ShowEvent(held=False, muted=False, persona=persona, personas=personas)
    return {
        "held": show.held,
        "muted": show.muted,
        "persona": show.persona,
        "personas": show.personas,
        "queued": show.queued,
        "mode": str(show.mode),
        "topic": show.topic,
    }


def memory_row(used_mb: float, budget_gb: float, host: Host) -> dict[str, float]:
    """The entry ``memory``, megabytes."""
    return {
        "used_mb": round(used_mb, 1),
        "budget_mb": round(budget_gb * 1024, 1),
        "host_used_mb": round(host.used_mb, 1),
        "host_total_mb": round(host.total_mb, 1),
    }
