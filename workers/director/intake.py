"""How chat comes in, told about once a second while it does."""

from __future__ import annotations

import time

from ipc.protocol import ChatMessage, IntakeEvent
from ipc.trace import percentile
from workers.director.queue import ChatQueue

_EVERY_NS = 1_000_000_000
_SAMPLES = 4096  # more lines in a second than this: the newest count


class Intake:
    """Note lines when they are in the queue; ``event`` when it is time."""

    def __init__(self) -> None:
        self._to_queue_ms: list[float] = []
        self._noted = 0
        self._told_ns = 0

    def note(self, lines: list[ChatMessage], now_ns: int) -> None:
        """These have just been offered to the queue."""
        for line in lines:
            taken_ms = max(0.0, (now_ns - line.received_ns) / 1e6)
            if len(self._to_queue_ms) < _SAMPLES:
                self._to_queue_ms.append(taken_ms)
            else:
                self._to_queue_ms[self._noted % _SAMPLES] = taken_ms
            self._noted += 1

    def event(self, queue: ChatQueue, now_ns: int) -> IntakeEvent | None:
        """What to tell, if it is time and something came."""
        due = self.due_ns()
        if due is None or now_ns < due:
            return None
        samples, self._to_queue_ms, self._noted = self._to_queue_ms, [], 0
        self._told_ns = now_ns
        return IntakeEvent(
            per_minute=queue.per_minute(now_ns),
            waiting=len(queue),
            crowd=queue.crowd,
            passed_over=dict(queue.passed_over),
            merged=queue.merged,
            to_queue_p50_ms=round(percentile(samples, 50), 3),
            to_queue_p99_ms=round(percentile(samples, 99), 3),
            at=time.time(),
        )

    def due_ns(self) -> int | None:
        """When ``event`` will have something to tell."""
        return self._told_ns + _EVERY_NS if self._to_queue_ms else None
