"""The messages of a show: this file is the specification.

Each class names its sender and receiver. Conventions that hold everywhere:

* ``*_ns`` is CLOCK_MONOTONIC in nanoseconds, comparable across the processes of one host.
* ``*_s`` and ``*_ms`` are durations; ``at`` is wall-clock time in seconds since the epoch.
* ``turn`` numbers one reply of the show. It only ever grows, also across restarts of the
  director. 0 means "belongs to no turn" and is never fenced (see ``ipc.fence``).
* Audio is signed 16-bit little-endian mono PCM and travels as a frame of its own behind
  the message.

Structs are encoded as MessagePack maps, tagged with the class name (``ipc.codec``).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ipc.states import ChatKind, Finish, ShowMode, TurnOutcome, WorkerState

PROTOCOL_VERSION = 1

# Bounds that every decoder holds a frame to: one absurd number must not be believed, or a
# single stray TurnEnd would make the stage take every later turn for an old one.
TurnNumber = Annotated[int, Meta(ge=0, le=2**53)]
ClauseNumber = Annotated[int, Meta(ge=0, le=2**20)]
Amount = Annotated[int, Meta(ge=0, le=2**53)]
Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Part = Annotated[float, Meta(ge=0, le=1)]
Finite = Annotated[float, Meta(ge=-1e15, le=1e15)]  # neither NaN nor infinite, which JSON lacks
ClauseText = Annotated[str, Meta(max_length=4096)]  # the splitter cuts at a tenth of this


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Base of everything that crosses a process boundary."""


# --- control plane: supervisor (ROUTER) <-> worker (DEALER, identity "name/incarnation") ---------


class Hello(Message, frozen=True):
    """worker -> supervisor: the first message of an incarnation. Answered by Welcome."""

    name: str
    incarnation: int
    pid: int
    protocol: int = PROTOCOL_VERSION


class Peer(Message, frozen=True):
    """supervisor -> worker: what another worker is in now. Sent at every change.

    A changed ``incarnation`` means: whatever you had outstanding there is gone.
    """

    name: str
    state: WorkerState
    incarnation: int


class Welcome(Message, frozen=True):
    """supervisor -> worker: answer to Hello."""

    config: bytes  # the resolved configuration, MessagePack; ipc.load.decode_config reads it
    state_dir: str
    fence: int  # nothing of a turn up to this number may be worked on
    peers: list[Peer]
    protocol: int = PROTOCOL_VERSION


class Loading(Message, frozen=True):
    """worker -> supervisor: how far loading has come. ``fraction`` 0..1, or None if unknown."""

    text: str
    fraction: float | None = None


class Ready(Message, frozen=True):
    """worker -> supervisor: model loaded and one tiny inference done. Answered by Ack."""

    id: int
    details: dict[str, str] = {}  # for people: model, device, address


class Beat(Message, frozen=True):
    """worker -> supervisor: sent every ``supervisor.heartbeat_s`` from the work loop.

    ``progress`` grows with every piece of work done. While ``busy`` is true it must move,
    unless ``busy_until_ns`` lies ahead. ``problem`` is empty, or says in a sentence what
    makes the worker degraded. Not answered: nobody would act on the answer, since a worker
    dies with its supervisor, and it would double what an idle show costs.
    """

    progress: int
    busy: bool
    busy_until_ns: Nanoseconds = 0
    problem: str = ""
    dropped_frames: int = 0  # alien or truncated frames on its sockets so far
    dropped_events: int = 0  # events the lossy plane did not take


class Ack(Message, frozen=True):
    """either way: the message with this id arrived and was acted on."""

    id: int


class Drain(Message, frozen=True):
    """supervisor -> worker: finish what you have, until the deadline; then Drained, exit 0."""

    deadline_ns: Nanoseconds


class Drained(Message, frozen=True):
    """worker -> supervisor: everything finished or written; about to exit with 0."""


class Failing(Message, frozen=True):
    """worker -> supervisor: about to exit with ``exit_code``, for this reason (a sentence)."""

    exit_code: int
    error: str
    hint: str = ""


class TurnOpened(Message, frozen=True):
    """director -> supervisor: this number is in use, so nobody may use it or a lower one again."""

    turn: TurnNumber


class Cancel(Message, frozen=True):
    """director -> supervisor -> every worker: nothing of these turns may be worked on any more.

    With ``up_to`` every turn <= ``turn`` is dead, otherwise just this one. The supervisor
    sends it by itself when the director is lost and on ``dump``. Workers answer Ack.
    """

    turn: TurnNumber
    up_to: bool = False
    reason: str = ""
    id: int = 0


class Command(Message, frozen=True):
    """supervisor -> worker: an operator request this worker owns. Answered by CommandResult."""

    id: int
    verb: str
    args: dict[str, Any]
    who: str
    sent_ns: Nanoseconds  # when the operator's client sent it


class CommandResult(Message, frozen=True):
    """worker -> supervisor: the answer to Command. ``error`` is empty on success."""

    id: int
    result: Any = None
    error: str = ""
    hint: str = ""


FromWorker = (
    Hello | Loading | Ready | Beat | Ack | Drained | Failing | TurnOpened | Cancel | CommandResult
)
ToWorker = Welcome | Peer | Ack | Drain | Cancel | Command

# --- pipeline plane: PUSH -> PULL, one inbox a worker ------------------------------------------


class ChatMessage(Message, frozen=True):
    """One line of a viewer, or something a platform tells of one (``kind``): bounded, without
    control characters, and let through by the gate. Travels in ChatLines."""

    id: str  # the same for the same line, however often and by whichever way it came
    platform: str
    author: str
    author_id: str  # "platform:id", what bans and memories go by
    text: str  # what the viewer wrote; may be empty if ``kind`` is not a line
    received_ns: Nanoseconds  # when the platform (or the operator's request) handed it to us
    at: float
    kind: ChatKind = ChatKind.LINE
    count: Amount = 0  # months of a sub, gifts given, viewers of a raid
    notice: str = ""  # the platform's own sentence about a kind that is not a line
    roles: list[str] = []  # of ipc.states.Role
    first: bool = False  # the first line of this viewer in this channel
    paid: Seconds = 0.0  # about how many US dollars it cost
    paid_text: str = ""  # as the platform shows it: "500 bits", "5,00 €"
    reply_to: str = ""  # name of whom it answers
    emotes_only: bool = False
    held_why: str = ""  # not empty: the gate wants a person to look at it first


class ChatLines(Message, frozen=True):
    """chat -> director: what arrived together. Thousands a minute cost one frame a moment."""

    lines: list[ChatMessage]


class Removed(Message, frozen=True):
    """chat -> director: nothing of these lines may be heard any more, at whatever stage they are.

    By id (deleted), by author (timed out or banned), or everything of a platform (the room
    was wiped). ``forget``: banned, so history and memory lose the author too.
    """

    platform: str
    message_ids: list[str] = []
    author_id: str = ""
    everything: bool = False
    forget: bool = False
    reason: str = ""


class GateHit(Message, frozen=True):
    """chat -> director: the gate stopped lines on their way in. Many make the show careful."""

    hits: Amount
    why: str


class Taken(Message, frozen=True):
    """director -> chat: these lines have their turn, or were passed over. Until then chat keeps
    them, so that a director that dies loses none."""

    message_ids: list[str]


class Recall(Message, frozen=True):
    """director -> memory: what is known about this? Answered by Recalled."""

    turn: TurnNumber
    query: str
    viewer: str = ""  # author_id: prefer what this viewer said
    limit: Annotated[int, Meta(ge=0, le=1000)] = 3


class MemoryHit(Message, frozen=True):
    """One remembered thing. ``score`` is a similarity, 0..1."""

    id: str
    text: str
    score: float
    who: str = ""
    at: float = 0.0
    author_id: str = ""  # whose words these are; empty if of no viewer
    message_id: str = ""


class Recalled(Message, frozen=True):
    """memory -> director. ``engine_ns``: from the arrival of Recall to the hits being there."""

    turn: TurnNumber
    hits: list[MemoryHit]
    error: str = ""
    engine_ns: Nanoseconds = 0


class Remember(Message, frozen=True):
    """director -> memory: one exchange as it was heard. Off the hot path, never answered."""

    turn: TurnNumber
    platform: str
    author: str
    author_id: str
    text: str
    reply: str
    persona: str
    at: float
    message_id: str = ""


class Forget(Message, frozen=True):
    """director -> memory: everything of this author, or of these lines, goes. Never answered.

    What is on its way (a Remember sent before) must not come back either.
    """

    author_id: str = ""
    message_ids: list[str] = []


class PromptMessage(Message, frozen=True):
    """One chat-template message. ``role``: system, user or assistant."""

    role: str
    content: str


class Generate(Message, frozen=True):
    """director -> llm: stream a reply. Answered by Tokens..., then one Generated."""

    turn: TurnNumber
    prompt: list[PromptMessage]
    adapter: str = ""  # LoRA adapter of the personality, "" for none
    max_tokens: Annotated[int, Meta(ge=1, le=2**20)] = 160
    temperature: Annotated[float, Meta(ge=0, le=10)] = 0.7
    top_p: Annotated[float, Meta(ge=0, le=1)] = 0.9
    stop: list[str] = []


class Prewarm(Message, frozen=True):
    """director -> llm: put this prefix into the cache; nothing is answered."""

    prompt: list[PromptMessage]
    adapter: str = ""


class Tokens(Message, frozen=True):
    """llm -> director: the next piece of text. One or more tokens.

    ``engine_ns`` is the time from the arrival of Generate in the worker to this piece
    leaving it: the engine's own share of the latency.
    """

    turn: TurnNumber
    text: str
    count: Amount = 1
    engine_ns: Nanoseconds = 0
    at_ns: Nanoseconds = 0


class Generated(Message, frozen=True):
    """llm -> director: the generation ended. Not sent for a fenced turn."""

    turn: TurnNumber
    finish: Finish
    tokens: Amount = 0
    prompt_tokens: Amount = 0
    cached_tokens: Amount = 0
    error: str = ""


class Voice(Message, frozen=True):
    """How a personality sounds. ``pitch`` in semitones, ``speed`` 1.0 is the model's own pace."""

    name: str = ""
    speed: Annotated[float, Meta(ge=0.1, le=10)] = 1.0
    pitch: Annotated[float, Meta(ge=-48, le=48)] = 0.0


class Synthesise(Message, frozen=True):
    """director -> tts: speak one clause. At most ``tts.clauses_ahead`` without Synthesised."""

    turn: TurnNumber
    clause: ClauseNumber  # 0, 1, 2 ... within the turn
    text: ClauseText
    voice: Voice


class Synthesised(Message, frozen=True):
    """tts -> director: this clause is done, here is the credit for another.

    ``error`` not empty: no (more) sound for this clause; its caption is shown instead.
    """

    turn: TurnNumber
    clause: ClauseNumber
    audio_s: Seconds = 0.0
    error: str = ""


class AudioChunk(Message, frozen=True):
    """tts -> stage, with a PCM frame behind it. ``last`` ends the clause (its frame may be empty).

    ``made_ns`` is when the chunk left the engine; ``engine_ns`` how long the engine took
    from the arrival of Synthesise in the worker.
    """

    turn: TurnNumber
    clause: ClauseNumber
    seq: Amount
    sample_rate: int
    last: bool = False
    made_ns: Nanoseconds = 0
    engine_ns: Nanoseconds = 0


class AudioCredit(Message, frozen=True):
    """stage -> tts: samples of this turn that have left the stage so far (audible or dropped).

    tts keeps at most ``stage.audio_ahead_s`` of sound between what it sent and this.
    """

    turn: TurnNumber
    consumed: Amount


class Caption(Message, frozen=True):
    """director -> stage: the text of a clause that passed the gate. Shown with its sound.

    ``voiced`` false: no sound will come; show it for a reading time instead.
    """

    turn: TurnNumber
    clause: ClauseNumber
    text: str
    speaker: str
    color: str
    emotion: str = ""
    voiced: bool = True


class TurnEnd(Message, frozen=True):
    """director -> stage: the turn has exactly this many clauses."""

    turn: TurnNumber
    clauses: ClauseNumber


class StageControl(Message, frozen=True):
    """director -> stage: mute or unmute the sound. Time and captions go on."""

    muted: bool


class Playback(Message, frozen=True):
    """stage -> director: what has become audible.

    ``kind``: ``started`` (first sample of the clause reached a sink, at ``at_ns``),
    ``finished`` (its last sample did), ``stopped`` (cut by the fence; ``heard`` 0..1 is the
    part of this clause that was audible), ``done`` (the turn is over, nothing left).
    """

    turn: TurnNumber
    clause: ClauseNumber
    kind: str
    at_ns: Nanoseconds
    heard: Part = 1.0
    audio_s: Seconds = 0.0  # of the turn, audible so far
    made_ns: Nanoseconds = 0  # from the clause's first chunk
    engine_ns: Nanoseconds = 0


ToDirector = ChatLines | Removed | GateHit | Recalled | Tokens | Generated | Synthesised | Playback
ToLlm = Generate | Prewarm
ToTts = Synthesise | AudioCredit
ToMemory = Recall | Remember | Forget
ToStage = AudioChunk | Caption | TurnEnd | StageControl
ToChat = Taken

PIPELINE: dict[str, Any] = {
    "director": ToDirector,
    "llm": ToLlm,
    "tts": ToTts,
    "memory": ToMemory,
    "stage": ToStage,
    "chat": ToChat,
}
"""What each worker's inbox accepts. Everything else is counted and dropped."""


# --- events plane: worker -> supervisor -> everybody who looks ----------------------------------


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
    """director: a turn was opened (``source``: chat, idle or operator)."""

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

# --- operator plane: client (DEALER) <-> supervisor (ROUTER) ------------------------------------


class Request(Message, frozen=True):
    """client -> supervisor. The same ``id`` sent again gives the same Reply, once carried out.

    ``readonly`` clients are refused every verb that changes something.
    """

    id: str
    verb: str
    args: dict[str, Any] = {}
    who: str = ""
    readonly: bool = False
    sent_ns: int = 0
    timeout_s: Finite = 5.0


class Reply(Message, frozen=True):
    """supervisor -> client. ``error`` is empty on success."""

    id: str
    result: Any = None
    error: str = ""
    hint: str = ""


class Snapshot(Message, frozen=True):
    """The result of the verb ``snapshot``: where a client starts, before the stream.

    ``sequences`` holds the last sequence number per topic that is already contained in
    ``events``; the client drops what the stream repeats.
    """

    epoch: str  # changes with every supervisor process
    sequences: dict[str, int]
    events: list[bytes]  # encoded Event, oldest first
    started_at: Finite = 0.0
    state_dir: str = ""
    profile: str = ""
