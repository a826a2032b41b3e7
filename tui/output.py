"""What the command line prints: plain text, safe to show, and JSON that stays the same."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ipc.errors import SparkError

_STATE_MARKS = {
    "ready": ("●", "green"),
    "degraded": ("◐", "yellow"),
    "failed": ("✖", "red"),
    "backoff": ("↻", "yellow"),
    "disabled": ("○", "dim"),
}


def safe(value: object) -> str:
    """Text without control characters: chat and model output may hold escape sequences."""
    return "".join(c if c.isprintable() else " " for c in str(value))


def typed(text: str) -> str:
    """A shell argument as clean Unicode; bytes that are no UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def say(text: str) -> None:
    """One line for a person."""
    print(text, flush=True)


def note(text: str) -> None:
    """One line beside the answer, on stderr."""
    print(text, file=sys.stderr, flush=True)


def complain(error: SparkError) -> None:
    """An error: what, where, and how to mend it."""
    note(f"error: {error}")


def print_json(value: Any) -> None:
    """Indented JSON. Bytes become base64."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain), flush=True)


def _plain(value: object) -> Any:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return msgspec.to_builtins(value)


def print_table(table: Table) -> None:
    """A table that keeps its columns when the output is a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(table)


def status_table(status: dict[str, Any]) -> Table:
    """The workers of a ``status`` answer, one row each."""
    table = Table(box=None, pad_edge=False)
    for name in ("worker", "state", "pid", "run", "restarts", "memory", "budget", "cpu", "note"):
        numeric = name in ("pid", "run", "restarts", "memory", "budget", "cpu")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric)
    for name, worker in status.get("workers", {}).items():
        state = str(worker.get("state", ""))
        mark, style = _STATE_MARKS.get(state, ("…", "cyan"))
        details = worker.get("details") or {}
        remark = worker.get("reason") or worker.get("progress") or ", ".join(details.values())
        table.add_row(
            name,
            Text(f"{mark} {state}", style=style),
            str(worker.get("pid") or ""),
            str(worker.get("incarnation", "")),
            str(worker.get("restarts", "")),
            f"{worker.get('memory_mb', 0):.0f} MB",
            f"{worker.get('budget_mb', 0):.0f} MB",
            f"{worker.get('cpu_percent', 0):.0f} %",
            Text(safe(remark)),
        )
    return table


def show_line(show: dict[str, Any]) -> str:
    """The state of the show in one line."""
    words = [str(show.get("state", "unknown")).upper().replace("_", " ")]
    words += [name for name in ("held", "muted") if show.get(name) and name.upper() not in words]
    minutes, seconds = divmod(int(show.get("uptime_s", 0)), 60)
    words.append(f"up {minutes // 60}:{minutes % 60:02}:{seconds:02}")
    words.append(f"pid {show.get('pid', '?')}")
    words.append(f"persona {safe(show.get('persona', '?'))}")
    if overlay := show.get("overlay"):
        words.append(f"page {safe(overlay)}")
    if degraded := show.get("degraded"):
        text = ", ".join(map(str, degraded)) if isinstance(degraded, list) else str(degraded)
        words.append(f"degraded: {safe(text)}")
    return " · ".join(words)


def spans_line(spans: dict[str, Any]) -> str:
    """Spans of one turn, or their percentiles, in one line."""
    parts = []
    for name, value in spans.items():
        if isinstance(value, dict):
            parts.append(f"{name} p50 {value.get('p50', 0):.0f} p95 {value.get('p95', 0):.0f}")
        else:
            parts.append(f"{name} {value:.0f}")
    return " · ".join(parts) + " ms" if parts else "no turns yet"


def result_lines(result: Any) -> list[str]:
    """The result of an operator command, readable."""
    if result is None or result == {}:
        return ["ok"]
    if isinstance(result, dict):
        return [f"{safe(key)}: {_short(value)}" for key, value in result.items()]
    if isinstance(result, list):
        return [_short(item) for item in result] or ["nothing"]
    return [safe(result)]


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, dict | list):
        return safe(json.dumps(value, ensure_ascii=False, default=_plain))
    return safe(value)
