"""Lines on their way to the director, which may be away for a while, or die with them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ipc.protocol import ChatMessage

KEPT = 256  # a few minutes of a busy chat; what is older nobody wants answered


class Backlog:
    """Bounded; the newest lines are kept. ``send`` returns whether the line was taken.

    A line that was sent stays until the director says that it has its turn (``taken``). If
    the director is lost before, it is sent once more (``again``), but not a third time: it
    may be what the director dies of.
    """

    def __init__(self, send: Callable[[ChatMessage], bool]) -> None:
        self._send = send
        self._waiting: deque[ChatMessage] = deque()
        self._sent: dict[str, ChatMessage] = {}
        self._repeated: set[str] = set()
        self.lost = 0  # since the last successful flush

    def put(self, message: ChatMessage, *, serves: bool) -> None:
        """Send now if the director serves, otherwise keep."""
        if serves and self.flush() and self._deliver(message):
            return
        self._waiting.append(message)
        self._bound()

    def flush(self) -> bool:
        """Send what waits, oldest first. Whether nothing waits any more."""
        while self._waiting and self._deliver(self._waiting[0]):
            self._waiting.popleft()
        return not self._waiting

    def taken(self, message_id: str) -> None:
        """The director answers this line, or has passed it over."""
        self._sent.pop(message_id, None)
        self._repeated.discard(message_id)

    def again(self) -> None:
        """The director was lost: what it had not taken waits again, before what is newer."""
        untaken = [m for m in self._sent.values() if m.id not in self._repeated]
        self.lost += len(self._sent) - len(untaken)
        self._sent.clear()
        self._repeated = {message.id for message in untaken}
        self._waiting.extendleft(reversed(untaken))
        self._bound()

    def __len__(self) -> int:
        return len(self._waiting)

    def _deliver(self, message: ChatMessage) -> bool:
        if not self._send(message):
            return False
        self._sent[message.id] = message
        if len(self._sent) > KEPT:  # a director that tells nothing must not fill our memory
            self.taken(next(iter(self._sent)))
        return True

    def _bound(self) -> None:
        while len(self._waiting) > KEPT:
            self._repeated.discard(self._waiting.popleft().id)
            self.lost += 1
