"""What the director tells: events, paced for people, and what became of each line."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ipc.protocol import (
    ChatMessage,
    ChatOutcomeEvent,
    ClauseEvent,
    Message,
    ShowEvent,
    TokenEvent,
    TraceEvent,
    TurnEvent,
)
from ipc.states import TurnOutcome
from workers.director.turn import Clause, Turn

_TOKENS_EVERY_NS = 125_000_000  # at most 8 a second: as often as a screen is redrawn
_QUEUED_EVERY_NS = 250_000_000  # at most 4 a second
_OUTCOMES_KEPT = 256

Outcome = dict[str, Any]


class Reports:
    """Publishes through ``publish``. Tells ``on_outcome(message_id, outcome)`` too."""

    def __init__(self, publish: Callable[[Message], None], speakers: dict[str, str]) -> None:
        self._publish = publish
        self._speakers = speakers
        self._show: ShowEvent | None = None
        self._show_ns = 0
        self.outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self.on_outcome: Callable[[str, Outcome], None] = lambda _message_id, _outcome: None

    def show(self, event: ShowEvent, now_ns: int) -> int | None:
        """Publish if something changed; when to call again if the queue's length must wait."""
        if event == self._show:
            return None
        before = self._show
        if before is not None and _flags(before) == _flags(event):
            due = self._show_ns + _QUEUED_EVERY_NS
            if now_ns < due:
                return due
        self._show, self._show_ns = event, now_ns
        self._publish(event)
        return None

    def opened(self, turn: Turn) -> None:
        pick = turn.candidate.pick
        self._publish(
            TurnEvent(
                turn=turn.number,
                source=turn.candidate.source,
                persona=turn.persona,
                author=pick.author if pick else "",
                text=turn.candidate.text,
                message_ids=pick.ids if pick else [],
                at=time.time(),
            )
        )

    def tokens(self, turn: Turn, now_ns: int, *, done: bool = False) -> int | None:
        """Publish what is new; when to call again if it is too early."""
        if not turn.fresh_text and not done:
            return None
        due = turn.published_ns + _TOKENS_EVERY_NS
        if now_ns < due and not done:
            return due
        self._publish(TokenEvent(turn=turn.number, text=turn.fresh_text, done=done))
        turn.fresh_text, turn.published_ns = "", now_ns
        return None

    def clause(self, turn: Turn, number: int, clause: Clause) -> None:
        self._publish(
            ClauseEvent(
                turn=turn.number,
                clause=number,
                speaker=self._speakers[turn.persona],
                text=clause.caption,
                heard=clause.heard,
                verdict=clause.verdict,
                at=time.time(),
            )
        )

    def closed(
        self, turn: Turn, outcome: TurnOutcome, reason: str, reply: str, *, final: bool
    ) -> None:
        """The turn's trace; with ``final`` also what became of its line."""
        spans = turn.stamps.spans_ms()
        lines = turn.candidate.pick.lines if turn.candidate.pick else ()
        self._publish(
            TraceEvent(
                turn=turn.number,
                outcome=outcome,
                source=turn.candidate.source,
                spans_ms=spans,
                reply=reply,
                generated=turn.generated,
                message_ids=[line.id for line in lines],
                persona=turn.persona,
                tokens=turn.tokens,
                audio_s=turn.audio_s,
                reason=reason,
                stopped_ns=turn.stamps.stopped,
                at=time.time(),
            )
        )
        if not final:
            return
        told = {
            "turn": turn.number,
            "outcome": str(outcome),
            "reply": reply,
            "spans_ms": spans,
            "audio_s": turn.audio_s,
            "reason": reason,
            "persona": turn.persona,
        }
        for line in lines:
            self._settle(line, told)

    def shed(self, line: ChatMessage, reason: str) -> None:
        """A line that no turn will answer."""
        self._settle(
            line,
            {
                "turn": 0,
                "outcome": str(TurnOutcome.SHED),
                "reply": "",
                "spans_ms": {},
                "audio_s": 0.0,
                "reason": reason,
                "persona": "",
            },
        )

    def _settle(self, line: ChatMessage, outcome: Outcome) -> None:
        self._publish(
            ChatOutcomeEvent(
                message_id=line.id,
                outcome=TurnOutcome(outcome["outcome"]),
                reason=outcome["reason"],
                turn=outcome["turn"],
            )
        )
        self.outcomes[line.id] = outcome
        if len(self.outcomes) > _OUTCOMES_KEPT:
            self.outcomes.popitem(last=False)
        self.on_outcome(line.id, outcome)


def _flags(event: ShowEvent) -> tuple[object, ...]:
    return (event.held, event.muted, event.persona, event.reason)
