"""One WebSocket to VTube Studio: requests and their answers, events, and frames without end."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from workers.avatar.vts_protocol import (
    INJECTION,
    Envelope,
    Malformed,
    Refused,
    answer,
    decode,
    encode,
    refusal,
)

CONNECT_S = 5.0
CALL_S = 20.0  # loading a large model holds VTube Studio up for many seconds
SILENCE_S = 20.0  # so long without any answer to our frames: nobody is there
_PING_S = 20.0
_CLOSE_S = 0.5
_AHEAD = 30  # frames without an answer; half a second of them
_SLOW_S = 0.5  # then one so often, to find out when it wakes
_FRAME_BYTES = 1 << 22  # lists of parameters and hotkeys are long

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # its lines would hold the token

T = TypeVar("T")


class Dropped(Exception):
    """This connection is of no use any more; another one may be."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class Session:
    """Of one socket, which ``close`` ends. ``read`` must run as long as it is used.

    ``heard`` gets events; ``injected`` what became of a frame: its request id and the error,
    if there was one.
    """

    def __init__(
        self,
        socket: ClientConnection,
        heard: Callable[[Envelope], None],
        injected: Callable[[str, Refused | None], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = socket
        self._heard = heard
        self._injected = injected
        self._now_s = now_s
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Envelope]] = {}
        self._ahead = 0  # frames without an answer
        self._sent_s = self._answered_s = now_s()

    async def read(self) -> None:
        """Until the connection ends: raises Dropped."""
        try:
            while True:
                envelope = decode(await self._socket.recv())
                if envelope is not None:
                    self._take(envelope)
        except ConnectionClosed:
            raise Dropped("VTube Studio closed the connection") from None

    async def call(
        self,
        kind: str,
        want: type[T],
        data: dict[str, Any] | Struct | None = None,
        *,
        within_s: float | None = CALL_S,
    ) -> T:
        """Ask and await the answer. Raises Refused, and Dropped if there is none."""
        request_id = f"call-{next(self._numbers)}"
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = waiting
        try:
            async with asyncio.timeout(within_s):
                await self._send(encode(kind, request_id, data))
                envelope: Envelope = await waiting
        except TimeoutError:
            raise Dropped(f"VTube Studio gave no answer within {within_s:.0f} s") from None
        finally:
            del self._waiting[request_id]
        if refused := refusal(envelope):
            raise refused
        if envelope.message_type != f"{kind}Response":
            raise Dropped("VTube Studio answered something else than was asked")
        try:
            return answer(envelope.data, want)
        except Malformed:
            raise Dropped(
                "VTube Studio answered in a way the show does not understand",
                "is it the newest version?",
            ) from None

    async def inject(self, frame: bytes) -> bool:
        """Send an encoded frame; False if it was left out because too many are unanswered.

        Raises Dropped when nobody has answered for long.
        """
        now_s = self._now_s()
        if self._ahead == 0:
            self._answered_s = now_s
        elif now_s - self._answered_s > SILENCE_S:
            raise Dropped(f"VTube Studio has not answered for {SILENCE_S:.0f} s")
        elif self._ahead >= _AHEAD and now_s - self._sent_s < _SLOW_S:
            return False
        self._ahead += 1
        self._sent_s = now_s
        await self._send(frame)
        return True

    async def close(self) -> None:
        """Properly if that is quick, and for good in any case."""
        try:
            await self._socket.close()
        finally:
            self._socket.transport.abort()

    def _take(self, envelope: Envelope) -> None:
        request_id = envelope.request_id
        if request_id.startswith(INJECTION):
            self._ahead = max(0, self._ahead - 1)
            self._answered_s = self._now_s()
            self._injected(request_id, refusal(envelope))
        elif (waiting := self._waiting.get(request_id)) is not None:
            if not waiting.done():
                waiting.set_result(envelope)
        elif envelope.message_type.endswith("Event"):
            self._heard(envelope)

    async def _send(self, request: bytes) -> None:
        try:
            await self._socket.send(request, text=True)
        except ConnectionClosed:
            raise Dropped("VTube Studio closed the connection") from None


class Nothing(Struct):
    """The answer to a request that is only carried out."""


async def dial(host: str, port: int) -> ClientConnection:
    """A WebSocket. Raises Dropped."""
    place = f"{host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            return await connect(
                f"ws://{f'[{host}]' if ':' in host else host}:{port}",
                open_timeout=None,
                close_timeout=_CLOSE_S,
                ping_interval=_PING_S,
                max_size=_FRAME_BYTES,
                compression=None,
                proxy=None,
                logger=_wire,
            )
    except TimeoutError:
        raise Dropped(
            f"VTube Studio at {place} did not answer within {CONNECT_S:.0f} s",
            "is the address right, and does a firewall let it through?",
        ) from None
    except ConnectionRefusedError:
        raise Dropped(
            f"VTube Studio is not running at {place}",
            "start it, turn on 'Allow Plugin API access' in its settings, and compare the port",
        ) from None
    except (InvalidHandshake, WebSocketException, EOFError):
        raise Dropped(
            f"what listens at {place} is not VTube Studio", "compare the port with its settings"
        ) from None
    except (OSError, UnicodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Dropped(
            f"VTube Studio at {place} cannot be reached ({why})", "is the address right?"
        ) from None


async def first(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one of them ends; the others are cancelled, and what it raised is raised.

    Anything but Dropped and Refused is a fault of ours and goes before them.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Dropped | Refused):
            raise result
    for task in ended:
        task.result()
