"""Who waits for whom at the start, and who goes first at the stop. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

Edges = Mapping[str, tuple[str, ...]]


def start_levels(after: Edges) -> list[tuple[str, ...]]:
    """Groups that may start together, first to last. Raises graphlib.CycleError."""
    sorter: TopologicalSorter[str] = TopologicalSorter(after)
    sorter.prepare()
    levels = []
    while sorter.is_active():
        ready = sorter.get_ready()
        levels.append(tuple(sorted(ready)))
        sorter.done(*ready)
    return levels


def stop_levels(after: Edges) -> list[tuple[str, ...]]:
    """Groups that stop together: whoever uses others goes before them."""
    return start_levels(after)[::-1]


def unsettled(name: str, after: Edges, settled: Mapping[str, bool]) -> list[str]:
    """Which workers ``name`` still has to wait for."""
    return [other for other in after[name] if not settled[other]]
