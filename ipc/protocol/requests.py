"""Operator plane: client (DEALER) and supervisor (ROUTER)."""

from __future__ import annotations

from typing import Any

from ipc.protocol.base import Finite, Message


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
