"""The show as its events tell it: one reducer, bounded everywhere."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ipc.config import WORKERS
from ipc.protocol import (
    Approval,
    ApprovalsEvent,
    AuditEvent,
    ChatEvent,
    ChatOutcomeEvent,
    ChatRemovedEvent,
    ClauseEvent,
    IntakeEvent,
    MemoryEvent,
    Message,
    MeterEvent,
    NoticeEvent,
    ShowEvent,
    Snapshot,
    TokenEvent,
    TraceEvent,
    TurnEvent,
    WorkerEvent,
)
from ipc.states import ShowMode, ShowState, TurnOutcome, WorkerState
from ipc.trace import percentile
from tui.model.lines import ChatLine, Clause, LogEntry, Turn
from tui.model.text import clean

CHAT_LINES = 400
CLAUSES = 200
LOG_LINES = 300
SERIES = 120  # latencies kept of each span
TOKEN_CHARS = 4000
TURNS = 100
OUTCOMES_AHEAD = 100  # outcomes whose line has not arrived yet: topics are not ordered
APPROVALS = 200
PLATFORMS = 16
_OFF = WorkerState.DISABLED
WITHHELD = ("drop", "hold")  # verdicts of the gate on clauses that are not said


@dataclass
class Show:
    """Everything on screen. ``apply`` takes any event; ``reset`` starts over."""

    epoch: str = ""
    started_at: float = 0.0
    profile: str = ""
    state_dir: str = ""
    lost: bool = False
    stopping: bool = False
    held: bool = False
    muted: bool = False
    persona: str = ""
    personas: list[str] = field(default_factory=list)
    reason: str = ""
    queued: int = 0
    mode: ShowMode = ShowMode.OPEN
    mode_reason: str = ""
    topic: str = ""
    whisper: str = ""
    slow_s: float = 0.0
    delay_s: float = 0.0
    approvals: dict[str, Approval] = field(default_factory=dict)
    intake: IntakeEvent | None = None
    platforms: dict[str, None] = field(default_factory=dict)  # that lines came from
    workers: dict[str, WorkerEvent] = field(default_factory=dict)
    meter: MeterEvent | None = None
    chat: dict[str, ChatLine] = field(default_factory=dict)
    paused: dict[str, ChatLine] = field(default_factory=dict)  # chat as it stood, to point at
    paused_at: int = 0  # ``chat_count`` then
    turns: dict[int, Turn] = field(default_factory=dict)
    clauses: dict[tuple[int, int], Clause] = field(default_factory=dict)
    token_turn: int = 0
    tokens: str = ""
    tokens_done: bool = True
    recall: MemoryEvent | None = None
    spans: dict[str, deque[float]] = field(default_factory=dict)
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    log_count: int = 0  # grows for ever: what has not been looked at is a difference
    chat_count: int = 0
    _early: dict[str, ChatOutcomeEvent] = field(default_factory=dict)

    def reset(self, snapshot: Snapshot) -> None:
        """Forget the stream; the snapshot's events come next."""
        paused = self.paused if self.epoch == snapshot.epoch else {}
        self.__init__()  # type: ignore[misc]  # a dataclass is its own blank page
        self.epoch = snapshot.epoch
        self.paused = paused
        self.started_at = snapshot.started_at
        self.profile = clean(snapshot.profile, 40)
        self.state_dir = clean(snapshot.state_dir, 200)

    def apply(self, event: Message) -> None:
        """One event of the events plane; others are ignored."""
        match event:
            case WorkerEvent():
                self._worker(event)
            case MeterEvent():
                self.meter = event
            case ChatEvent():
                self._chat(event)
            case ChatOutcomeEvent():
                self._outcome(event)
            case ChatRemovedEvent():
                self._removed(event)
            case IntakeEvent():
                self.intake, self.queued = event, event.waiting
            case ApprovalsEvent():
                items = event.items[-APPROVALS:]
                self.approvals = {item.id: _harmless(item) for item in items}
            case TurnEvent():
                self._turn(event)
            case TokenEvent():
                self._token(event)
            case ClauseEvent():
                self._clause(event)
            case MemoryEvent():
                self.recall = event
            case TraceEvent():
                self._trace(event)
            case ShowEvent():
                self._set(event)
            case NoticeEvent():
                self._note(
                    event.at, event.level, event.source, clean(event.text), clean(event.hint)
                )
            case AuditEvent():
                self._audit(event)
            case _:
                pass

    # --- what the panels ask ---

    @property
    def state(self) -> ShowState:
        """The word of the status line: the worst that applies."""
        states = {name: worker.state for name, worker in self.workers.items()}
        if self.stopping:
            return ShowState.STOPPING
        fresh = (WorkerState.WAITING, WorkerState.STARTING)
        if not states or any(
            worker.state in fresh and worker.restarts == 0 for worker in self.workers.values()
        ):
            return ShowState.STARTING
        if self.held:
            return ShowState.HELD
        if self.muted:
            return ShowState.MUTED
        if any(state not in (WorkerState.READY, WorkerState.DISABLED) for state in states.values()):
            return ShowState.DEGRADED
        return ShowState.ON_AIR

    @property
    def worker_names(self) -> list[str]:
        """Workers in the order of the screen; those that are switched off take no room."""
        there = {n for n, worker in self.workers.items() if worker.state is not _OFF}
        known = [name for name in WORKERS if name in there]
        return known + sorted(there - set(known))

    def p95(self, span: str) -> float | None:
        """The slow end of a span over the last turns, milliseconds; None without any."""
        values = self.spans.get(span)
        return percentile(list(values), 95) if values else None

    @property
    def overlay_url(self) -> str:
        """Address of the overlay page, as the stage told it; empty if there is none."""
        stage = self.workers.get("stage")
        if stage is None or not stage.state.serves:
            return ""
        return next(
            (clean(v, 120) for v in stage.details.values() if v.startswith(("http:", "https:"))),
            "",
        )

    def matching(self, needle: str) -> list[ChatLine]:
        """Chat lines whose author or text contains ``needle``, oldest first; of chat as it
        stood while it is paused."""
        lines = list((self.paused or self.chat).values())
        if not needle:
            return lines
        wanted = needle.casefold()
        return [
            line
            for line in lines
            if wanted in line.content.casefold() or wanted in line.author.casefold()
        ]

    def by(self, viewer: str) -> list[ChatLine]:
        """The lines of one viewer, oldest first."""
        known = self.paused | self.chat
        return [line for line in known.values() if line.viewer == viewer]

    def pause(self) -> None:
        """Let chat stand still: whoever points at a line must not see it slip away."""
        if not self.paused:
            self.paused, self.paused_at = dict(self.chat), self.chat_count

    def resume(self) -> None:
        """Chat moves again."""
        self.paused = {}

    def line(self, message_id: str) -> ChatLine | None:
        """A line that is still known."""
        return self.chat.get(message_id) or self.paused.get(message_id)

    # --- reducers ---

    def _worker(self, event: WorkerEvent) -> None:
        before = self.workers.get(event.name)
        self.workers[event.name] = event
        if before is not None and before.state != event.state:
            failed = event.state in (WorkerState.BACKOFF, WorkerState.FAILED)
            reason = f": {clean(event.reason)}" if event.reason else ""
            self._note(
                event.at,
                "error" if failed else "info",
                event.name,
                f"{before.state} → {event.state}{reason}",
            )

    def _set(self, event: ShowEvent) -> None:
        """What the operator has set."""
        self.held, self.muted = event.held, event.muted
        self.persona = clean(event.persona, 40)
        self.personas = [clean(name, 40) for name in event.personas]
        self.reason, self.queued = clean(event.reason, 200), event.queued
        self.mode, self.mode_reason = event.mode, clean(event.mode_reason, 200)
        self.topic, self.whisper = clean(event.topic, 200), clean(event.whisper, 200)
        self.slow_s, self.delay_s = event.slow_s, event.delay_s

    def _chat(self, event: ChatEvent) -> None:
        line = ChatLine(
            id=event.id,
            platform=clean(event.platform, 40),
            author=clean(event.author, 60),
            text=clean(event.text),
            at=event.at,
            author_id=event.author_id[:400],  # sent back as it is, cleaned where it is shown
            kind=event.kind,
            notice=clean(event.notice, 300),
            roles=tuple(event.roles[:8]),
            first=event.first,
            paid_text=clean(event.paid_text, 24),
            reply_to=clean(event.reply_to, 60),
            held_why=clean(event.held_why, 200),
            outcome=TurnOutcome.HELD if event.held_why else None,
        )
        self.chat.pop(event.id, None)
        self.chat[event.id] = line
        self.chat_count += 1
        if line.platform not in self.platforms and len(self.platforms) < PLATFORMS:
            self.platforms[line.platform] = None
        _bound(self.chat, CHAT_LINES)
        if early := self._early.pop(event.id, None):
            self._outcome(early)

    def _outcome(self, event: ChatOutcomeEvent) -> None:
        line = self.line(event.message_id)
        if line is None:
            self._early[event.message_id] = event
            _bound(self._early, OUTCOMES_AHEAD)
            return
        line.turn = event.turn or line.turn
        if event.outcome is TurnOutcome.REMOVED:
            line.removed = True
        if not line.removed:
            line.outcome, line.reason = event.outcome, clean(event.reason, 200)
        elif event.reason and not line.reason:
            line.reason = clean(event.reason, 200)

    def _removed(self, event: ChatRemovedEvent) -> None:
        reason = clean(event.reason, 200)
        gone = [self.line(message_id) for message_id in event.message_ids]
        if event.author_id or event.everything:
            author, platform = event.author_id or None, event.platform if event.everything else None
            for table in (self.chat, self.paused):
                gone += [
                    line
                    for line in table.values()
                    if line.author_id == author or line.platform == platform
                ]
        for line in gone:
            if line is not None:
                line.removed = True
                line.reason = reason or line.reason

    def _turn(self, event: TurnEvent) -> None:
        self.turns[event.turn] = Turn(
            turn=event.turn,
            source=clean(event.source, 20),
            persona=clean(event.persona, 40),
            author=clean(event.author, 60),
            text=clean(event.text),
            message_ids=event.message_ids[:100],
        )
        _bound(self.turns, TURNS)
        for message_id in event.message_ids:
            if (line := self.line(message_id)) is not None:
                line.turn = event.turn

    def _token(self, event: TokenEvent) -> None:
        if event.turn < self.token_turn:
            return  # the next turn is generated while this one still sounds
        if event.turn != self.token_turn:
            self.token_turn, self.tokens = event.turn, ""
        self.tokens = (self.tokens + clean(event.text))[-TOKEN_CHARS:]
        self.tokens_done = event.done

    def _clause(self, event: ClauseEvent) -> None:
        key = (event.turn, event.clause)
        again = key in self.clauses
        self.clauses[key] = Clause(
            turn=event.turn,
            clause=event.clause,
            speaker=clean(event.speaker, 40),
            text=clean(event.text),
            heard=min(1.0, max(0.0, event.heard)),
            verdict=event.verdict,
            at=event.at,
            why=clean(event.why, 200),
            over=again or event.verdict in WITHHELD or event.heard >= 1.0,
        )
        _bound(self.clauses, CLAUSES)

    def _trace(self, event: TraceEvent) -> None:
        for name, value in event.spans_ms.items():
            self.spans.setdefault(name, deque(maxlen=SERIES)).append(value)
        if (turn := self.turns.get(event.turn)) is not None:
            turn.outcome = event.outcome
        if event.outcome is TurnOutcome.FAILED:
            self._note(event.at, "warning", f"turn {event.turn}", f"failed: {clean(event.reason)}")
        for clause in self.clauses.values():
            # a turn that was heard ended all before it; one prepared in vain ended nothing
            if clause.turn == event.turn or (clause.turn < event.turn and event.reply):
                clause.over = True
        if event.turn == self.token_turn:
            self.tokens_done = True

    def _audit(self, event: AuditEvent) -> None:
        if event.verb == "stop" and event.ok:
            self.stopping = True
        args = " ".join(_short(value) for value in event.args.values())
        text = f"{event.verb} {args}".strip()
        if event.ok:
            self._note(event.at, "info", event.who, text)
        else:
            self._note(event.at, "warning", event.who, f"{text}: {clean(event.error)}")

    def _note(self, at: float, level: str, source: str, text: str, hint: str = "") -> None:
        self.log.append(LogEntry(at, level, clean(source, 40), text, hint))
        self.log_count += 1


def _harmless(item: Approval) -> Approval:
    """An approval as a terminal may show it; its id is only ever sent back."""
    return msgspec.structs.replace(
        item,
        text=clean(item.text),
        why=clean(item.why, 200),
        author=clean(item.author, 60),
        question=clean(item.question),
        persona=clean(item.persona, 40),
    )


def _short(value: Any) -> str:
    return clean(str(value), 80)


def _bound(table: dict[Any, Any], most: int) -> None:
    while len(table) > most:
        del table[next(iter(table))]
