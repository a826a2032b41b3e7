"""Pipeline plane: the work itself, from inbox to inbox.

Every worker binds one PULL inbox; whoever sends to it connects a PUSH. Backpressure is
by credits in the messages (``Synthesised``, ``AudioCredit``), not by high-water marks.
"""

from __future__ import annotations

from collections.abc import Callable

import zmq

from ipc.codec import decode, encode
from ipc.endpoints import Endpoints
from ipc.errors import ProtocolError
from ipc.protocol import PIPELINE, Message
from ipc.sockets import Channel, Frames

OnMessage = Callable[[Message, bytes], None]


class Inbox:
    """What a worker receives. ``on_message(message, payload)``; payload is b"" if there is none."""

    def __init__(self, endpoints: Endpoints, worker: str, on_message: OnMessage) -> None:
        self._kind = PIPELINE[worker]
        self._on_message = on_message
        self.dropped = 0
        self._channel = Channel(zmq.PULL, self._receive)
        self._channel.bind(endpoints.inbox(worker))

    @property
    def failures(self) -> int:
        """Messages whose handler raised."""
        return self._channel.failures

    def close(self) -> None:
        self._channel.close()

    def _receive(self, frames: Frames) -> None:
        if not 1 <= len(frames) <= 2:
            self.dropped += 1
            return
        try:
            message = decode(self._kind, frames[0])
        except ProtocolError:
            self.dropped += 1
            return
        self._on_message(message, frames[1] if len(frames) == 2 else b"")


class Outbox:
    """A PUSH to each worker that has been sent something."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._channels: dict[str, Channel] = {}

    def send(self, worker: str, message: Message, payload: bytes = b"") -> bool:
        """False: nobody took the last 1024 messages, and this one is lost too."""
        channel = self._channels.get(worker)
        if channel is None:
            channel = Channel(zmq.PUSH).connect(self._endpoints.inbox(worker))
            self._channels[worker] = channel
        frames = [encode(message), payload] if payload else [encode(message)]
        return channel.send(frames)

    def forget(self, worker: str) -> None:
        """Drop what an incarnation that is gone never took."""
        if channel := self._channels.get(worker):
            channel.clear()

    def close(self, linger_ms: int = 0) -> None:
        for channel in self._channels.values():
            channel.flush_and_close(linger_ms)
