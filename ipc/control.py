"""Control plane: life and death of workers, cancellation, commands.

The supervisor binds a ROUTER; each worker's DEALER has the identity ``name/incarnation``,
so that a message to an incarnation that is gone goes nowhere instead of to its successor.
"""

from __future__ import annotations

from collections.abc import Callable

import zmq

from ipc.codec import decode, encode
from ipc.endpoints import Endpoints
from ipc.errors import ProtocolError
from ipc.protocol import FromWorker, Message, ToWorker
from ipc.sockets import Channel, Frames


class ControlServer:
    """The supervisor's end. ``on_message(name, incarnation, message)``."""

    def __init__(
        self, endpoints: Endpoints, on_message: Callable[[str, int, Message], None]
    ) -> None:
        self._on_message = on_message
        self.dropped = 0
        self._channel = Channel(zmq.ROUTER, self._receive)
        self._channel.bind(endpoints.control)

    def send(self, name: str, incarnation: int, message: Message) -> None:
        """To one incarnation; lost if it is gone, which its process exit tells."""
        self._channel.send([f"{name}/{incarnation}".encode(), encode(message)])

    def close(self) -> None:
        self._channel.flush_and_close()

    def _receive(self, frames: Frames) -> None:
        try:
            identity, body = frames
            name, _, number = identity.decode("ascii").partition("/")
            incarnation = int(number)
            message = decode(FromWorker, body)
        except (ValueError, ProtocolError):  # wrong frame count, alien identity, alien body
            self.dropped += 1
            return
        self._on_message(name, incarnation, message)


class ControlClient:
    """A worker's end. ``on_message(message)``."""

    def __init__(
        self,
        endpoints: Endpoints,
        name: str,
        incarnation: int,
        on_message: Callable[[Message], None],
    ) -> None:
        self._on_message = on_message
        self.dropped = 0
        self._channel = Channel(zmq.DEALER, self._receive)
        self._channel.socket.setsockopt(zmq.IDENTITY, f"{name}/{incarnation}".encode())
        self._channel.connect(endpoints.control)

    def send(self, message: Message) -> None:
        self._channel.send([encode(message)])

    def close(self) -> None:
        self._channel.flush_and_close()

    def _receive(self, frames: Frames) -> None:
        try:
            (body,) = frames
            message = decode(ToWorker, body)
        except (ValueError, ProtocolError):
            self.dropped += 1
            return
        self._on_message(message)
