"""What a check found."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "info", "warn", "fail"]


class Finding(Struct, frozen=True):
    """``text`` says what is; ``mend`` what to do about it (empty if nothing)."""

    check: str
    level: Level
    text: str
    mend: str = ""
