"""The WebSocket half of the Twitch double: EventSub sessions, with the rules of the real one."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from doubles.twitch_helix import Refused
from doubles.twitch_world import Said, Token, User, World

SOCKETS_MAX = 3
SUBSCRIPTIONS_MAX = 300
STAMP = "2026-11-22T12:00:00.123456789Z"
_KNOWN = {
    "channel.chat.message",
    "channel.chat.notification",
    "channel.chat.message_delete",
    "channel.chat.clear_user_messages",
    "channel.chat.clear",
}


@dataclass
class Session:
    """What subscriptions belong to; it outlives a move from one socket to another."""

    id: str
    client_id: str = ""
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    socket: Socket | None = None
    moving: bool = False


@dataclass(eq=False)
class Socket:
    """One connection."""

    ws: web.WebSocketResponse
    request: web.Request
    session: Session
    keepalive_s: float
    out: asyncio.Queue[str | bytes | int] = field(default_factory=asyncio.Queue)
    silent: bool = False  # half-open: nothing goes out any more
    welcomed: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def abort(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()


class SocketsDouble:
    """All EventSub sockets of the double."""

    def __init__(
        self,
        world: World,
        changed: Callable[[], None],
        *,
        keepalive_s: float | None,
        subscribe_within_s: float,
        grace_s: float,
        transports_linger: bool,
    ) -> None:
        self.world = world
        self.sockets: list[Socket] = []
        self.sessions: dict[str, Session] = {}
        self.lingering = 0  # dropped sockets whose subscriptions are still counted
        self.connected = 0  # sockets ever
        self.greet = True  # False: connects, and never says welcome
        self.refuse = 0  # so many handshakes are answered with 503
        self.received: list[str] = []  # what a client must never send
        self._changed = changed
        self._keepalive_s = keepalive_s
        self._subscribe_within_s = subscribe_within_s
        self._grace_s = grace_s
        self._linger = transports_linger

    # --- connections ---

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=503)
        asked = float(request.query.get("keepalive_timeout_seconds", "10"))
        if not 10 <= asked <= 600:
            return web.Response(status=400)
        moved = request.query.get("moved")
        ws = web.WebSocketResponse(autoping=True, max_msg_size=1 << 16)
        await ws.prepare(request)
        self.connected += 1
        session = self.sessions.get(moved) if moved is not None else Session(uuid.uuid4().hex)
        if session is None or (moved is not None and not session.moving):
            await ws.close(code=4007, message=b"invalid reconnect")
            return ws
        socket = Socket(ws, request, session, self._keepalive_s or asked)
        self.sockets.append(socket)
        if self.greet:
            self._welcome(socket)
        self._changed()
        socket.tasks = [asyncio.create_task(self._write(socket))]
        try:
            await self._listen(socket)
        finally:
            await self._forget(socket)
        return ws

    def _welcome(self, socket: Socket) -> None:
        session = socket.session
        self.sessions[session.id] = session
        first = session.socket is None
        session.socket, session.moving = socket, False
        socket.welcomed = True
        socket.out.put_nowait(
            _frame(
                "session_welcome",
                session={
                    "id": session.id,
                    "status": "connected",
                    "keepalive_timeout_seconds": _whole(socket.keepalive_s),
                    "reconnect_url": None,
                    "connected_at": STAMP,
                },
            )
        )
        if first:
            self._later(self._subscribe_within_s, lambda: self._unused(socket))

    async def _listen(self, socket: Socket) -> None:
        async for message in socket.ws:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.received.append(str(message.data))
                await socket.ws.close(code=4001, message=b"client sent inbound traffic")

    async def _write(self, socket: Socket) -> None:
        while True:
            try:
                async with asyncio.timeout(socket.keepalive_s):
                    item = await socket.out.get()
            except TimeoutError:
                if not socket.welcomed:
                    continue
                item = _frame("session_keepalive")
            if socket.silent:
                continue
            try:
                if isinstance(item, int):
                    await socket.ws.close(code=item, message=b"")
                    return
                if isinstance(item, bytes):
                    await socket.ws.send_bytes(item)
                else:
                    await socket.ws.send_str(item)
            except (ConnectionError, RuntimeError):
                return

    async def _forget(self, socket: Socket) -> None:
        for task in socket.tasks:
            task.cancel()
        await asyncio.gather(*socket.tasks, return_exceptions=True)
        if socket in self.sockets:
            self.sockets.remove(socket)
        session = socket.session
        if session.socket is socket:
            self.sessions.pop(session.id, None)
            if self._linger and session.subscriptions:
                self.lingering += 1
        self._changed()

    def _unused(self, socket: Socket) -> None:
        if not socket.session.subscriptions and socket in self.sockets:
            socket.out.put_nowait(4003)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)

    def close(self) -> None:
        for socket in list(self.sockets):
            socket.abort()

    # --- subscriptions ---

    def subscribe(self, body: dict[str, Any], token: Token) -> dict[str, Any]:
        transport, condition = body.get("transport") or {}, body.get("condition") or {}
        kind = str(body.get("type", ""))
        if kind not in _KNOWN or str(body.get("version")) != "1":
            raise Refused(400, "The combination of values in type and version is not valid")
        session = self.sessions.get(str(transport.get("session_id")))
        if transport.get("method") != "websocket" or session is None:
            raise Refused(400, "websocket transport session does not exist or has disconnected")
        if condition.get("broadcaster_user_id") != self.world.owner.id:
            raise Refused(400, "The broadcaster in the condition is not valid")
        if token.user is None or condition.get("user_id") != token.user.id:
            raise Refused(403, "subscription missing proper authorization")
        if self.world.banned(token.user.id):
            raise Refused(403, "The user is banned from the broadcaster's chat")
        if kind in session.subscriptions:
            raise Refused(409, "subscription already exists")
        used = {other.id for other in self.sessions.values() if other.subscriptions}
        if len(used - {session.id}) + self.lingering >= SOCKETS_MAX:
            raise Refused(429, "number of websocket transports limit exceeded")
        if len(session.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Refused(429, "number of subscriptions limit exceeded")
        row = {
            "id": uuid.uuid4().hex,
            "status": "enabled",
            "type": kind,
            "version": "1",
            "condition": dict(condition),
            "created_at": STAMP,
            "transport": {
                "method": "websocket",
                "session_id": session.id,
                "connected_at": STAMP,
            },
            "cost": 0,
        }
        session.subscriptions[kind] = row
        session.client_id = token.client_id
        return row

    def subscriptions(self) -> list[dict[str, Any]]:
        return [row for s in self.sessions.values() for row in s.subscriptions.values()]

    def unsubscribe(self, subscription_id: str) -> bool:
        for session in self.sessions.values():
            for kind, row in list(session.subscriptions.items()):
                if row["id"] == subscription_id:
                    del session.subscriptions[kind]
                    return True
        return False

    @property
    def ready(self) -> list[Session]:
        """Sessions that have every subscription a chat needs."""
        return [s for s in self.sessions.values() if len(s.subscriptions) == len(_KNOWN)]

    # --- what is told ---

    def notify(self, kind: str, event: dict[str, Any], times: int = 1) -> None:
        """To every session subscribed to it, ``times`` times with one id (at least once)."""
        room = {
            "broadcaster_user_id": self.world.owner.id,
            "broadcaster_user_login": self.world.owner.login,
            "broadcaster_user_name": self.world.owner.name,
        }
        for session in self.sessions.values():
            row = session.subscriptions.get(kind)
            if row is None or session.socket is None:
                continue
            frame = _frame("notification", kind=kind, subscription=row, event=room | event)
            for _ in range(times):
                session.socket.out.put_nowait(frame)

    def told(self, said: Said, times: int = 1, **fields: Any) -> None:
        self.notify("channel.chat.message", self.message_event(said) | fields, times)

    def message_event(self, said: Said) -> dict[str, Any]:
        parent = self.world.lines.get(said.reply_to)
        reply = None
        if parent is not None:
            reply = {
                "parent_message_id": parent.id,
                "parent_message_body": parent.text,
                "parent_user_id": parent.user.id,
                "parent_user_name": parent.user.name,
                "parent_user_login": parent.user.login,
                "thread_message_id": parent.id,
                "thread_user_id": parent.user.id,
                "thread_user_name": parent.user.name,
                "thread_user_login": parent.user.login,
            }
        return {
            **_chatter(said.user),
            "message_id": said.id,
            "message": text_of(said.text),
            "message_type": "text",
            "badges": self.badges(said.user),
            "cheer": None,
            "color": "#FF0000",
            "reply": reply,
            "channel_points_custom_reward_id": None,
            "channel_points_animation_id": None,
            "source_broadcaster_user_id": None,
            "source_broadcaster_user_login": None,
            "source_broadcaster_user_name": None,
            "source_message_id": None,
            "source_badges": None,
            "is_source_only": None,
        }

    def badges(self, user: User) -> list[dict[str, str]]:
        if user == self.world.owner:
            return [{"set_id": "broadcaster", "id": "1", "info": ""}]
        if user.id in self.world.moderators:
            return [{"set_id": "moderator", "id": "1", "info": ""}]
        return []

    def deleted(self, said: Said) -> None:
        event = {**_target(said.user), "message_id": said.id}
        self.notify("channel.chat.message_delete", event)

    def silenced(self, user: User) -> None:
        self.notify("channel.chat.clear_user_messages", _target(user))

    def cleared(self) -> None:
        self.notify("channel.chat.clear", {})

    def revoked(self, login: str, status: str) -> None:
        """Every subscription of that user ends."""
        user = self.world.user(login)
        for session in self.sessions.values():
            for kind, row in list(session.subscriptions.items()):
                if row["condition"].get("user_id") == user.id and session.socket is not None:
                    ended = {**row, "status": status}
                    del session.subscriptions[kind]
                    session.socket.out.put_nowait(
                        _frame("revocation", kind=kind, subscription=ended)
                    )

    # --- trouble ---

    def move(self, base_url: str, *, bad: bool = False) -> None:
        """Every socket is told to go elsewhere (``bad``: to an address that is not valid)."""
        for socket in self._current():
            session = socket.session
            session.moving = not bad
            url = f"{base_url}?moved={'nowhere' if bad else session.id}"
            payload = {
                "id": session.id,
                "status": "reconnecting",
                "keepalive_timeout_seconds": None,
                "reconnect_url": url,
                "connected_at": STAMP,
            }
            socket.out.put_nowait(_frame("session_reconnect", session=payload))

            def late(old: Socket = socket) -> None:
                if old in self.sockets:
                    old.out.put_nowait(4004)

            self._later(self._grace_s, late)

    def reset(self) -> None:
        """RST instead of an end."""
        for socket in self._current():
            socket.abort()

    def end(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        for socket in self._current():
            socket.out.put_nowait(int(code))

    def go_silent(self) -> None:
        """Half-open: the connection stays, and nothing more comes."""
        for socket in self._current():
            socket.silent = True

    def garbage(self) -> None:
        for socket in self._current():
            for junk in (
                "",
                "{",
                "[]",
                '{"metadata":1}',
                "\ud83d".encode("utf-16", "ignore").hex(),
            ):
                socket.out.put_nowait(junk)
            socket.out.put_nowait(b"\xff\x00\xfe")

    def huge(self) -> None:
        """A frame larger than anything Twitch sends."""
        for socket in self._current():
            socket.out.put_nowait("x" * (1 << 20))

    def _current(self) -> list[Socket]:
        return [s.socket for s in self.sessions.values() if s.socket is not None]


def text_of(text: str) -> dict[str, Any]:
    """A ``message`` with one fragment."""
    fragment = {"type": "text", "text": text, "cheermote": None, "emote": None, "mention": None}
    return {"text": text, "fragments": [fragment] if text else []}


def _chatter(user: User) -> dict[str, Any]:
    return {
        "chatter_user_id": user.id,
        "chatter_user_login": user.login,
        "chatter_user_name": user.name,
    }


def _target(user: User) -> dict[str, Any]:
    return {
        "target_user_id": user.id,
        "target_user_login": user.login,
        "target_user_name": user.name,
    }


def _frame(message_type: str, *, kind: str = "", **payload: Any) -> str:
    metadata = {
        "message_id": str(uuid.uuid4()),
        "message_type": message_type,
        "message_timestamp": STAMP,
    }
    if kind:
        metadata |= {"subscription_type": kind, "subscription_version": "1"}
    return json.dumps({"metadata": metadata, "payload": payload}, ensure_ascii=False)


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds
