"""The microphone page and the WebSocket for sound, on one port.

``/mic`` is a page that sends a browser's microphone to ``/audio``; any other program may
send there too (docs/ears.md). The socket answers with JSON: ready, speaking, partial,
final, ignored, and problem before it closes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Protocol

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from ipc.errors import AddressInUse
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechPartial, SpeechStarted
from workers.runtime.visitors import foreign, shown_url, split_url, stranger
from workers.stt.audio import BadSound
from workers.stt.ears import Told
from workers.stt.sources.hello import Hello, Pace, read_hello

_FRAME = 2**18  # bytes: half a second of the widest sound
_HELLO_S = 10.0
_SOURCES = 8
_POLITE_CLOSE = 1000
_BAD_CLOSE = 1008  # RFC 6455: policy violation
_REASON = 123  # bytes a close frame has room for
_FILES = {
    "/mic": ("mic.html", "text/html; charset=utf-8"),
    "/mic.js": ("mic.js", "text/javascript; charset=utf-8"),
    "/mic-capture.js": ("mic-capture.js", "text/javascript; charset=utf-8"),
    "/mic.css": ("mic.css", "text/css; charset=utf-8"),
}
_REFUSED = {
    "token": "add ?token= and the word in the file mic-token of the state directory\n",
    "host": "wrong Host\n",
}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # port scanners are not worth a traceback each


class Hearing(Protocol):
    """What takes the sound of one source."""

    @property
    def frame_bytes(self) -> int: ...

    def push(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class MicrophonePage:
    """``hear`` opens a source, ``notice(level, text, hint)`` tells the operator."""

    def __init__(
        self,
        host: str,
        port: int,
        hear: Callable[[Hello], Hearing],
        notice: Callable[[str, str, str], None],
        token: str = "",
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._port = port
        self._hear = hear
        self._notice = notice
        self._token = token
        self._now_s = now_s
        self._server: Server | None = None
        self._sources: dict[str, ServerConnection] = {}
        static = files("workers.stt") / "static"
        self._files = {
            path: ((static / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()
        }

    async def bind(self) -> None:
        """Listen. Raises AddressInUse if the port or the address cannot be had."""
        try:
            self._server = await serve(
                self._serve,
                self._host,
                self._port,
                process_request=self._request,
                compression=None,
                max_size=_FRAME,
                max_queue=8,
                server_header=None,
                logger=_wire,
            )
        except OSError as error:
            why = "the port is in use" if error.errno == 98 else (error.strerror or str(error))
            raise AddressInUse(
                f"the microphone page cannot listen on {self._host}:{self._port}: {why} "
                "(stt.page_host, stt.page_port)",
                "end the other program or set another stt.page_port; 0 takes a free one",
            ) from None

    @property
    def port(self) -> int:
        """The port in use; the one asked for while not bound."""
        if self._server is None:
            return self._port
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return shown_url(self._host, self.port, "/mic")

    @property
    def sources(self) -> list[str]:
        """Names of those who send now."""
        return list(self._sources)

    def tell(self, message: Told) -> None:
        """Let the source see what was heard of it."""
        connection = self._sources.get(message.source)
        if connection is None:
            return
        if isinstance(message, SpeechStarted):
            said = _json("speaking")
        elif isinstance(message, SpeechPartial):
            said = _json("partial", text=message.text, stable=message.stable)
        elif isinstance(message, SpeechFinal):
            said = _json("final", text=message.text)
        else:
            assert isinstance(message, SpeechIgnored)
            said = _json("ignored", reason=message.reason)
        broadcast((connection,), said)  # never waits for a page that does not read

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    # --- one source ---

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            hello, hearing = await self._welcome(connection)
        except BadSound as error:
            await self._turn_away(connection, "a sound source", error)
            return
        except (ConnectionClosed, TimeoutError):
            return
        before = self._sources.get(hello.name)
        self._sources[hello.name] = connection
        if before is not None:
            await before.close(_POLITE_CLOSE, "another connection took over this name")
        try:
            await connection.send(_json("ready", name=hello.name, rate=hello.rate))
            await self._listen(connection, hello, hearing)
        except BadSound as error:
            await self._turn_away(connection, f"the sound source {hello.name!r}", error)
        except ConnectionClosed:
            return  # a browser that was killed says no goodbye
        finally:
            hearing.close()
            if self._sources.get(hello.name) is connection:
                del self._sources[hello.name]

    async def _welcome(self, connection: ServerConnection) -> tuple[Hello, Hearing]:
        async with asyncio.timeout(_HELLO_S):
            first = await connection.recv()
        if isinstance(first, bytes):
            raise BadSound("sound came before its description", "begin with a JSON text")
        hello = read_hello(first)
        if len(self._sources) >= _SOURCES and hello.name not in self._sources:
            raise BadSound(f"there are {_SOURCES} sources already", "close one of them")
        return hello, self._hear(hello)

    async def _listen(self, connection: ServerConnection, hello: Hello, hearing: Hearing) -> None:
        pace = Pace(hello.rate, self._now_s())
        async for message in connection:
            if isinstance(message, str):
                raise BadSound("a text came in the middle of the sound", "send only sound")
            pace.came(len(message) // hearing.frame_bytes, self._now_s())
            hearing.push(message)

    async def _turn_away(self, connection: ServerConnection, who: str, error: BadSound) -> None:
        self._notice("warning", f"{who} is not heard: {error.message}", error.hint)
        try:
            await connection.send(_json("problem", text=error.message, hint=error.hint))
        except ConnectionClosed:
            return
        reason = error.message.encode()[:_REASON].decode(errors="ignore")
        await connection.close(_BAD_CLOSE, reason)

    # --- the visitors ---

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        """A file, a refusal, or None: go on to the WebSocket."""
        path = split_url(request.path).path
        if path == "/":
            query = split_url(request.path).query
            response = connection.respond(HTTPStatus.FOUND, "")
            response.headers["Location"] = f"/mic?{query}" if query else "/mic"
            return response
        if path not in (*_FILES, "/audio"):
            return connection.respond(HTTPStatus.NOT_FOUND, "there is no such page\n")
        # scripts and styles hold nothing that needs the token
        if not (self._token and path in _FILES and path != "/mic"):
            why = stranger(request, self._token)
            if why:
                return connection.respond(HTTPStatus.FORBIDDEN, _REFUSED[why])
        if path != "/audio":
            body, kind = self._files[path]
            return Response(200, "OK", _headers(kind, len(body)), body)
        if foreign(request):  # a page of another site must not speak to her
            return connection.respond(HTTPStatus.FORBIDDEN, "wrong Origin\n")
        return None


def _headers(kind: str, length: int) -> Headers:
    return Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(length),
            "Cache-Control": "no-store",
            "Content-Security-Policy": _POLICY,
            "Permissions-Policy": "microphone=(self)",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Connection": "close",
        }
    )


def _json(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})
