"""When the show becomes careful by itself. Pure."""

from __future__ import annotations

from collections import deque

from ipc.config import GateTighten

_MOST = 1_000_000  # hits told at once


class Caution:
    """Counts what the gate stopped, within a sliding window."""

    def __init__(self, settings: GateTighten) -> None:
        self._limit = settings.hits
        self._window_s = settings.window_s
        self._seen: deque[tuple[int, int]] = deque()
        self._hits = 0

    def hit(self, hits: int, why: str, now_ns: int) -> str:
        """Note hits. Why the show should be careful now, a sentence; or ""."""
        if not self._limit or hits < 1:
            return ""
        hits = min(hits, _MOST)
        self._seen.append((now_ns, hits))
        self._hits += hits
        oldest = now_ns - int(self._window_s * 1e9)
        # no more entries are kept than hits are needed
        while self._seen[0][0] < oldest or len(self._seen) > self._limit:
            self._hits -= self._seen.popleft()[1]
        if self._hits < self._limit:
            return ""
        return f"the gate hit {self._hits} times within {self._window_s:g} s, last: {why}"

    def clear(self) -> None:
        """The operator says it is fine: counted from nothing."""
        self._seen.clear()
        self._hits = 0
