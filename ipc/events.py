"""Events plane: what the show tells whoever looks. Lossy, numbered, with a snapshot to start from.

Workers PUSH to the supervisor's hub, which numbers each topic (the class name) and
publishes ``[topic, sequence, body]``. A client subscribes first, asks the operator plane
for a Snapshot, then applies the stream; a missing number means: ask again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import zmq

from ipc.codec import decode, encode
from ipc.endpoints import Endpoints
from ipc.errors import ProtocolError
from ipc.protocol import RETAINED, Event, Message, WorkerEvent
from ipc.sockets import Channel, Frames

_GATHER_S = 0.02  # no eye sees it; a turn has got from chat to the language model by then

OnEvent = Callable[[Message], None]


class EventSource:
    """A worker's end. Publishing never waits; what does not fit is counted in ``dropped``.

    Events leave a moment later and together: telling what happens wakes three processes, and
    must not delay what happens.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = Channel(zmq.PUSH, backlog=256).connect(endpoints.events_in)
        self._waiting: list[Message] = []
        self._timer: asyncio.TimerHandle | None = None
        self.dropped = 0

    def publish(self, event: Message) -> None:
        if not self._waiting:
            self._timer = self._loop.call_later(_GATHER_S, self._flush)
        self._waiting.append(event)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        self._channel.flush_and_close()

    def _flush(self) -> None:
        events, self._waiting = self._waiting, []
        for event in events:
            if not self._channel.send([encode(event)]):
                self.dropped += 1


class EventHub:
    """The supervisor's end: collects, numbers, retains, publishes.

    ``on_event`` sees every event too (the recorder). Retention is bounded by RETAINED.
    """

    def __init__(self, endpoints: Endpoints, on_event: OnEvent) -> None:
        self._on_event = on_event
        self.dropped = 0
        self._sequences: dict[str, int] = dict.fromkeys(RETAINED, 0)
        self._order = 0
        self._rings: dict[str, deque[tuple[int, bytes]]] = {
            topic: deque(maxlen=size) for topic, size in RETAINED.items()
        }
        self._workers: dict[str, tuple[int, bytes]] = {}
        self._in = Channel(zmq.PULL, self._receive)
        self._in.bind(endpoints.events_in)
        self._out = Channel(zmq.XPUB, self._ignore_subscription, hwm=10_000)
        self._out.bind(endpoints.events_out)

    def publish(self, event: Message) -> None:
        """An event of the supervisor itself."""
        self._take(event, encode(event))

    def sequences(self) -> dict[str, int]:
        return dict(self._sequences)

    def retained(self) -> list[bytes]:
        """Encoded events for a snapshot, oldest first."""
        kept = [item for ring in self._rings.values() for item in ring]
        kept.extend(self._workers.values())
        return [body for _, body in sorted(kept)]

    def close(self) -> None:
        self._in.close()
        self._out.flush_and_close(100)

    def _receive(self, frames: Frames) -> None:
        try:
            (body,) = frames
            event = decode(Event, body)
        except (ValueError, ProtocolError):
            self.dropped += 1
            return
        self._take(event, body)

    def _take(self, event: Message, body: bytes) -> None:
        topic = type(event).__name__
        self._sequences[topic] += 1
        self._order += 1
        if isinstance(event, WorkerEvent):
            self._workers[event.name] = (self._order, body)
        else:
            self._rings[topic].append((self._order, body))
        sequence = self._sequences[topic].to_bytes(8, "big")
        self._out.send([topic.encode(), sequence, body])
        self._on_event(event)

    @staticmethod
    def _ignore_subscription(frames: Frames) -> None:
        """XPUB hands subscriptions up; nothing depends on them."""


class EventStream:
    """A client's end. ``on_event(topic, sequence, event)``; alien frames are counted."""

    def __init__(
        self,
        endpoints: Endpoints,
        on_event: Callable[[str, int, Message], None],
        topics: tuple[str, ...] = (),
    ) -> None:
        self._on_event = on_event
        self.dropped = 0
        self._channel = Channel(zmq.SUB, self._receive, hwm=10_000)
        for topic in topics or ("",):
            self._channel.socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self._channel.connect(endpoints.events_out)

    def close(self) -> None:
        self._channel.close()

    def _receive(self, frames: Frames) -> None:
        try:
            topic, sequence, body = frames
            event = decode(Event, body)
        except (ValueError, ProtocolError):
            self.dropped += 1
            return
        self._on_event(topic.decode(), int.from_bytes(sequence, "big"), event)
