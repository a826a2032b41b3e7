"""A VTube Studio for tests: its WebSocket and its broadcasts, on loopback.

``VTubeStudioDouble`` is started, killed and started again on the same port; what a user keeps
between two starts (tokens, models) stays, what an instance has (sessions, injected values) goes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

from doubles.vtube_studio_rules import ApiError, Rules, Session, envelope
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

BROADCAST_TO = "127.255.255.255"


class VTubeStudioDouble:
    """``async with`` starts it; the rules are in ``rules``. ``popup`` is how a person answers."""

    def __init__(
        self,
        *,
        popup: Literal["allow", "deny", "wait"] = "allow",
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rules = Rules(now_s)
        self.popup = popup
        self.asked = 0  # pop-ups shown
        self.connected = 0  # connections ever
        self.port = 0
        self.mute = False  # hangs: reads, and answers nothing
        self.title = "VTube Studio"
        self.instance = uuid.uuid4().hex
        self._server: Server | None = None
        self._open: tuple[Session, dict[str, Any], ServerConnection] | None = None  # pop-up
        self._changed = asyncio.Event()

    async def __aenter__(self) -> VTubeStudioDouble:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """On the port of before, if there was one."""
        self.instance = uuid.uuid4().hex
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            compression=None,
            ping_interval=None,
            close_timeout=0.1,
            process_request=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def kill(self) -> None:
        """As a process that is killed: no farewell on any connection."""
        server, self._server = self._server, None
        if server is None:
            return
        self._open = None
        for connection in server.connections:
            connection.transport.abort()
        server.close(close_connections=False)
        await server.wait_closed()
        for parameter in self.rules.inputs.values():
            parameter.until_s, parameter.owner = 0.0, 0

    # --- what a person does ---

    async def answer(self, *, allow: bool) -> None:
        """Click in the pop-up, when there is one."""
        await self.until(lambda: self._open is not None)
        assert self._open is not None
        (session, message, connection), self._open = self._open, None
        del session
        await connection.send(json.dumps(self._answered(message, allow=allow)))
        self._stir()

    def broadcast(self, port: int) -> None:
        """What is told to the network every two seconds, once."""
        data = {
            "active": self.rules.api_on,
            "port": self.port,
            "instanceID": self.instance,
            "windowTitle": self.title,
        }
        kind = "VTubeStudioAPIStateBroadcast"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            out.sendto(json.dumps(envelope(kind, kind, data)).encode(), (BROADCAST_TO, port))

    # --- what a test waits for ---

    async def until(self, condition: Callable[[], bool], within_s: float = 20.0) -> None:
        """Until it holds; looked at after every request and connection."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def frames(self, count: int = 1) -> None:
        """Until so many more frames were accepted."""
        goal = len(self.rules.injected) + count
        await self.until(lambda: len(self.rules.injected) >= goal)

    # --- the socket ---

    async def _serve(self, connection: ServerConnection) -> None:
        self.connected += 1
        out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        session = Session(self.connected, out.put_nowait)
        self.rules.sessions[session.number] = session
        self._stir()
        writing = asyncio.create_task(_write(connection, out))
        try:
            async for raw in connection:
                if self.mute:
                    continue
                answer = self.rules.handle(session, raw)
                if answer is None:
                    answer = self._pop_up(session, json.loads(raw), connection)
                if answer is not None:
                    out.put_nowait(answer)
                self._stir()
        except ConnectionClosed:
            pass
        finally:
            del self.rules.sessions[session.number]
            if self._open is not None and self._open[0] is session:
                self._open = None
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self._stir()

    def _pop_up(
        self, session: Session, message: dict[str, Any], connection: ServerConnection
    ) -> dict[str, Any] | None:
        if self._open is not None:
            self.rules.errors.append(51)
            return _error(message, ApiError(51, "Already open"))
        self.asked += 1
        if self.popup == "wait":
            self._open = session, message, connection
            return None
        return self._answered(message, allow=self.popup == "allow")

    def _answered(self, message: dict[str, Any], *, allow: bool) -> dict[str, Any]:
        if not allow:
            self.rules.errors.append(50)
            return _error(message, ApiError(50, "User has denied API access for your plugin."))
        token = str(uuid.uuid4())
        self.rules.tokens[token] = self.rules.check_names(message["data"])
        data = {"authenticationToken": token}
        return envelope("AuthenticationTokenResponse", message.get("requestID", ""), data)

    def _stir(self) -> None:
        self._changed.set()


async def _write(connection: ServerConnection, out: asyncio.Queue[dict[str, Any]]) -> None:
    try:
        while True:
            await connection.send(json.dumps(await out.get()))
    except ConnectionClosed:
        pass


def _error(message: dict[str, Any], error: ApiError) -> dict[str, Any]:
    data = {"errorID": error.code, "message": error.message}
    return envelope("APIError", message.get("requestID", ""), data)
