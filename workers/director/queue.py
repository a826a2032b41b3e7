"""Chat lines that wait. What is passed over is passed over here, before it costs anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ipc.protocol import ChatMessage

_CONSOLE = "console"
_SHARE = 4  # one author may fill this part of the queue


@dataclass(frozen=True, slots=True)
class Pick:
    """What a reply answers: one line, the same line of several people, or chat as a crowd.

    ``lines`` is never empty and its first is the one shown; ``author`` and ``text`` are what
    the prompt says ("12 viewers", what they ask).
    """

    lines: tuple[ChatMessage, ...]
    author: str
    text: str
    crowd: bool = False

    @classmethod
    def of(cls, line: ChatMessage) -> Pick:
        return cls((line,), line.author, line.text)

    @property
    def first(self) -> ChatMessage:
        return self.lines[0]

    @property
    def ids(self) -> list[str]:
        return [line.id for line in self.lines]


class ChatQueue:
    """Oldest first among fresh lines; no author takes more than a quarter.

    Lines of the console go before all others: whoever typed them sits there and waits.

    Methods that may pass lines over return them with the reason, a sentence.
    """

    def __init__(self, size: int, max_age_s: float) -> None:
        self._size = size
        self._max_age_ns = int(max_age_s * 1e9)
        self._per_author = max(1, size // _SHARE)
        self._lines: list[ChatMessage] = []

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, message_id: str) -> bool:
        return any(line.id == message_id for line in self._lines)

    def offer(self, line: ChatMessage) -> list[tuple[ChatMessage, str]]:
        """A new line. Returns what had to give way (``line`` itself, if it is worth least)."""
        if line.id in self:
            return []
        shed: list[tuple[ChatMessage, str]] = []
        authors = Counter(other.author_id for other in self._lines)
        if authors[line.author_id] >= self._per_author:
            shed.append((self._drop_oldest(line.author_id), "a newer line of the same viewer"))
        elif len(self._lines) >= self._size:
            loudest, count = authors.most_common(1)[0]
            author = loudest if count > 1 else self._lines[0].author_id
            shed.append((self._drop_oldest(author), "the queue is full"))
        self._lines.append(line)
        return shed

    def put_back(self, pick: Pick) -> None:
        """Its reply was prepared in vain: it is next again."""
        self._lines[:0] = pick.lines

    def take(self, now_ns: int) -> Pick | None:  # noqa: ARG002
        """What to answer next. Call ``expire`` first."""
        if not self._lines:
            return None
        typed = (i for i, line in enumerate(self._lines) if line.platform == _CONSOLE)
        return Pick.of(self._lines.pop(next(typed, 0)))

    def expire(self, now_ns: int) -> list[tuple[ChatMessage, str]]:
        """Lines nobody would connect with their answer any more."""
        oldest = now_ns - self._max_age_ns
        old = [line for line in self._lines if line.received_ns < oldest]
        if old:
            self._lines = [line for line in self._lines if line.received_ns >= oldest]
        return [(line, "it waited too long") for line in old]

    def next_expiry_ns(self) -> int | None:
        """When ``expire`` will have something to do."""
        if not self._lines:
            return None
        return min(line.received_ns for line in self._lines) + self._max_age_ns + 1

    def remove(self, gone: Callable[[ChatMessage], bool]) -> list[ChatMessage]:
        """Take out every line for which ``gone`` is true."""
        removed = [line for line in self._lines if gone(line)]
        if removed:
            self._lines = [line for line in self._lines if not gone(line)]
        return removed

    def clear(self) -> list[ChatMessage]:
        """Everything that waited."""
        lines, self._lines = self._lines, []
        return lines

    def _drop_oldest(self, author_id: str) -> ChatMessage:
        index = next(i for i, line in enumerate(self._lines) if line.author_id == author_id)
        return self._lines.pop(index)
