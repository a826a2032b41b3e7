"""Glyphs, colours, bars and sparklines. Colours are the terminal's own sixteen.

A state is always glyph + word + colour, so that none of them is needed alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ipc.states import ChatKind, Role, ShowMode, ShowState, TurnOutcome, WorkerState
from tui.panels.pane import plain

SHOW_MARKS: dict[ShowState, tuple[str, str, str]] = {
    ShowState.ON_AIR: ("●", "ON AIR", "bold green"),
    ShowState.HELD: ("◼", "HELD", "bold yellow"),
    ShowState.MUTED: ("◌", "MUTED", "bold yellow"),
    ShowState.DEGRADED: ("▲", "DEGRADED", "bold yellow"),
    ShowState.STARTING: ("◐", "STARTING", "bold cyan"),
    ShowState.STOPPING: ("◼", "STOPPING", "bold red"),
}
LOST_MARK = ("✖", "SHOW ENDED", "bold red")

WORKER_MARKS: dict[WorkerState, tuple[str, str]] = {
    WorkerState.DISABLED: ("○", "dim"),
    WorkerState.WAITING: ("◌", "cyan"),
    WorkerState.STARTING: ("◐", "cyan"),
    WorkerState.READY: ("●", "green"),
    WorkerState.DEGRADED: ("▲", "yellow"),
    WorkerState.DRAINING: ("◍", "yellow"),
    WorkerState.STOPPING: ("◼", "yellow"),
    WorkerState.BACKOFF: ("↻", "red"),
    WorkerState.FAILED: ("✖", "bold red"),
}

OUTCOME_MARKS: dict[TurnOutcome | None, tuple[str, str, str]] = {
    None: ("·", "waiting", "dim"),
    TurnOutcome.PLAYED: ("✓", "answered", "green"),
    TurnOutcome.SKIPPED: ("»", "skipped", "yellow"),
    TurnOutcome.BLOCKED: ("⊘", "blocked", "red"),
    TurnOutcome.FAILED: ("✖", "failed", "red"),
    TurnOutcome.SHED: ("–", "passed over", "dim"),
    TurnOutcome.HELD: ("?", "waits for a person", "bold yellow"),
    TurnOutcome.REMOVED: ("×", "removed", "red"),
}

MODE_MARKS: dict[ShowMode, tuple[str, str, str]] = {
    ShowMode.OPEN: ("○", "OPEN", ""),
    ShowMode.APPROVAL: ("?", "APPROVAL", "bold yellow"),
    ShowMode.SAFE: ("◇", "SAFE", "bold magenta"),
}

KIND_MARKS: dict[ChatKind, tuple[str, str]] = {
    ChatKind.SUB: ("SUB", "magenta"),
    ChatKind.GIFT: ("GIFT", "magenta"),
    ChatKind.RAID: ("RAID", "red"),
    ChatKind.ANNOUNCEMENT: ("NEWS", "cyan"),
    ChatKind.OTHER: ("EVENT", "blue"),
}
"""What is no line begins with its word, reversed."""

ROLE_MARKS: dict[str, tuple[str, str]] = {
    Role.BROADCASTER: ("B", "bold red"),
    Role.MODERATOR: ("M", "bold green"),
    "first": ("1", "bold yellow"),  # writes for the first time
    Role.TRUSTED: ("T", "cyan"),
    Role.VIP: ("V", "magenta"),
    Role.SUBSCRIBER: ("S", "blue"),
}
"""The first of these that a viewer is stands before the name."""

_PLATFORM_STYLES = {"twitch": "magenta", "youtube": "red", "console": "cyan", "replay": "blue"}

LEVEL_MARKS = {"info": ("·", ""), "warning": ("▲", "yellow"), "error": ("✖", "red")}

_BLOCKS = "▁▂▃▄▅▆▇█"
_PERSONA_STYLES = ("cyan", "magenta", "green", "yellow", "blue")
_AUTHOR_STYLES = ("cyan", "magenta", "green", "blue", "yellow", "bright_blue", "bright_magenta")


def persona_style(name: str, personas: Sequence[str]) -> str:
    """Colour of a personality: by her place in the configuration, so it never moves."""
    folded = [persona.casefold() for persona in personas]
    at = folded.index(name.casefold()) if name.casefold() in folded else len(folded)
    return _PERSONA_STYLES[at % len(_PERSONA_STYLES)]


def author_style(name: str) -> str:
    """The same colour for the same viewer, in every process."""
    return _AUTHOR_STYLES[sum(name.encode("utf-8", "replace")) % len(_AUTHOR_STYLES)]


def role_mark(roles: Sequence[str], *, first: bool) -> tuple[str, str]:
    """What a viewer is, as one letter and its style."""
    for role, mark in ROLE_MARKS.items():
        if role in roles or (first and role == "first"):
            return mark
    return " ", ""


def platform_mark(name: str) -> tuple[str, str]:
    """A platform as one small letter and its style."""
    letter = name[:1].lower()
    return (letter if letter.isascii() and letter.isprintable() else "?") or "?", (
        _PLATFORM_STYLES.get(name, "")
    )


def usage_style(fraction: float) -> str:
    """Green with room, yellow near the limit, red beyond it."""
    return "red" if fraction > 1.0 else "yellow" if fraction > 0.85 else "green"


def bar(fraction: float, width: int, style: str = "") -> Text:
    """A bar of exactly ``width`` cells; full at 1.0, red past it."""
    filled = round(max(0.0, min(1.0, fraction)) * width)
    line = plain("━" * filled, style or usage_style(fraction))
    line.append("─" * (width - filled), "dim")
    return line


def sparkline(values: Sequence[float], width: int, target: float | None) -> Text:
    """The newest ``width`` values, right-aligned. The middle is the target; above it is red."""
    shown = list(values)[-width:]
    top = 2 * target if target else max(shown, default=0.0)
    line = plain(" " * (width - len(shown)))
    for value in shown:
        level = min(7, int(8 * value / top)) if top > 0 else 0
        line.append(_BLOCKS[max(0, level)], "red" if target and value > target else "green")
    return line


def gigabytes(mb: float) -> str:
    """Megabytes as people read them, in at most five characters."""
    if mb < 1000:
        return f"{mb:.0f}M"
    return f"{mb / 1024:.1f}G" if mb < 100 * 1024 else f"{mb / 1024:.0f}G"


def duration(seconds: float) -> str:
    """``1:02:03``, or ``02:03`` under an hour."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def latency(ms: float) -> str:
    """Milliseconds as a number; from ten seconds on it says that it is seconds."""
    return f"{ms:.0f}" if ms < 10_000 else f"{ms / 1000:.0f}s"
