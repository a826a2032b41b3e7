"""What a worker may become: one pure table, state x event -> state."""

from __future__ import annotations

from enum import StrEnum

from ipc.states import WorkerState as S


class Event(StrEnum):
    """What happens to a worker."""

    START = "start"  # admitted: a process is spawned
    LOADED = "loaded"  # it said Ready
    TROUBLE = "trouble"  # it serves, but says it misses something
    MEND = "mend"  # and does not miss it any more
    DRAIN = "drain"  # asked to finish what it has
    END = "end"  # being ended by signals
    CRASHED = "crashed"  # gone without being asked; will be started again
    GAVE_UP = "gave_up"  # gone, and no further attempt
    STOPPED = "stopped"  # gone as asked; to be started again
    RETRY = "retry"  # the delay is over, or the operator wants it now
    RELEASE = "release"  # the show ends


class InvalidTransition(Exception):
    """An event that cannot happen in this state: a bug in the caller."""


_LIVE = (S.STARTING, S.READY, S.DEGRADED, S.DRAINING, S.STOPPING)

TABLE: dict[tuple[S, Event], S] = {
    (S.WAITING, Event.START): S.STARTING,
    (S.WAITING, Event.GAVE_UP): S.FAILED,  # its interpreter is not there
    (S.STARTING, Event.LOADED): S.READY,
    (S.READY, Event.TROUBLE): S.DEGRADED,
    (S.DEGRADED, Event.MEND): S.READY,
    (S.STARTING, Event.DRAIN): S.DRAINING,
    (S.READY, Event.DRAIN): S.DRAINING,
    (S.DEGRADED, Event.DRAIN): S.DRAINING,
    (S.STARTING, Event.END): S.STOPPING,
    (S.READY, Event.END): S.STOPPING,
    (S.DEGRADED, Event.END): S.STOPPING,
    (S.DRAINING, Event.END): S.STOPPING,
    **{(state, Event.CRASHED): S.BACKOFF for state in _LIVE},
    **{(state, Event.GAVE_UP): S.FAILED for state in _LIVE},
    (S.DRAINING, Event.STOPPED): S.WAITING,
    (S.STOPPING, Event.STOPPED): S.WAITING,
    (S.BACKOFF, Event.RETRY): S.WAITING,
    (S.FAILED, Event.RETRY): S.WAITING,
    **{(state, Event.RELEASE): S.DISABLED for state in S if state is not S.DISABLED},
}


def advance(state: S, event: Event) -> S:
    """The state after ``event``. Raises InvalidTransition."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise InvalidTransition(f"{event} cannot happen while {state}") from None


def alive(state: S) -> bool:
    """Whether a process exists in this state."""
    return state in _LIVE
