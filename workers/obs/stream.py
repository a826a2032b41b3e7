"""What OBS says of the stream, in a few words. Pure."""

from __future__ import annotations

from msgspec import Struct


class StreamStatus(Struct, rename="camel"):
    """The answer to GetStreamStatus."""

    output_active: bool
    output_reconnecting: bool = False
    output_duration: float = 0.0  # milliseconds
    output_congestion: float = 0.0  # 0..1: how much of what is sent has to wait
    output_skipped_frames: int = 0
    output_total_frames: int = 0


def describe(status: StreamStatus) -> str:
    """``live 01:23:45, congestion 3 %, 12 of 3600 frames skipped``."""
    if not status.output_active:
        return "not live"
    if status.output_reconnecting:
        return f"reconnecting after {_clock(status.output_duration)}"
    words = [
        f"live {_clock(status.output_duration)}",
        f"congestion {min(1.0, max(0.0, status.output_congestion)):.0%}".replace("%", " %"),
    ]
    if status.output_skipped_frames > 0:
        words.append(
            f"{status.output_skipped_frames} of {status.output_total_frames} frames skipped"
        )
    return ", ".join(words)


def _clock(milliseconds: float) -> str:
    seconds = int(max(0.0, milliseconds) / 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
