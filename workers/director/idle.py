"""When she talks by herself."""

from __future__ import annotations


class IdleTimer:
    """Quiet long enough? ``after_s`` 0 means never."""

    def __init__(self, after_s: float, now_ns: int) -> None:
        self._after_ns = int(after_s * 1e9)
        self._since_ns = now_ns

    def touch(self, now_ns: int) -> None:
        """Something happened: a line, a reply, a command."""
        self._since_ns = now_ns

    def due_ns(self) -> int | None:
        """When it is time, if nothing happens until then."""
        return self._since_ns + self._after_ns if self._after_ns else None
