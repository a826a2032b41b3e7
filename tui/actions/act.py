"""What an action is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import ShowApp

Act = Callable[["ShowApp"], None]
