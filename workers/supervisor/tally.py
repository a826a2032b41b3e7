"""What became of the turns: counts and span percentiles for ``status``."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from ipc.protocol import TraceEvent
from ipc.states import TurnOutcome
from ipc.trace import percentile

_KEPT = 200  # played turns the percentiles are taken over


class Tally:
    """Fed with TraceEvents; bounded."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._played: deque[dict[str, float]] = deque(maxlen=_KEPT)

    def add(self, trace: TraceEvent) -> None:
        """One turn is over."""
        self._outcomes[str(trace.outcome)] += 1
        if trace.outcome is TurnOutcome.PLAYED:
            self._played.append(trace.spans_ms)

    def turns(self) -> dict[str, int]:
        """Outcome -> how many turns of this supervisor's life."""
        return {str(outcome): self._outcomes[str(outcome)] for outcome in TurnOutcome}

    def spans_ms(self) -> dict[str, dict[str, Any]]:
        """Span -> p50 and p95 in milliseconds and ``n``, over the last 200 played turns."""
        values: dict[str, list[float]] = {}
        for spans in self._played:
            for name, ms in spans.items():
                values.setdefault(name, []).append(ms)
        return {
            name: {
                "p50": round(percentile(found, 50), 3),
                "p95": round(percentile(found, 95), 3),
                "n": len(found),
            }
            for name, found in values.items()
        }
