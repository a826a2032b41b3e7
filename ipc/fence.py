"""Which turns are dead.

PUSH sockets cannot be flushed, so cancelling a turn does not chase its messages: every
receiver asks its own fence and drops what is behind it. The stage asks last, right
before sound.
"""

from __future__ import annotations

from ipc.protocol import Cancel

_DEAD_KEPT = 64  # turns are cancelled close to the newest one; older ones are below the floor


class Fence:
    """Every turn up to ``floor`` is dead, and some single ones above it."""

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        self._dead: set[int] = set()

    def allows(self, turn: int) -> bool:
        """Whether work on ``turn`` may go on. Turn 0 belongs to no turn and always may."""
        return turn == 0 or (turn > self.floor and turn not in self._dead)

    def apply(self, cancel: Cancel) -> None:
        """Kill the turns a Cancel names. Never brings one back to life."""
        if cancel.up_to:
            self.raise_to(cancel.turn)
        elif cancel.turn > self.floor:
            self._dead.add(cancel.turn)
            if len(self._dead) > _DEAD_KEPT:
                self.raise_to(min(self._dead))

    def raise_to(self, turn: int) -> None:
        """Kill every turn up to and including ``turn``."""
        if turn > self.floor:
            self.floor = turn
            self._dead = {t for t in self._dead if t > turn}
