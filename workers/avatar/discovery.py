"""Where VTube Studio is: every instance tells the network every two seconds.

One ``Discovery`` serves all avatars of a show. What it hears is a hint and no more: anybody on
the network may send such a datagram.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, cast

from workers.avatar.vts_protocol import broadcast

PORT = 47779
STALE_S = 7.0  # three broadcasts were missed: it is gone
_INSTANCES = 64  # more are somebody's joke
_HERE = "localhost"


@dataclass(frozen=True, slots=True)
class Heard:
    """One instance, as it told."""

    host: str
    port: int
    active: bool
    title: str
    at_s: float


class Discovery(asyncio.DatagramProtocol):
    """Listens while it is entered. ``listeners`` are called when something has changed."""

    def __init__(self, port: int = PORT, now_s: Callable[[], float] = time.monotonic) -> None:
        self.listeners: set[Callable[[], None]] = set()
        self.problem = ""  # why nothing can be heard
        self._port = port
        self._now_s = now_s
        self._heard: dict[tuple[str, str], Heard] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._closed: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Discovery:
        """Never raises: without it, a configured port still works."""
        loop = asyncio.get_running_loop()
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listening.setblocking(False)
            # other plugins on this computer listen too
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind(("", self._port))
        except OSError as error:
            listening.close()
            why = errno.errorcode.get(error.errno or 0, "")
            self.problem = f"UDP port {self._port} cannot be listened on ({why})"
            return self
        self._closed = loop.create_future()
        await loop.create_datagram_endpoint(lambda: self, sock=listening)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._transport is not None and self._closed is not None:
            self._transport.close()
            await self._closed

    @property
    def port(self) -> int:
        """That is listened on."""
        if self._transport is None:
            return self._port
        return int(self._transport.get_extra_info("sockname")[1])

    def find(self, host: str, window: str = "") -> Heard | None:
        """An instance on ``host`` ("": on any) with this window title ("": any)."""
        oldest_s = self._now_s() - STALE_S
        fitting = [
            heard
            for heard in self._heard.values()
            if heard.at_s >= oldest_s
            and (not window or heard.title == window)
            and (not host or heard.host == host or (host == _HERE and is_here(heard.host)))
        ]
        # of several windows the first, and of one that was restarted its newest word
        return min(
            fitting, key=lambda heard: (not heard.active, heard.title, -heard.at_s), default=None
        )

    # --- asyncio.DatagramProtocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by class

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        told = broadcast(data)
        if told is None:
            return
        host = str(addr[0])
        key = host, told.instance[:64]
        now = Heard(host, told.port, told.active, told.title[:120], self._now_s())
        before = self._heard.pop(key, None)
        if len(self._heard) >= _INSTANCES:
            del self._heard[next(iter(self._heard))]
        self._heard[key] = now
        if before is None or (before.port, before.active) != (now.port, now.active):
            for listener in tuple(self.listeners):
                listener()

    def error_received(self, exc: Exception) -> None:
        """Of a datagram socket that sends nothing: nothing to do."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)


@lru_cache(maxsize=256)
def is_here(host: str) -> bool:
    """Whether this address is one of this computer: only those can be bound."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
            trial.bind((host, 0))
    except OSError:
        return False
    return True
