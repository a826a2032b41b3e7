"""What is said on the WebSocket of VTube Studio's plugin API, version 1.0. No clock, no socket.

Source: the README of DenchiSoft/VTubeStudio and its list of error numbers. Fields we do not
use are passed over, as the API asks of its clients.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from workers.avatar.vts_errors import explain

API = "VTubeStudioPublicAPI"
VERSION = "1.0"
INJECTION = "inject-"  # request ids of frames begin so; what follows tells which parameters
BROADCAST = "VTubeStudioAPIStateBroadcast"
VALUE_MAX = 1_000_000.0
_TEXT_MAX = 120  # of what the application says, in our sentences

T = TypeVar("T")


class Envelope(Struct):
    """What every message of VTube Studio has."""

    message_type: str = field(default="", name="messageType")
    request_id: str = field(default="", name="requestID")
    data: Raw = field(default_factory=lambda: Raw(b"{}"))


class ApiError(Struct):
    code: int = field(default=-1, name="errorID")
    message: str = ""


class ApiState(Struct):
    active: bool
    version: str = field(default="", name="vTubeStudioVersion")


class TokenGiven(Struct):
    token: str = field(name="authenticationToken")


class Authenticated(Struct):
    authenticated: bool
    reason: str = ""


class InputParameter(Struct):
    name: str
    low: float = field(default=0.0, name="min")
    high: float = field(default=1.0, name="max")


class InputParameters(Struct):
    loaded: bool = field(default=False, name="modelLoaded")
    model: str = field(default="", name="modelName")
    custom: list[InputParameter] = field(default_factory=list, name="customParameters")
    default: list[InputParameter] = field(default_factory=list, name="defaultParameters")


class Hotkey(Struct):
    name: str = ""
    kind: str = field(default="", name="type")
    file: str = ""
    id: str = field(default="", name="hotkeyID")


class Hotkeys(Struct):
    hotkeys: list[Hotkey] = field(default_factory=list, name="availableHotkeys")


class Expression(Struct):
    file: str
    active: bool = False


class Expressions(Struct):
    expressions: list[Expression] = field(default_factory=list)


class Model(Struct):
    name: str = field(default="", name="modelName")
    id: str = field(default="", name="modelID")


class Models(Struct):
    models: list[Model] = field(default_factory=list, name="availableModels")


class Broadcast(Struct):
    """What VTube Studio tells the network every two seconds."""

    active: bool
    port: int
    instance: str = field(default="", name="instanceID")
    title: str = field(default="", name="windowTitle")


class Refused(Exception):
    """VTube Studio answered with an error. ``text`` and ``hint`` are for a person."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.text, self.hint = explain(code, printable(message))


class Malformed(Exception):
    """An answer without the fields it must have."""


_encoder = msgspec.json.Encoder()
_envelopes = msgspec.json.Decoder(Envelope)


def encode(kind: str, request_id: str, data: dict[str, Any] | Struct | None = None) -> bytes:
    """A request; ``kind`` without the word Request at its end."""
    return _encoder.encode(
        {
            "apiName": API,
            "apiVersion": VERSION,
            "requestID": request_id,
            "messageType": f"{kind}Request",
            "data": data if data is not None else {},
        }
    )


def decode(text: str | bytes) -> Envelope | None:
    """A message; None if it is none."""
    try:
        return _envelopes.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def answer(data: Raw, kind: type[T]) -> T:
    """The data of a message. Raises Malformed."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None


def refusal(envelope: Envelope) -> Refused | None:
    """The error that this message is, if it is one."""
    if envelope.message_type != "APIError":
        return None
    try:
        error = answer(envelope.data, ApiError)
    except Malformed:
        error = ApiError()
    return Refused(error.code, error.message)


def broadcast(datagram: bytes) -> Broadcast | None:
    """What VTube Studio tells the network; None for anything else that came to that port."""
    envelope = decode(datagram)
    if envelope is None or envelope.message_type != BROADCAST:
        return None
    try:
        told = answer(envelope.data, Broadcast)
    except Malformed:
        return None
    return told if 0 < told.port < 65536 else None


def printable(text: str) -> str:
    """Words of the application, fit for one line of a terminal."""
    plain = "".join(char if char.isprintable() else " " for char in text).strip()
    return plain if len(plain) <= _TEXT_MAX else f"{plain[:_TEXT_MAX]}…"
