"""``spark-tui bench``: this machine against the bounds the show is held to.

Each group of measures starts shows of its own and reads the same traces as the screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import structs
from rich.table import Table
from rich.text import Text

from tui.bench import embedded, scripted
from tui.bench.result import Result
from tui.output import print_table

__all__ = ["Result", "as_json", "measure_all", "report"]

Group = Callable[[int], Awaitable[list[Result]]]

GROUPS: tuple[tuple[str, Group], ...] = (
    ("the embedded show: latency, start, memory, rest (about 2 minutes)", embedded.measure),
    ("what the show adds to its engines (about 1 minute)", scripted.overhead),
    ("the early first clause (half a minute)", scripted.early_start),
    ("CPU, skipping and the screen while speaking (about 2 minutes)", scripted.speaking),
)


def measure_all(turns: int, progress: Callable[[str], None]) -> list[Result]:
    """Every group in turn. ``turns`` 0 takes each group's own number."""
    results: list[Result] = []
    for text, group in GROUPS:
        progress(f"measuring {text} ...")
        results += asyncio.run(_run(group, turns))
    return results


async def _run(group: Group, turns: int) -> list[Result]:
    return await group(turns)


def as_json(results: list[Result]) -> list[dict[str, Any]]:
    """The stable JSON of ``bench --json``: the fields of Result and ``ok``."""
    return [structs.asdict(result) | {"ok": result.ok} for result in results]


def report(results: list[Result]) -> None:
    """The table: measure, bound, measured, ok."""
    table = Table(box=None, pad_edge=False)
    for name in ("measure", "", "bound", "measured", "of", ""):
        table.add_column(name, justify="left" if name in ("measure", "") else "right")
    for result in results:
        sign = ">=" if result.at_least else "<"
        verdict = Text("ok", style="green") if result.ok else Text("MISSED", style="red")
        table.add_row(
            result.measure,
            result.statistic,
            f"{sign} {result.bound:g} {result.unit}",
            f"{result.value:.4g} {result.unit}",
            str(result.samples),
            verdict,
        )
    print_table(table)
