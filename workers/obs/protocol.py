"""Frames of obs-websocket 5, as JSON. Pure.

Source: docs/generated/protocol.md of obsproject/obs-websocket.
"""

from __future__ import annotations

import base64
import hashlib
from enum import IntEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

SUBPROTOCOL = "obswebsocket.json"
RPC_VERSION = 1

T = TypeVar("T")


class Op(IntEnum):
    """What a frame is; 8 and 9 (batches) are not used here."""

    HELLO = 0
    IDENTIFY = 1
    IDENTIFIED = 2
    EVENT = 5
    REQUEST = 6
    RESPONSE = 7


class Closed(IntEnum):
    """Why OBS closed the connection, where that needs more than trying again."""

    AUTHENTICATION_FAILED = 4009
    UNSUPPORTED_RPC_VERSION = 4010
    SESSION_INVALIDATED = 4011  # a person pressed "Kick": the protocol forbids to come back


class Status(IntEnum):
    """What became of a request, where the number is acted on."""

    NOT_READY = 207
    NOT_FOUND = 600


class Subscription(IntEnum):
    """Kinds of events, a bit mask."""

    CONFIG = 1 << 1
    SCENES = 1 << 2
    INPUTS = 1 << 3
    OUTPUTS = 1 << 6


class Malformed(Exception):
    """Bytes that are not obs-websocket. The text holds none of them."""


class Frame(Struct):
    op: int
    d: Raw = Raw(b"{}")


class Challenge(Struct):
    challenge: str
    salt: str


class Hello(Struct, rename="camel"):
    rpc_version: int
    authentication: Challenge | None = None


class Result(Struct):
    code: int
    comment: str | None = None
    result: bool = False


class Response(Struct, rename="camel"):
    request_id: str
    request_status: Result
    response_data: Raw = Raw(b"{}")


class Event(Struct, rename="camel"):
    event_type: str


def authentication(password: str, given: Challenge) -> str:
    """The proof that we know the password, for Identify."""
    secret = _digest(password + given.salt)
    return _digest(secret + given.challenge)


def identify(proof: str, subscriptions: int) -> bytes:
    """The answer to Hello; ``proof`` is empty where OBS wants no password."""
    data: dict[str, Any] = {"rpcVersion": RPC_VERSION, "eventSubscriptions": subscriptions}
    if proof:
        data["authentication"] = proof
    return msgspec.json.encode({"op": Op.IDENTIFY, "d": data})


def request(kind: str, number: str, data: dict[str, Any] | None = None) -> bytes:
    """``number`` comes back with the answer."""
    body: dict[str, Any] = {"requestType": kind, "requestId": number}
    if data is not None:
        body["requestData"] = data
    return msgspec.json.encode({"op": Op.REQUEST, "d": body})


def decode(frame: str | bytes) -> Frame:
    """Raises Malformed."""
    return read(frame, Frame)


def read(body: str | bytes | Raw, want: type[T]) -> T:
    """Fields we do not know are passed over. Raises Malformed."""
    try:
        return msgspec.json.decode(body, type=want)
    except msgspec.DecodeError:
        raise Malformed from None


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
