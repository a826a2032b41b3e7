"""What is on its way to the director, which may be away for a while, be slow, or die. Pure.

A line that was sent stays here until the director says that it has its turn (``Taken``). If
the director is lost before, the line is sent once more, but not a third time: it may be what
the director dies of. While too many are under way nothing more is sent, so that a flood
fills this bounded place and not the sockets.

Removals go before lines, and what they remove is taken out here too. They are repeated to a
director that is started soon after: the one before may have died before it heard them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from ipc.protocol import ChatLines, ChatMessage, GateHit, Message, Removed
from ipc.states import ChatKind
from workers.chat.platform import CONSOLE
from workers.chat.removals import Removals

KEPT = 256  # a few minutes of a busy chat; what is older nobody wants answered
UNDER_WAY = 4096  # about 2 MB; more than a director keeps waiting by its own rules
STALE_S = 5.0  # a line that was not taken for so long waits there, and is no longer under way
REPEATED_S = 60.0  # longer than it takes to notice that a director hangs, and to end it
_FRAME_LINES = 512


class Backlog:
    """Bounded. ``send`` returns whether the message was taken."""

    def __init__(
        self, send: Callable[[Message], bool], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._now_s = now_s
        self._waiting: deque[ChatMessage] = deque()
        self._sent: dict[str, tuple[ChatMessage, float]] = {}
        self._repeated: set[str] = set()
        self._removals = Removals()
        self._told: deque[tuple[Removed, float]] = deque(maxlen=KEPT)
        self._hits = 0
        self._why = ""
        self.lost = 0  # lines that nobody will answer, since the owner set it to 0

    def __len__(self) -> int:
        """Lines that wait."""
        return len(self._waiting)

    # --- in ---

    def put(self, lines: Sequence[ChatMessage], *, serves: bool) -> None:
        """Send now if the director serves, otherwise keep."""
        if serves and self.flush() and self._room() >= len(lines):
            sent = self._deliver(lines)
            lines = lines[sent:]
        if lines:
            self._waiting.extend(lines)
            if serves:
                self.flush()
            self._bound()

    def remove(self, removed: Removed, *, serves: bool) -> None:
        """Nothing of it is sent any more; the director is told, now or when it serves."""
        self._removals.add(removed)
        if serves:
            self._flush_removals()
        self._forget(removed)

    def hit(self, hits: int, why: str) -> None:
        """The gate stopped lines; told by ``flush_hits``."""
        self._hits += hits
        self._why = why

    # --- out ---

    def flush(self) -> bool:
        """Send what waits: removals, then lines, oldest first. Whether no line waits."""
        if not self._flush_removals():
            return False
        while self._waiting and (room := self._room()):
            count = min(room, len(self._waiting), _FRAME_LINES)
            if not self._deliver([self._waiting[index] for index in range(count)]):
                break
            for _ in range(count):
                self._waiting.popleft()
        return not self._waiting

    def flush_hits(self) -> bool:
        """Tell the director what the gate stopped since the last time. Whether it was told."""
        if not self._hits or not self._send(GateHit(hits=self._hits, why=self._why)):
            return False
        self._hits = 0
        return True

    # --- the director ---

    def taken(self, message_ids: Iterable[str]) -> None:
        """The director answers these lines, or has passed them over."""
        for message_id in message_ids:
            self._sent.pop(message_id, None)
            if message_id in self._repeated:
                self._repeated.discard(message_id)
                # told late by a director that was lost since: it is not to be sent once more
                self._waiting = deque(m for m in self._waiting if m.id != message_id)

    def director_lost(self) -> None:
        """What it had not taken waits again, before what is newer."""
        untaken: list[ChatMessage] = []
        for line, _ in self._sent.values():
            if line.id in self._repeated:
                self._lose(line)
            else:
                untaken.append(line)
        self._sent.clear()
        self._repeated.update(line.id for line in untaken)
        self._waiting.extendleft(reversed(untaken))
        self._bound()
        since_s = self._now_s() - REPEATED_S
        for removed, at_s in self._told:
            if at_s >= since_s:
                self._removals.add(removed)
        self._told.clear()

    # --- inside ---

    def _flush_removals(self) -> bool:
        for removed in self._removals.listing():
            if not self._send(removed):
                return False
            self._removals.done(removed)
            self._told.append((removed, self._now_s()))
        return True

    def _deliver(self, lines: Sequence[ChatMessage]) -> int:
        """How many of them were sent."""
        for start in range(0, len(lines), _FRAME_LINES):
            frame = list(lines[start : start + _FRAME_LINES])
            if not self._send(ChatLines(lines=frame)):
                return start
            now_s = self._now_s()
            for line in frame:
                self._sent[line.id] = (line, now_s)
        return len(lines)

    def _room(self) -> int:
        """How many lines may be sent now."""
        stale_s = self._now_s() - STALE_S
        while len(self._sent) >= UNDER_WAY:
            oldest, (_, sent_s) = next(iter(self._sent.items()))
            if sent_s > stale_s:
                return 0
            self.taken([oldest])  # it will not be repeated: memory is bounded, whoever is silent
        return UNDER_WAY - len(self._sent)

    def _forget(self, removed: Removed) -> None:
        if removed.message_ids:
            self.taken(removed.message_ids)
        if self._sent and (removed.author_id or removed.everything):
            gone = [line.id for line, _ in self._sent.values() if _concerns(removed, line)]
            self.taken(gone)
        if any(_concerns(removed, line) for line in self._waiting):
            kept: deque[ChatMessage] = deque()
            for line in self._waiting:
                if _concerns(removed, line):
                    self._repeated.discard(line.id)
                else:
                    kept.append(line)
            self._waiting = kept

    def _bound(self) -> None:
        """The newest lines stay; what was paid for, and the operator's own, stay longest."""
        while len(self._waiting) > KEPT and not _dear(self._waiting[0]):
            self._lose(self._waiting.popleft())
        if len(self._waiting) <= KEPT:
            return
        excess = len(self._waiting) - KEPT
        too_dear = sum(map(_dear, self._waiting)) - KEPT  # even of these there may be too many
        kept: list[ChatMessage] = []
        for line in self._waiting:
            dear = _dear(line)
            if excess and (too_dear > 0 or not dear):
                excess -= 1
                too_dear -= dear
                self._lose(line)
            else:
                kept.append(line)
        self._waiting = deque(kept)

    def _lose(self, line: ChatMessage) -> None:
        self._repeated.discard(line.id)
        self.lost += 1


def _concerns(removed: Removed, line: ChatMessage) -> bool:
    if removed.author_id:
        return line.author_id == removed.author_id
    if removed.everything:
        return line.platform == removed.platform
    return line.id in removed.message_ids


def _dear(line: ChatMessage) -> bool:
    return line.paid > 0 or line.platform == CONSOLE or line.kind is not ChatKind.LINE
