"""One ZeroMQ socket on the running event loop: messages in by callback, out by a bounded queue.

pyzmq's own asyncio sockets pay a future and a task for every message, and cancelling a
``recv`` can lose one (pyzmq issue 1925). Here the socket's file descriptor is watched
and drained directly: no futures, nothing to cancel, a fifth of the cost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import zmq

from ipc.codec import MAX_FRAME_BYTES

Frames = list[bytes]

_BATCH = 64  # messages taken before other callbacks of the loop get their turn
_log = logging.getLogger(__name__)

_context: zmq.Context[zmq.Socket[bytes]] | None = None


def context() -> zmq.Context[zmq.Socket[bytes]]:
    """The process's ZeroMQ context; its sockets never linger."""
    global _context
    if _context is None or _context.closed:
        _context = zmq.Context()
        _context.linger = 0
        _context.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
    return _context


class Channel:
    """A socket owned by the running loop. Close it; nothing else does.

    ``on_frames`` is called on the loop for each message; what it raises is logged and
    counted in ``failures``, because one bad message must not stop the others.
    """

    def __init__(
        self,
        kind: int,
        on_frames: Callable[[Frames], None] | None = None,
        *,
        hwm: int = 1000,
        backlog: int = 1024,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket: zmq.Socket[bytes] = context().socket(kind)
        self._socket.set_hwm(hwm)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)  # ms: a restarted worker is found at once
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        if kind in (zmq.PUSH, zmq.DEALER):
            self._socket.setsockopt(zmq.IMMEDIATE, 1)  # queue only for a peer that is there
        if kind == zmq.ROUTER:
            self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._on_frames = on_frames
        self._out: deque[Sequence[bytes]] = deque()
        self._backlog = backlog
        self._closed = False
        self._again = False
        self.failures = 0
        self._fd = self._socket.fileno()
        self._loop.add_reader(self._fd, self._service)

    @property
    def socket(self) -> zmq.Socket[bytes]:
        """For options only; never receive or send on it directly."""
        return self._socket

    @property
    def pending(self) -> int:
        """Messages accepted by ``send`` that no peer has taken yet."""
        return len(self._out)

    def bind(self, address: str) -> Channel:
        self._socket.bind(address)
        self._schedule()
        return self

    def connect(self, address: str) -> Channel:
        self._socket.connect(address)
        self._schedule()
        return self

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send, or queue until a peer takes it. False: the queue is full, or nobody is there
        to route to, and the message is lost."""
        if self._closed:
            return False
        if self._out or not self._try_send(frames):
            if len(self._out) >= self._backlog:
                return False
            self._out.append(frames)
        if self._on_frames is not None:
            # a send may swallow the edge that announced incoming messages
            self._schedule()
        return True

    def clear(self) -> None:
        """Forget what is queued here."""
        self._out.clear()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._fd)
            self._socket.close(linger=0)

    def flush_and_close(self, linger_ms: int = 500) -> None:
        """Close, but let the I/O thread deliver what was sent."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._fd)
            self._socket.close(linger=linger_ms)

    def _try_send(self, frames: Sequence[bytes]) -> bool:
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _schedule(self) -> None:
        if not self._again:
            self._again = True
            self._loop.call_soon(self._rerun)

    def _rerun(self) -> None:
        self._again = False
        self._service()

    def _service(self) -> None:
        """Take what came and send what waits. The FD is edge-triggered: drain or reschedule."""
        if self._closed:
            return
        if self._on_frames is not None:
            for _ in range(_BATCH):
                try:
                    frames = self._socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                try:
                    self._on_frames(frames)
                except Exception:
                    # the boundary between wire and program: anything may come in, and the
                    # next message deserves to be read
                    self.failures += 1
                    _log.exception("a message handler failed")
                if self._socket.closed:  # the handler closed us
                    return
            else:
                self._schedule()
        else:
            self._socket.getsockopt(zmq.EVENTS)  # process commands, or the edge is lost
        if self._out:
            self._send_waiting()

    def _send_waiting(self) -> None:
        while self._out and self._try_send(self._out[0]):
            self._out.popleft()
        # trying to send may swallow an edge that announced something else
        events = int(self._socket.getsockopt(zmq.EVENTS))
        readable = self._on_frames is not None and events & zmq.POLLIN
        if readable or (self._out and events & zmq.POLLOUT):
            self._schedule()
