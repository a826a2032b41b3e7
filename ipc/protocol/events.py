"""Events plane: worker to supervisor to everybody who looks."""

from __future__ import annotations

from typing import Any

from ipc.protocol.base import Finite, Message
from ipc.protocol.turn import MemoryHit
from ipc.states import ChatKind, ShowMode, TurnOutcome, WorkerState


class WorkerEvent(Message, frozen=True):
    """supervisor: a worker changed its state, or came further while loading."""

    name: str
    state: WorkerState
    incarnation: int
    reason: str = ""  # why, in a sentence
    pid: int = 0
    restarts: int = 0
    progress: str = ""
    fraction: Finite | None = None
    details: dict[str, str] = {}
    retry_in_s: Finite = 0.0
    at: Finite = 0.0


class Meter(Message, frozen=True):
    """What one worker uses. ``memory_mb`` is PSS of its process tree plus GPU memory."""

    memory_mb: Finite
    budget_mb: Finite
    cpu_percent: Finite  # of one core, since the last reading


class MeterEvent(Message, frozen=True):
    """supervisor: memory and CPU of all workers, every ``supervisor.meter_s``."""

    workers: dict[str, Meter]
    used_mb: Finite  # of the whole show, supervisor included
    budget_mb: Finite
    host_used_mb: Finite
    host_total_mb: Finite
    at: Finite


class ChatEvent(Message, frozen=True):
    """chat: a line arrived."""

    id: str
    platform: str
    author: str
    text: str
    at: Finite
    author_id: str = ""
    kind: ChatKind = ChatKind.LINE
    notice: str = ""
    roles: list[str] = []
    first: bool = False
    paid_text: str = ""
    reply_to: str = ""
    held_why: str = ""


class ChatRemovedEvent(Message, frozen=True):
    """chat: these lines were removed (see Removed); screens strike them out."""

    platform: str
    message_ids: list[str] = []
    author_id: str = ""
    everything: bool = False
    reason: str = ""
    at: Finite = 0.0


class IntakeEvent(Message, frozen=True):
    """director: how chat comes in, about once a second while it does.

    ``to_queue_ms`` is the time from the platform's socket to the queue since the last event.
    """

    per_minute: Finite
    waiting: int
    crowd: bool  # so busy that she answers chat as a whole
    passed_over: dict[str, int]  # reason -> lines, since the director started
    merged: int  # lines that joined one that said the same, since then
    to_queue_p50_ms: Finite = 0.0
    to_queue_p99_ms: Finite = 0.0
    at: Finite = 0.0


class ChatOutcomeEvent(Message, frozen=True):
    """director (chat, for what the gate stopped): what became of a line: answered in ``turn``,
    or passed over for ``reason``."""

    message_id: str
    outcome: TurnOutcome
    reason: str = ""
    turn: int = 0


class TurnEvent(Message, frozen=True):
    """director: a turn was opened (``source``: speech, chat, idle or operator)."""

    turn: int
    source: str
    persona: str
    author: str = ""
    text: str = ""
    message_ids: list[str] = []  # of every line it answers
    at: Finite = 0.0


class TokenEvent(Message, frozen=True):
    """director: text generated since the last one (several tokens, at most 8 events a second)."""

    turn: int
    text: str
    done: bool = False


class ClauseEvent(Message, frozen=True):
    """director: a clause of the transcript. Sent when it starts to sound and again when it ends.

    ``heard`` is the part of the clause that was audible so far (1.0 all of it).
    ``verdict``: allow, mask, hold, drop; ``why`` names what the gate found.
    """

    turn: int
    clause: int
    speaker: str
    text: str
    heard: Finite
    verdict: str = "allow"
    why: str = ""
    at: Finite = 0.0


class MemoryEvent(Message, frozen=True):
    """director: what memory gave for a turn."""

    turn: int
    query: str
    hits: list[MemoryHit]
    late: bool = False


class TraceEvent(Message, frozen=True):
    """director: a turn is over. Spans in milliseconds; see ``ipc.trace``."""

    turn: int
    outcome: TurnOutcome
    source: str
    spans_ms: dict[str, Finite]
    reply: str  # as heard
    generated: str  # as the gate let it through
    message_ids: list[str] = []
    persona: str = ""
    tokens: int = 0
    audio_s: Finite = 0.0
    reason: str = ""
    stopped_ns: int = 0  # when the stage fell silent because the turn was cut; 0 if it was not
    at: Finite = 0.0


class ShowEvent(Message, frozen=True):
    """director: what the operator has set."""

    held: bool
    muted: bool
    persona: str
    personas: list[str]
    reason: str = ""
    queued: int = 0
    mode: ShowMode = ShowMode.OPEN
    mode_reason: str = ""
    topic: str = ""
    whisper: str = ""  # for the next reply
    slow_s: Finite = 0.0
    delay_s: Finite = 0.0
    barge: str = ""  # what she does when somebody speaks over her: a policy of [director.speech]


class Approval(Message, frozen=True):
    """Something a person has to look at: a viewer's line, or what she was about to say."""

    id: str
    kind: str  # "line" or "reply"
    text: str  # of the line, or of the part of the reply that was not said
    why: str
    author: str = ""
    question: str = ""  # what a reply answers
    persona: str = ""
    at: Finite = 0.0


class ApprovalsEvent(Message, frozen=True):
    """director: everything that waits for a person, oldest first. Sent at every change."""

    items: list[Approval]
    at: Finite = 0.0


class NoticeEvent(Message, frozen=True):
    """anyone: a sentence for the operator. ``level``: info, warning or error."""

    level: str
    source: str
    text: str
    hint: str = ""
    at: Finite = 0.0


class AuditEvent(Message, frozen=True):
    """supervisor: an operator request that changes something was carried out or refused."""

    who: str
    verb: str
    args: dict[str, Any]
    ok: bool
    error: str = ""
    at: Finite = 0.0


Event = (
    WorkerEvent
    | MeterEvent
    | ChatEvent
    | ChatRemovedEvent
    | ChatOutcomeEvent
    | IntakeEvent
    | TurnEvent
    | TokenEvent
    | ClauseEvent
    | MemoryEvent
    | TraceEvent
    | ShowEvent
    | ApprovalsEvent
    | NoticeEvent
    | AuditEvent
)

RETAINED: dict[str, int] = {
    "WorkerEvent": 0,  # the supervisor puts the newest of each worker into a snapshot
    "MeterEvent": 1,
    "ChatEvent": 200,
    "ChatRemovedEvent": 100,
    "ChatOutcomeEvent": 200,
    "IntakeEvent": 1,
    "TurnEvent": 100,
    "TokenEvent": 200,
    "ClauseEvent": 200,
    "MemoryEvent": 20,
    "TraceEvent": 200,
    "ShowEvent": 1,
    "ApprovalsEvent": 1,
    "NoticeEvent": 100,
    "AuditEvent": 100,
}
"""Events plane topics (the class names) and how many of each a snapshot carries."""
