"""A Twitch IRC server for tests: TLS and WebSocket, with the rules of the real one.

It keeps what Twitch is known to do: PASS before NICK, capabilities, silence for a channel that
is not there, PING and PONG, limits on logins and joins, tags only for those who asked. It can
also misbehave in every way a network can (``Trouble``), and flood.

In a test::

    async with TwitchIrcServer(authority) as server:
        ...                                # connect to localhost:server.port, trust server.ca_file
        await server.joined(1)
        server.say("hello", author="mira")

In a process of its own, for load (a line of JSON says port and CA file; commands are JSON
lines on stdin; it ends with stdin)::

    PYTHONPATH=tests python -m doubles.twitch_irc --rate 1000 --seconds 60

``--rate`` is in lines a minute and begins when somebody has joined. Commands::

    {"do": "flood", "rate": 100000, "seconds": 60}   {"do": "say", "text": "hi", "author": "mira"}
    {"do": "ban", "author": "mira"}                  {"do": "delete", "id": "..."}
    {"do": "drop"}                                   {"do": "raw", "line": "@... :... PRIVMSG ..."}

Each is answered with one line; so is the end of a flood: {"event": "flooded", "lines": N, "s": S}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import struct
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Any

from doubles.tls import Authority
from doubles.twitch_irc_lines import (
    ROOM_ID,
    SERVER,
    flood_lines,
    number_of,
    privmsg,
    usernotice,
)
from doubles.twitch_irc_rules import Client, Limit
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

_LOGINS, _JOINS, _WINDOW_S = 20, 20, 10.0
_MESSAGES, _MESSAGES_S = 20, 30.0
_TICK_S = 0.01
_SUBPROTOCOL = Subprotocol("irc")  # tmi.js wants it, others do without


class Trouble(Enum):
    """What the next connection suffers before anybody can log in."""

    REFUSED = auto()  # closed as soon as it is accepted
    RESET = auto()  # the same, by RST
    NO_TLS = auto()  # answers the handshake with something else
    WRONG_NAME = auto()  # a good certificate of another host
    TARPIT = auto()  # accepted, and never a word
    MUTE = auto()  # TLS, and never a word


class _Tls(asyncio.Protocol):
    """A client on a raw TLS socket."""

    def __init__(self, server: TwitchIrcServer, *, mute: bool) -> None:
        self._server = server
        self._mute = mute
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self._client = Client(self._server, transport.write)
        self._client.close = transport.close
        self._client.reset = self._reset
        self._client.abort = transport.abort
        self._client.deafen = transport.pause_reading
        self._client.deaf = self._mute
        self._server.enter(self._client)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._client.receive(line.decode("utf-8", "replace").rstrip("\r"))

    def pause_writing(self) -> None:
        self._server.writable.clear()

    def resume_writing(self) -> None:
        self._server.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.writable.set()
        self._server.leave(self._client)

    def _reset(self) -> None:
        abort_with_rst(self.transport.get_extra_info("socket"))
        self.transport.abort()


def abort_with_rst(sock: Any) -> None:
    """Closing this socket sends RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TwitchIrcServer:
    """``channels`` exist, ``tokens`` (token to login) are good, ``banned`` logins may not join.

    ``clients`` are those connected now. Everything may be changed while it runs.
    """

    def __init__(
        self,
        authority: Authority,
        *,
        channel: str = "spark",
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authority = authority
        self._good = authority.server()
        self._wrong = authority.wrong_name()
        self.channel = channel
        self.channels = {channel}
        self.tokens: dict[str, str] = {}
        self.banned: set[str] = set()
        self.troubles: deque[Trouble] = deque()  # for the next connections, one each
        self.no_roomstate = False
        self.logins = Limit(_LOGINS, _WINDOW_S, now_s)
        self.joins = Limit(_JOINS, _WINDOW_S, now_s)
        self.messages = Limit(_MESSAGES, _MESSAGES_S, now_s)
        self.locked_out = 0  # logins and joins over the limit
        self.refused = 0
        self.accepted = 0
        self.clients: list[Client] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[socket.socket] = []
        self.port = self.ws_port = 0

    @property
    def ca_file(self) -> str:
        return self._authority.ca_file

    async def __aenter__(self) -> TwitchIrcServer:
        self._listen = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listen.setblocking(False)
        self.port = self._listen.getsockname()[1]
        self._spawn(self._accept())
        self._web: Server = await serve(
            self._on_websocket,
            "127.0.0.1",
            0,
            ssl=self._good,
            ping_interval=None,
            subprotocols=[_SUBPROTOCOL],
            select_subprotocol=lambda _, offered: _SUBPROTOCOL if _SUBPROTOCOL in offered else None,
        )
        self.ws_port = next(iter(self._web.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._web.close()
        await self._web.wait_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in list(self.clients):
            client.reset()
        await self.until(lambda: not self.clients)
        self._listen.close()
        self.release()

    def release(self) -> None:
        """Closes the sockets that were held and never served (Trouble.TARPIT)."""
        for sock in self._held:
            sock.close()
        self._held.clear()

    # --- what is said in the channel ---

    def say(
        self,
        text: str,
        *,
        author: str = "mira",
        channel: str = "",
        line_id: str = "",
        but: Client | None = None,
        **more: Any,
    ) -> str:
        """A viewer's line to all who have joined; its id. ``more`` as in ``privmsg``."""
        line_id = line_id or str(uuid.uuid4())
        channel = channel or self.channel
        tags, rest = privmsg(channel, author, text, line_id=line_id, **more)
        self.send(rest, tags, channel=channel, but=but)
        return line_id

    def event(self, name: str, *, author: str = "mira", system: str = "", **more: Any) -> str:
        """A USERNOTICE (``name`` is its msg-id); its id. ``more`` as in ``usernotice``."""
        line_id = str(uuid.uuid4())
        tags, rest = usernotice(self.channel, author, name, line_id=line_id, system=system, **more)
        self.send(rest, tags)
        return line_id

    def delete(self, line_id: str, author: str = "mira") -> None:
        tags = {"login": author, "room-id": "", "target-msg-id": line_id, "tmi-sent-ts": "1"}
        self.send(f":{SERVER} CLEARMSG #{self.channel} :a line", tags)

    def ban(self, author: str, seconds: int = 0) -> None:
        """For good, or a timeout."""
        tags = {"ban-duration": str(seconds)} if seconds else {}
        tags |= {"room-id": ROOM_ID, "target-user-id": number_of(author), "tmi-sent-ts": "1"}
        self.send(f":{SERVER} CLEARCHAT #{self.channel} :{author}", tags)

    def clear(self) -> None:
        self.send(f":{SERVER} CLEARCHAT #{self.channel}", {"room-id": ROOM_ID, "tmi-sent-ts": "1"})

    def send(
        self,
        rest: str,
        tags: dict[str, str] | None = None,
        *,
        channel: str = "",
        but: Client | None = None,
    ) -> None:
        """A line to all who have joined."""
        for client in self.clients:
            if client is not but and (channel or self.channel) in client.rooms:
                client.send(rest, tags)

    def write(self, data: bytes) -> None:
        """Bytes, as they are, to all who have joined."""
        for client in self._in_channel():
            if not client.deaf:
                client.write(data)

    async def flood(self, per_minute: float, seconds: float) -> int:
        """Different lines at this rate; how many. Waits when the reader is too slow."""
        block = flood_lines(self.channel)
        begin = time.monotonic()
        sent = 0
        while True:
            elapsed = time.monotonic() - begin
            due = int(min(elapsed + _TICK_S, seconds) * per_minute / 60)
            if due > sent:
                self.write(block(due - sent))
                sent = due
            if elapsed >= seconds or not self.clients:
                return sent
            await self.writable.wait()
            await asyncio.sleep(_TICK_S)

    # --- who is there ---

    async def joined(self, count: int = 1) -> list[Client]:
        """Waits until so many clients are in the channel; these."""
        await self.until(lambda: len(self._in_channel()) >= count)
        return self._in_channel()

    async def until(self, holds: Callable[[], object], within_s: float = 30.0) -> None:
        """Waits until ``holds()``, looked at whenever something has come or gone."""
        async with asyncio.timeout(within_s):
            while not holds():
                self._moved.clear()
                await self._moved.wait()

    def moved(self) -> None:
        self._moved.set()

    def enter(self, client: Client) -> None:
        self.clients.append(client)
        self.moved()

    def leave(self, client: Client) -> None:
        self.clients.remove(client)
        self.moved()

    def _in_channel(self) -> list[Client]:
        return [client for client in self.clients if self.channel in client.rooms]

    # --- sockets ---

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listen)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio forgets it here
            self.accepted += 1
            trouble = self.troubles.popleft() if self.troubles else None
            self.moved()
            self._spawn(self._serve(sock, trouble))

    async def _serve(self, sock: socket.socket, trouble: Trouble | None) -> None:
        loop = asyncio.get_running_loop()
        if trouble in (Trouble.REFUSED, Trouble.RESET, Trouble.NO_TLS):
            if trouble is Trouble.RESET:
                abort_with_rst(sock)
            elif trouble is Trouble.NO_TLS:
                await loop.sock_recv(sock, 4096)
                await loop.sock_sendall(sock, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            sock.close()
            return
        if trouble is Trouble.TARPIT:
            self._held.append(sock)
            return
        mute = trouble is Trouble.MUTE
        context = self._wrong if trouble is Trouble.WRONG_NAME else self._good
        try:
            await loop.connect_accepted_socket(lambda: _Tls(self, mute=mute), sock, ssl=context)
        except OSError:  # the client does not like our certificate, or is gone
            sock.close()

    async def _on_websocket(self, connection: ServerConnection) -> None:
        out: asyncio.Queue[bytes] = asyncio.Queue()
        client = Client(self, out.put_nowait)
        client.close = lambda: self._spawn(connection.close())
        client.reset = client.abort = connection.transport.abort
        self.enter(client)
        self._spawn(_pump(connection, out))
        try:
            async for frame in connection:
                text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
                for line in text.splitlines():
                    client.receive(line)
        except ConnectionClosed:
            pass  # as good as an end
        finally:
            self.leave(client)


async def _pump(connection: ServerConnection, out: asyncio.Queue[bytes]) -> None:
    try:
        while True:
            await connection.send((await out.get()).decode("utf-8", "replace"))
    except ConnectionClosed:
        return


# --- a process of its own ---


async def _commands(server: TwitchIrcServer, rate: float, seconds: float) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )

    def tell(**said: Any) -> None:
        print(json.dumps(said), flush=True)

    async def flood(rate: float, seconds: float) -> None:
        await server.joined()
        begin = time.monotonic()
        lines = await server.flood(rate, seconds)
        tell(event="flooded", lines=lines, s=round(time.monotonic() - begin, 3))

    floods = [asyncio.create_task(flood(rate, seconds))] if rate else []
    try:
        while line := await reader.readline():
            order = json.loads(line)
            do = order.pop("do")
            if do == "flood":
                floods.append(asyncio.create_task(flood(order["rate"], order["seconds"])))
                tell(event="flooding")
            elif do == "say":
                tell(event="said", id=server.say(**order))
            elif do == "ban":
                server.ban(**order)
                tell(event="banned", user_id=number_of(order["author"]))
            elif do == "delete":
                server.delete(order["id"])
                tell(event="deleted")
            elif do == "raw":
                server.write(order["line"].encode() + b"\r\n")
                tell(event="written")
            elif do == "drop":
                count = len(server.clients)
                for client in list(server.clients):
                    client.reset()
                tell(event="dropped", clients=count)
            else:
                tell(event="unknown", do=do)
    finally:
        for task in floods:
            task.cancel()
        await asyncio.gather(*floods, return_exceptions=True)


async def _main() -> None:
    options = argparse.ArgumentParser(prog="doubles.twitch_irc")
    options.add_argument("--channel", default="spark")
    options.add_argument("--rate", type=float, default=0.0, help="lines a minute; 0: none")
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--token", action="append", default=[], metavar="TOKEN=LOGIN")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="spark-irc-") as folder:
        async with TwitchIrcServer(Authority(Path(folder)), channel=chosen.channel) as server:
            server.tokens = dict(pair.split("=", 1) for pair in chosen.token)
            where = {"host": "localhost", "port": server.port, "ws_port": server.ws_port}
            print(json.dumps({**where, "ca_file": server.ca_file}), flush=True)
            await _commands(server, chosen.rate, chosen.seconds)


if __name__ == "__main__":
    asyncio.run(_main())
