"""Bytes to messages and back. MessagePack by msgspec; never pickle."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from ipc.errors import ProtocolError
from ipc.protocol import Message

MAX_FRAME_BYTES = 16 * 1024 * 1024  # a minute of 48 kHz PCM is 5.8 MB; nothing is larger

_encoder = msgspec.msgpack.Encoder()


def encode(message: Message) -> bytes:
    """One message as one frame."""
    return _encoder.encode(message)


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def decode(kind: Any, frame: bytes) -> Any:
    """One frame as a message of ``kind`` (a class or a union from ``ipc.protocol``).

    Raises ProtocolError for anything else; the caller counts it and goes on.
    """
    try:
        return _decoder(kind).decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ProtocolError(
            f"a frame of {len(frame)} bytes is not of this plane: {error}"
        ) from None
