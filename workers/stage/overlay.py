"""The browser page: HTTP for its files, one WebSocket for captions and sound.

The socket carries JSON texts (``type``: state, caption, length, clear, flush, truncate, mute,
duck, mouth; times in seconds of the playout clock) and binary frames: HEADER, then 16-bit
mono PCM. Nothing waits for a browser: each client has a bounded queue, loses its oldest sound
first and its connection if it stays stuck.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from ipc.errors import AddressInUse
from workers.face.expression import EMOTIONS
from workers.runtime.visitors import foreign, shown_url, split_url, stranger
from workers.stage.gain import Ramp
from workers.stage.mouth import RATE_HZ, Track
from workers.stage.outputs import Clear, Length, Show, Sound, Truncate

HEADER = struct.Struct("<IIIIdf")
"""turn, clause, sample offset, samples a second, stage clock in s, lead in s."""

_QUEUE = 64  # messages, about six seconds of sound
_STUCK = 50  # sounds dropped in a row, about five seconds: the page is gone
_SOCKET_BYTES = 65536  # what the kernel may hold for a page that does not read
_CLIENTS = 32
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("overlay", "sound", "captions", "face")
    },
    **{f"/{name}.css": (f"{name}.css", "text/css; charset=utf-8") for name in ("overlay", "face")},
}
_UNINVITED = "add ?token= and the word in the file overlay-token of the state directory\n"
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # port scanners are not worth a traceback each


class _Client:
    """One page: what still has to be sent to it. ``face``: it draws one."""

    def __init__(self, socket_: ServerConnection, face: bool) -> None:
        self.socket = socket_
        self.face = face
        self._queue: deque[str | bytes] = deque()
        self._something = asyncio.Event()
        self._dropped = 0

    def put(self, message: str | bytes) -> None:
        if not self._queue and self.socket.transport.get_write_buffer_size() == 0:
            broadcast((self.socket,), message)  # at once, without a task switch
            return
        if len(self._queue) >= _QUEUE:
            oldest = next((m for m in self._queue if isinstance(m, bytes)), self._queue[0])
            self._queue.remove(oldest)
            self._dropped += 1
            if self._dropped >= _STUCK:
                self.socket.transport.abort()
        self._queue.append(message)
        self._something.set()

    def drop_sound(self) -> None:
        self._queue = deque(m for m in self._queue if isinstance(m, str))

    async def pump(self) -> None:
        while True:
            await self._something.wait()
            while self._queue:
                await self.socket.send(self._queue.popleft())
                self._dropped = 0
            self._something.clear()


class Overlay:
    """A sink and a server. ``token`` is empty, or what every visitor must present.

    ``face``: pages draw one unless they ask not to; ``on_face()`` is called when one does.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str = "",
        *,
        face: bool = False,
        on_face: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._host = host
        self._port = port
        self._token = token
        self._face = face
        self._on_face = on_face
        self._clock = clock
        self._server: Server | None = None
        self._clients: set[_Client] = set()
        self._shown: Show | None = None
        self._muted = False
        self._gain = 1.0
        static = files("workers.stage") / "static"
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
                max_size=1024,
                max_queue=4,
                write_limit=_SOCKET_BYTES,
                server_header=None,
                logger=_wire,
            )
        except OSError as error:
            raise AddressInUse(
                f"the overlay page cannot listen on {self._host}:{self._port}: "
                f"{_reason(error)} (stage.overlay_host, stage.overlay_port)",
                "end the other program or set another stage.overlay_port; 0 takes a free one",
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
        return shown_url(self._host, self.port, "/")

    @property
    def clients(self) -> int:
        return len(self._clients)

    @property
    def faces(self) -> bool:
        """Whether some page wants to know where the mouth is."""
        return any(client.face for client in self._clients)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    # --- the sink ---

    def sound(self, sound: Sound) -> None:
        self._follow(sound)
        if not self._clients:
            return
        frame = (
            HEADER.pack(
                sound.turn,
                sound.clause,
                sound.offset,
                sound.rate,
                sound.at_ns / 1e9,
                sound.lead_ns / 1e9,
            )
            + sound.pcm
        )
        for client in self._clients:
            client.put(frame)

    def mouth(self, track: Track) -> None:
        """Frames for the pages that draw a face; their numbers are 0..255, six a row."""
        text = _json(
            "mouth",
            turn=track.turn,
            clause=track.clause,
            at=track.at_ns / 1e9,
            rate=RATE_HZ,
            rows=(track.rows * 255.0).round().astype(int).ravel().tolist(),
            **self._now(),
        )
        for client in self._clients:
            if client.face:
                client.put(text)

    def show(self, show: Show) -> None:
        self._shown = show
        self._tell(self._caption(show))

    def length(self, length: Length) -> None:
        """What is shown takes exactly so long."""
        shown = self._shown
        if shown is not None and _is_of(shown, length.turn, length.clause):
            self._shown = replace(shown, length_ns=length.length_ns, exact=True)
        self._tell(
            _json("length", turn=length.turn, clause=length.clause, length=length.length_ns / 1e9)
        )

    def clear(self, clear: Clear) -> None:
        self._shown = None
        self._tell(_json("clear", turn=clear.turn, cut=clear.cut))

    def flush(self, turn: int) -> None:
        self._shown = None
        for client in self._clients:
            client.drop_sound()
        self._tell(_json("flush", turn=turn))

    def truncate(self, truncate: Truncate) -> None:
        self._tell(_json("truncate", turn=truncate.turn, at=truncate.at_ns / 1e9))

    def duck(self, ramp: Ramp) -> None:
        self._gain = ramp.end
        self._tell(_json("duck", gain=ramp.end, ramp=ramp.length_ns / 1e9))

    def mute(self, muted: bool) -> None:
        self._muted = muted
        if muted:
            for client in self._clients:
                client.drop_sound()
        self._tell(_json("mute", muted=muted))

    def _follow(self, sound: Sound) -> None:
        """After a gap in its sound a clause is as much later; pages see that by themselves."""
        shown = self._shown
        if shown is not None and _is_of(shown, sound.turn, sound.clause):
            begin_ns = sound.at_ns - sound.offset * 1_000_000_000 // sound.rate
            self._shown = replace(shown, at_ns=begin_ns)

    def _caption(self, show: Show) -> str:
        caption = show.caption
        return _json(
            "caption",
            turn=caption.turn,
            clause=caption.clause,
            text=caption.text,
            speaker=caption.speaker,
            color=caption.color,
            persona=caption.persona,
            emotion=caption.emotion,
            expression=EMOTIONS.get(caption.emotion.strip().lower(), ""),
            voiced=caption.voiced,
            at=show.at_ns / 1e9,
            length=show.length_ns / 1e9,
            exact=show.exact,
            **self._now(),
        )

    def _now(self) -> dict[str, float]:
        return {"clock": self._clock() / 1e9}

    def _tell(self, text: str) -> None:
        for client in self._clients:
            client.put(text)

    # --- the server ---

    async def _serve(self, connection: ServerConnection) -> None:
        raw = connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        client = _Client(connection, self._draws(connection.request))
        client.put(
            _json(
                "state",
                muted=self._muted,
                gain=self._gain,
                face="drawn" if client.face else "",
                **self._now(),
            )
        )
        if self._shown is not None:
            client.put(self._caption(self._shown))
        self._clients.add(client)
        if client.face:
            self._on_face()
        pump = asyncio.create_task(client.pump(), name="overlay page")
        try:
            async for _ in connection:
                pass  # pages have nothing to say
        except ConnectionClosed:
            return  # a browser that was killed says no goodbye
        finally:
            self._clients.discard(client)
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    def _draws(self, request: Request | None) -> bool:
        """Whether this page has a face: it said so, or the show does."""
        query = split_url(request.path).query if request is not None else ""
        wish = parse_qs(query).get("face", [""])[0]
        return wish != "0" if wish else self._face

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        """A file, a refusal, or None: go on to the WebSocket."""
        target = split_url(request.path)
        if target.path not in (*_FILES, "/ws"):
            return connection.respond(HTTPStatus.NOT_FOUND, "there is no such page\n")
        # with a token, the files of the page are for everybody: they say nothing of the show
        if (not self._token or target.path in ("/", "/ws")) and stranger(request, self._token):
            refusal = _UNINVITED if self._token else "wrong Host\n"
            return connection.respond(HTTPStatus.FORBIDDEN, refusal)
        if target.path != "/ws":
            body, kind = self._files[target.path]
            return Response(200, "OK", _headers(kind, len(body)), body)
        if len(self._clients) >= _CLIENTS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages\n")
        if foreign(request):  # it must not listen in
            return connection.respond(HTTPStatus.FORBIDDEN, "wrong Origin\n")
        return None


def _headers(kind: str, length: int) -> Headers:
    return Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(length),
            "Cache-Control": "no-store",
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Connection": "close",
        }
    )


def _is_of(show: Show, turn: int, clause: int) -> bool:
    return (show.caption.turn, show.caption.clause) == (turn, clause)


def _json(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def _reason(error: OSError) -> str:
    return "the port is in use" if error.errno == 98 else (error.strerror or str(error))
