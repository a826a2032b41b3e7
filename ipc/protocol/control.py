"""Control plane: supervisor (ROUTER) and worker (DEALER, identity ``name/incarnation``)."""

from __future__ import annotations

from typing import Any

from ipc.protocol.base import PROTOCOL_VERSION, Message, Nanoseconds, TurnNumber
from ipc.states import WorkerState


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
    makes the worker degraded. ``details`` replaces what Ready told, unless it is empty. Not
    answered: nobody would act on the answer, since a worker dies with its supervisor, and it
    would double what an idle show costs.
    """

    progress: int
    busy: bool
    busy_until_ns: Nanoseconds = 0
    problem: str = ""
    dropped_frames: int = 0  # alien or truncated frames on its sockets so far
    dropped_events: int = 0  # events the lossy plane did not take
    details: dict[str, str] = {}  # for people, as in Ready: of what changes while it serves


class Ack(Message, frozen=True):
    """either way: the message with this id arrived and was acted on."""

    id: int


class Drain(Message, frozen=True):
    """supervisor -> worker: finish what you have, until the deadline; then Drained, exit 0."""

    deadline_ns: Nanoseconds
    final: bool = False  # the show ends, not only this worker


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
