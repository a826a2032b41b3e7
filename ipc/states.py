"""Names for what a worker and the show can be in. Pure data, no behaviour."""

from __future__ import annotations

from enum import StrEnum


class WorkerState(StrEnum):
    """Life of one worker. The supervisor's ``machine.py`` holds the transitions."""

    DISABLED = "disabled"  # switched off in the configuration
    WAITING = "waiting"  # for a dependency or for memory
    STARTING = "starting"  # process spawned, model loading
    READY = "ready"  # loaded and warmed up
    DEGRADED = "degraded"  # serves, but says it misses something
    DRAINING = "draining"  # finishing what it has, takes nothing new
    STOPPING = "stopping"  # being ended by signals
    BACKOFF = "backoff"  # crashed, waits before its next start
    FAILED = "failed"  # gave up, or a configuration error

    @property
    def serves(self) -> bool:
        """Whether work may be sent to a worker in this state."""
        return self in (WorkerState.READY, WorkerState.DEGRADED)

    @property
    def settled(self) -> bool:
        """Whether others that start after this worker need not wait any longer."""
        return self.serves or self in (WorkerState.FAILED, WorkerState.DISABLED)


class ShowState(StrEnum):
    """What the status line says, worst first."""

    STOPPING = "stopping"
    STARTING = "starting"
    HELD = "held"
    MUTED = "muted"
    DEGRADED = "degraded"
    ON_AIR = "on_air"


class TurnOutcome(StrEnum):
    """How a turn ended."""

    PLAYED = "played"  # heard (or, without a voice, captioned) to its end
    SKIPPED = "skipped"  # operator skip, dump or a newer decision cut it
    BLOCKED = "blocked"  # the gate dropped it
    FAILED = "failed"  # a worker was lost or answered with an error
    SHED = "shed"  # the queue passed it over before a turn was opened
    HELD = "held"  # waits for a person to approve it
    REMOVED = "removed"  # deleted, or its author banned


class ShowMode(StrEnum):
    """How careful the show is. The gate may tighten it; only an operator opens it again."""

    OPEN = "open"
    APPROVAL = "approval"  # every reply waits for a person
    SAFE = "safe"  # the safe personality is on air


class ChatKind(StrEnum):
    """What a chat message is about. All but LINE are told by the platform, not typed."""

    LINE = "line"  # also with bits or as a Super Chat: then it is paid
    SUB = "sub"  # also a membership; ``count`` months
    GIFT = "gift"  # ``count`` subscriptions or memberships
    RAID = "raid"  # ``count`` viewers
    ANNOUNCEMENT = "announcement"  # of the streamer or a moderator
    OTHER = "other"  # a milestone, a ritual: shown, seldom answered


class Role(StrEnum):
    """What a viewer is in a channel, as the platform (or, TRUSTED, the operator) says."""

    BROADCASTER = "broadcaster"
    MODERATOR = "moderator"
    VIP = "vip"
    SUBSCRIBER = "subscriber"
    TRUSTED = "trusted"


class Finish(StrEnum):
    """Why a generation ended."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"
