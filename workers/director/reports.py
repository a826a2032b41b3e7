"""What the director tells: events, paced for people, and what became of each line."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from ipc.protocol import (
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
_OUTCOMES_KEPT = 2048
_SHED_A_SECOND = 100

Outcome = dict[str, Any]


class Reports:
    """Publishes through ``publish``. Tells ``on_outcome(message_id, outcome)`` too, and asks
    ``awaited(message_id)`` whether somebody waits for one."""

    def __init__(
        self,
        publish: Callable[[Message], None],
        speakers: dict[str, str],
        now_ns: Callable[[], int],
    ) -> None:
        self._publish = publish
        self._speakers = speakers
        self._now_ns = now_ns
        self._shed_second = 0
        self._shed_told = 0
        self._show: ShowEvent | None = None
        self._show_ns = 0
        self.outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self.on_outcome: Callable[[str, Outcome], None] = lambda _message_id, _outcome: None
        self.awaited: Callable[[str], bool] = lambda _message_id: False

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
                why=clause.why,
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
            self._tell(line.id, told)

    def settle(self, message_id: str, outcome: TurnOutcome, reason: str) -> None:
        """What became of a line without a turn. Of those that were passed over only so many a
        second are told as they happen; the intake counts them all."""
        told = _untold(outcome, reason)
        if outcome is not TurnOutcome.SHED or self.awaited(message_id) or self._shed_pace():
            self._tell(message_id, told)
        else:
            self._note(message_id, told)

    def _tell(self, message_id: str, outcome: Outcome) -> None:
        self._publish(
            ChatOutcomeEvent(
                message_id=message_id,
                outcome=TurnOutcome(outcome["outcome"]),
                reason=outcome["reason"],
                turn=outcome["turn"],
            )
        )
        self._note(message_id, outcome)

    def _note(self, message_id: str, outcome: Outcome) -> None:
        self.outcomes[message_id] = outcome
        self.outcomes.move_to_end(message_id)
        if len(self.outcomes) > _OUTCOMES_KEPT:
            self.outcomes.popitem(last=False)
        self.on_outcome(message_id, outcome)

    def _shed_pace(self) -> bool:
        """Whether one more may be told in this second."""
        second = self._now_ns() // 1_000_000_000
        if second != self._shed_second:
            self._shed_second, self._shed_told = second, 0
        self._shed_told += 1
        return self._shed_told <= _SHED_A_SECOND


@lru_cache(maxsize=64)
def _untold(outcome: TurnOutcome, reason: str) -> Outcome:
    """Shared by all lines of the same fate: thousands a second cost one dict."""
    return {
        "turn": 0,
        "outcome": str(outcome),
        "reply": "",
        "spans_ms": {},
        "audio_s": 0.0,
        "reason": reason,
        "persona": "",
    }


def _flags(event: ShowEvent) -> ShowEvent:
    return msgspec.structs.replace(event, queued=0)
