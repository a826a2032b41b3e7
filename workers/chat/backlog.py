"""Lines on their way to the director, which may be away for a while."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ipc.protocol import ChatMessage

KEPT = 256  # a few minutes of a busy chat; what is older nobody wants answered


class Backlog:
    """Bounded; the newest lines are kept. ``send`` returns whether the line was taken."""

    def __init__(self, send: Callable[[ChatMessage], bool]) -> None:
        self._send = send
        self._waiting: deque[ChatMessage] = deque()
        self.lost = 0  # since the last successful flush

    def put(self, message: ChatMessage, *, serves: bool) -> None:
        """Send now if the director serves, otherwise keep."""
        if serves and self.flush() and self._send(message):
            return
        if len(self._waiting) >= KEPT:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(message)

    def flush(self) -> bool:
        """Send what waits, oldest first. Whether nothing waits any more."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
        return not self._waiting

    def __len__(self) -> int:
        return len(self._waiting)
