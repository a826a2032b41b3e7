"""One WebSocket to OBS: let in, then requests and their answers, and events."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from ipc.secrets import SecretStr
from workers.obs import sentences
from workers.obs.protocol import (
    SUBPROTOCOL,
    Closed,
    Event,
    Frame,
    Hello,
    Malformed,
    Op,
    Response,
    Status,
    Subscription,
    authentication,
    decode,
    identify,
    read,
    request,
)

CONNECT_S = 5.0
CALL_S = 10.0
NOT_READY_S = 0.5  # between two tries while OBS loads its scenes
_NOT_READY_TRIES = 120
_PING_S = 10.0
_CLOSE_S = 0.5
_FRAME_BYTES = 1 << 22  # lists of scenes and sources may be long
_SUBSCRIPTIONS = (
    Subscription.CONFIG | Subscription.SCENES | Subscription.INPUTS | Subscription.OUTPUTS
)

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # its lines would hold captions and the proof of the password

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T", bound=Struct)


class Dropped(Exception):
    """This connection is of no use any more; another one may be."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class Denied(Exception):
    """OBS does not let us in, and trying again changes nothing until a person does something."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class Refused(Exception):
    """OBS answered a request with an error; the connection is fine."""

    def __init__(self, code: int, why: str, hint: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.hint = hint


class Nothing(Struct):
    """The answer to a request that is only carried out."""


class Session:
    """Of one socket that was let in, which ``close`` ends.

    ``heard(event type)`` is called for each event, and with "" when the connection has ended:
    then ``check`` raises why.
    """

    def __init__(
        self, socket: ClientConnection, heard: Callable[[str], None], sleep: Sleep = asyncio.sleep
    ) -> None:
        self._socket = socket
        self._heard = heard
        self._sleep = sleep
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Response]] = {}
        self._ended: BaseException | None = None
        self._reading = asyncio.get_running_loop().create_task(self._read(), name="obs: read")
        self._reading.add_done_callback(self._read_done)

    async def call(self, kind: str, want: type[T], data: dict[str, Any] | None = None) -> T:
        """Ask and await the answer; again while OBS says that it is not ready.

        Raises Refused, Dropped and Denied.
        """
        for _ in range(_NOT_READY_TRIES):
            response = await self._ask(kind, data)
            if response.request_status.code != Status.NOT_READY:
                break
            await self._sleep(NOT_READY_S)
        status = response.request_status
        if not status.result:
            comment = status.comment or ""
            raise Refused(status.code, *sentences.refused(kind, status.code, comment))
        try:
            return read(response.response_data, want)
        except Malformed:
            raise Dropped(
                f"OBS answered {kind} in a way the show does not understand",
                "is it the newest version?",
            ) from None

    def check(self) -> None:
        """Raises Dropped or Denied if the connection has ended."""
        if self._ended is not None:
            raise self._ended

    async def close(self) -> None:
        """Properly if that is quick, and for good in any case."""
        try:
            await self._socket.close()
        finally:
            self._socket.transport.abort()
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _ask(self, kind: str, data: dict[str, Any] | None) -> Response:
        self.check()
        number = str(next(self._numbers))
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(CALL_S):
                await self._socket.send(request(kind, number, data), text=True)
                return await answer
        except ConnectionClosed as error:
            raise _why(error) from None
        except TimeoutError:
            raise Dropped(f"OBS gave no answer within {CALL_S:.0f} s") from None
        finally:
            del self._waiting[number]

    async def _read(self) -> None:
        try:
            while True:
                self._take(decode(await self._socket.recv()))
        except ConnectionClosed as error:
            raise _why(error) from None
        except Malformed:
            raise Dropped("OBS sent something the show does not understand") from None

    def _take(self, frame: Frame) -> None:
        if frame.op == Op.RESPONSE:
            response = read(frame.d, Response)
            answer = self._waiting.get(response.request_id)
            if answer is not None and not answer.done():
                answer.set_result(response)
        elif frame.op == Op.EVENT:
            self._heard(read(frame.d, Event).event_type)

    def _read_done(self, task: asyncio.Task[None]) -> None:
        self._ended = None if task.cancelled() else task.exception()
        if self._ended is None:
            self._ended = Dropped("the connection to OBS was closed")
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._ended)
        self._heard("")


async def enter(
    host: str,
    port: int,
    password: SecretStr,
    heard: Callable[[str], None],
    sleep: Sleep = asyncio.sleep,
) -> Session:
    """Connect and be let in. Raises Dropped or Denied."""
    place = f"{host}:{port}"
    socket = await _dial(host, port, place)
    try:
        async with asyncio.timeout(CONNECT_S):
            await _introduce(socket, password)
    except BaseException as error:
        socket.transport.abort()
        if isinstance(error, TimeoutError | Malformed):
            raise Dropped(
                f"what listens at {place} does not greet as OBS does", "compare the port with OBS"
            ) from None
        if isinstance(error, ConnectionClosed):
            raise _why(error) from None
        raise
    return Session(socket, heard, sleep)


async def _introduce(socket: ClientConnection, password: SecretStr) -> None:
    """Hello, Identify, Identified."""
    hello = await _expect(socket, Op.HELLO)
    proof, wanted = "", read(hello.d, Hello).authentication
    if wanted is not None:
        if not password:
            raise Denied(*sentences.PASSWORD_WANTED)
        proof = authentication(password.reveal(), wanted)
    await socket.send(identify(proof, _SUBSCRIPTIONS), text=True)
    await _expect(socket, Op.IDENTIFIED)


async def _expect(socket: ClientConnection, op: Op) -> Frame:
    frame = decode(await socket.recv())
    if frame.op != op:
        raise Malformed
    return frame


async def _dial(host: str, port: int, place: str) -> ClientConnection:
    try:
        async with asyncio.timeout(CONNECT_S):
            socket = await connect(
                f"ws://{f'[{host}]' if ':' in host else host}:{port}",
                subprotocols=[Subprotocol(SUBPROTOCOL)],
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
            f"OBS at {place} did not answer within {CONNECT_S:.0f} s",
            "is obs.host right, and does a firewall let it through?",
        ) from None
    except ConnectionRefusedError:
        raise Dropped(f"OBS is not there at {place}", sentences.NOT_RUNNING_HINT) from None
    except (InvalidHandshake, WebSocketException, EOFError):
        raise Dropped(f"what listens at {place} is not OBS", "compare obs.port with OBS") from None
    except (OSError, UnicodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Dropped(f"OBS at {place} cannot be reached ({why})", "is obs.host right?") from None
    if socket.subprotocol != SUBPROTOCOL:
        socket.transport.abort()
        raise Dropped(f"what listens at {place} is not OBS", "compare obs.port with OBS")
    return socket


def _why(error: ConnectionClosed) -> Dropped | Denied:
    code = error.rcvd.code if error.rcvd is not None else None
    if code == Closed.AUTHENTICATION_FAILED:
        return Denied(*sentences.PASSWORD_WRONG)
    if code == Closed.SESSION_INVALIDATED:
        return Denied(*sentences.KICKED)
    return Dropped(*sentences.closed(code))
