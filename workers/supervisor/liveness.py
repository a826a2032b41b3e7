"""Whether a worker hangs. Pure; times are seconds of the monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Liveness:
    """Fed with beats; asked for a verdict. One for each incarnation.

    While loading only ``load_timeout_s`` counts: an import may hold the GIL for seconds.
    """

    spawned_at: float
    load_timeout_s: float
    beat_timeout_s: float
    stall_timeout_s: float
    _loaded: bool = False
    _beat_at: float = 0.0
    _moved_at: float = 0.0
    _progress: int = -1
    _busy: bool = False
    _busy_until: float = 0.0

    def loaded(self, now: float) -> None:
        """Ready arrived: from now on beats count."""
        self._loaded = True
        self._beat_at = self._moved_at = now

    def beat(self, now: float, progress: int, busy: bool, busy_until: float) -> None:
        """A heartbeat arrived."""
        self._beat_at = now
        if progress != self._progress or not busy or not self._busy:
            self._moved_at = now
        self._progress, self._busy, self._busy_until = progress, busy, busy_until

    def forgive(self, gap_s: float) -> None:
        """We ourselves were stopped for ``gap_s``: that is not the worker's silence."""
        self.spawned_at += gap_s
        self._beat_at += gap_s
        self._moved_at += gap_s

    def verdict(self, now: float) -> str:
        """Empty while it lives, otherwise what is wrong, in a sentence."""
        if not self._loaded:
            if now - self.spawned_at > self.load_timeout_s:
                return f"did not finish loading within {self.load_timeout_s:g} s"
            return ""
        if now - self._beat_at > self.beat_timeout_s:
            return f"hangs: no heartbeat for {self.beat_timeout_s:g} s"
        quiet_since = max(self._moved_at, self._busy_until)
        if self._busy and now - quiet_since > self.stall_timeout_s:
            return f"hangs: busy without progress for {self.stall_timeout_s:g} s"
        return ""
