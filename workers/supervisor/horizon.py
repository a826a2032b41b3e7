"""How far the turns have come, and the fence the supervisor raises on its own."""

from __future__ import annotations

from ipc.protocol import Cancel

MARGIN = 10  # turns a director may have opened whose announcement died with it


class Horizon:
    """The highest turn in use and the floor under which every turn is dead. Both only grow."""

    def __init__(self) -> None:
        self.high = 0
        self.floor = 0

    def opened(self, turn: int) -> None:
        """The director took this number."""
        self.high = max(self.high, turn)

    def relayed(self, cancel: Cancel) -> None:
        """The director cancelled; remember it for workers that start later."""
        if cancel.up_to:
            self.floor = max(self.floor, cancel.turn)
            self.high = max(self.high, cancel.turn)

    def cut(self, reason: str) -> Cancel:
        """Kill everything that may be under way, announced or not."""
        self.high = self.floor = max(self.high, self.floor) + MARGIN
        return Cancel(turn=self.floor, up_to=True, reason=reason)
