"""What the director needs from the world. The worker gives it a Link, tests a simulation."""

from __future__ import annotations

from typing import Protocol

from ipc.fence import Fence
from ipc.protocol import Message
from ipc.states import WorkerState


class Port(Protocol):
    """Sending, the fence, and who is there. Same meanings as ``workers.runtime.Link``."""

    @property
    def fence(self) -> Fence: ...

    def send(self, worker: str, message: Message) -> bool: ...

    def publish(self, event: Message) -> None: ...

    def notice(self, level: str, text: str, hint: str = "") -> None: ...

    def problem(self, text: str) -> None:
        """Serves, but misses something; empty when it no longer does."""

    def cancel(self, turn: int, *, up_to: bool = False, reason: str = "") -> None: ...

    def open_turn(self, turn: int) -> None: ...

    def state_of(self, worker: str) -> WorkerState: ...

    def now_ns(self) -> int:
        """CLOCK_MONOTONIC."""
