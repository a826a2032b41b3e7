"""A YouTube Data API of our own: videos, liveChat/messages and liveChat/bans, on loopback.

As documented: page tokens are enforced, so are key, token and scope; looking sooner than
``pollingIntervalMillis`` is answered with rateLimitExceeded; units are counted; errors come in
Google's envelope. ``tests/chat/test_youtube_double.py`` holds it against Google's own client.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

VIDEO = "dQw4w9WgXcQ"
CHAT = "chat-1"
OWNER = "UCowner"
KEY = "test-key-4711"
TOKEN = "test-token-0815"
REFRESH = "test-refresh-99"
CLIENT = ("client-id-1", "client-secret-1")
UNITS = {"videos": 1, "list": 5, "write": 50}

Reply = tuple[int, Any]


class Fault(Exception):
    """An error in Google's envelope."""

    def __init__(self, status: int, reason: str, message: str = "", domain: str = "global") -> None:
        super().__init__(reason)
        text = message or f"The request failed: {reason}."
        self.status = status
        self.body = {
            "error": {
                "code": status,
                "message": text,
                "errors": [{"message": text, "domain": domain, "reason": reason}],
            }
        }


class YouTubeDouble:
    """``async with YouTubeDouble() as youtube``; its address is ``youtube.url``.

    ``say`` and its kin put items into the chat. ``faults`` is a queue of what goes wrong with
    the next calls: a Fault, or one of BREAKS. ``wall`` is its clock, epoch seconds.
    """

    BREAKS = ("reset", "half", "garbage", "silence", "500", "empty", "not_http", "html")

    def __init__(
        self, wall: Callable[[], float] = time.time, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.wall = wall
        self.quota = 10_000
        self.spent = 0
        self.interval_ms = 5000
        self.page_size = 2000
        self.scope_writes = True
        self.token = TOKEN  # the only access token that is accepted
        self.chat_id = CHAT
        self.live = True
        self.ended = False
        self.exists = True
        self.is_stream = True
        self.offline = False
        self.forgets_tokens = False
        self.dates = True
        self.items: list[dict[str, Any]] = []
        self.bans: dict[str, dict[str, Any]] = {}
        self.faults: deque[Fault | str] = deque()
        self.calls: list[str] = []
        self.addresses: list[str] = []
        self.connections = 0
        self._tokens: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._not_before = 0.0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- what happens in the chat ---

    def put(self, kind: str, author: str = "mira", author_id: str = "", **fields: Any) -> str:
        """One item; the id it was given. ``fields`` go into its snippet."""
        line_id = f"LCC.{next(self._numbers):06d}"
        author_id = author_id or f"UC{author}"
        self.items.append(
            {
                "kind": "youtube#liveChatMessage",
                "etag": "etag",
                "id": line_id,
                "snippet": {
                    "type": kind,
                    "liveChatId": self.chat_id,
                    "authorChannelId": author_id,
                    "publishedAt": datetime.fromtimestamp(self.wall(), UTC).isoformat(),
                    "hasDisplayContent": True,
                    **fields,
                },
                "authorDetails": {
                    "channelId": author_id,
                    "channelUrl": f"http://www.youtube.com/channel/{author_id}",
                    "displayName": author,
                    "profileImageUrl": "https://example.invalid/a.jpg",
                    "isVerified": False,
                    "isChatOwner": author_id == OWNER,
                    "isChatSponsor": False,
                    "isChatModerator": False,
                },
            }
        )
        return line_id

    def say(self, text: str, author: str = "mira", author_id: str = "") -> str:
        return self.put(
            "textMessageEvent",
            author,
            author_id,
            displayMessage=text,
            textMessageDetails={"messageText": text},
        )

    def end(self) -> None:
        """The stream ends: its chat is closed."""
        self.live, self.ended = False, True

    # --- the server ---

    @property
    def url(self) -> str:
        where = f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"
        return f"{where}/youtube/v3"

    @property
    def port(self) -> int:
        assert self._server is not None
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    @property
    def id_url(self) -> str:
        return self.url.replace("/youtube/v3", "/token")

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port, ssl=self._tls)

    async def stop(self) -> None:
        """Gone, with every connection."""
        assert self._server is not None
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._serve(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side went, or the test ends
        finally:
            self.connections -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False: the connection is done."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.split(":", 1) for line in head[1:] if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.addresses.append(target)
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, str):
            return await self._break(fault, reader, writer)
        try:
            if fault is not None:
                raise fault
            status, answer = self._answer(method, target, headers, body)
        except Fault as error:
            status, answer = error.status, error.body
        self._send(writer, status, b"" if answer is None else json.dumps(answer).encode())
        await writer.drain()
        return True

    def _send(self, writer: asyncio.StreamWriter, status: int, raw: bytes) -> None:
        date = f"Date: {formatdate(self.wall(), usegmt=True)}\r\n" if self.dates else ""
        writer.write(
            f"HTTP/1.1 {status} -\r\nContent-Type: application/json; charset=UTF-8\r\n{date}"
            f"Content-Length: {len(raw)}\r\n\r\n".encode()
            + raw
        )

    async def _break(
        self, how: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match how:
            case "reset":
                pass
            case "half":
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"items": [')
                await writer.drain()
            case "not_http":
                writer.write(b"\x00\x01SSH-2.0-nonsense\r\n\r\n")
                await writer.drain()
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:  # until the client has had enough
                    writer.write(b" " * 2**20)
                    await writer.drain()
            case "garbage":
                self._send(writer, 200, b"{\xff\xfe not json")
                await writer.drain()
            case "html":
                self._send(writer, 502, b"<html><h1>Bad gateway</h1></html>")
                await writer.drain()
            case "500":
                self._send(writer, 500, json.dumps(Fault(500, "backendError").body).encode())
                await writer.drain()
            case "empty":
                self._send(writer, 503, b"")
                await writer.drain()
            case "silence":
                await reader.read()  # until the client gives up
        return False

    # --- the API ---

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        address = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if (method, address.path) == ("POST", "/token"):
            return self._renew(body)
        path = address.path.removeprefix("/youtube/v3/")
        self.calls.append(f"{method} {path}")
        self._authorise(headers, query, writes=method != "GET")
        sent = json.loads(body) if body else {}
        match method, path:
            case "GET", "videos":
                self._spend("videos")
                return 200, self._videos(query)
            case "GET", "liveChat/messages":
                self._spend("list")
                return 200, self._list(query)
            case "POST", "liveChat/messages":
                self._spend("write")
                return 200, self._insert(sent)
            case "DELETE", "liveChat/messages":
                self._spend("write")
                return self._delete(query)
            case "POST", "liveChat/bans":
                self._spend("write")
                return 200, self._ban(sent)
            case "DELETE", "liveChat/bans":
                self._spend("write")
                if self.bans.pop(query.get("id", ""), None) is None:
                    raise Fault(404, "liveChatBanNotFound", domain="youtube.liveChat")
                return 204, None
        raise Fault(404, "notFound")

    def _renew(self, body: bytes) -> Reply:
        """Another access token for the refresh token (RFC 6749, sections 5 and 6)."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.calls.append("POST /token")
        if (form.get("client_id"), form.get("client_secret")) != CLIENT:
            return 401, {"error": "invalid_client", "error_description": "Unauthorized"}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != REFRESH:
            return 400, {"error": "invalid_grant", "error_description": "Token has been revoked."}
        self.token = f"renewed-token-{next(self._numbers)}"
        return 200, {"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"}

    def _authorise(self, headers: dict[str, str], query: dict[str, str], *, writes: bool) -> None:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        key = headers.get("x-goog-api-key") or query.get("key", "")
        if bearer:
            if bearer != self.token:
                raise Fault(401, "authError", "Invalid Credentials")
            if writes and not self.scope_writes:
                raise Fault(403, "insufficientPermissions", "Request had insufficient scopes.")
        elif writes:
            raise Fault(401, "required", "Login Required.")
        elif key != KEY:
            fault = Fault(400, "badRequest", f"API key not valid: {key}. Please pass a valid one.")
            fault.body["error"]["details"] = [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            ]
            raise fault

    def _spend(self, what: str) -> None:
        if self.spent + UNITS[what] > self.quota:
            raise Fault(
                403,
                "quotaExceeded",
                'The request cannot be completed because you have exceeded your <a href="/x">'
                "quota</a>.",
                "youtube.quota",
            )
        self.spent += UNITS[what]

    def _videos(self, query: dict[str, str]) -> Any:
        found: list[Any] = []
        if self.exists and query.get("id") == VIDEO:
            video: dict[str, Any] = {"kind": "youtube#video", "id": VIDEO}
            video["snippet"] = {"title": "Nova plays"}
            if self.is_stream:
                details = {"scheduledStartTime": "2026-01-01T10:00:00Z"}
                if self.live:
                    details["activeLiveChatId"] = self.chat_id
                if self.ended:
                    details["actualEndTime"] = "2026-01-01T12:00:00Z"
                video["liveStreamingDetails"] = details
            found.append(video)
        return {"kind": "youtube#videoListResponse", "items": found}

    def _list(self, query: dict[str, str]) -> Any:
        if query.get("liveChatId") != self.chat_id:
            raise Fault(404, "liveChatNotFound", domain="youtube.liveChat")
        if self.ended:
            raise Fault(
                403, "liveChatEnded", "The live chat is no longer live.", "youtube.liveChat"
            )
        if not 200 <= int(query.get("maxResults", "500")) <= 2000:
            raise Fault(400, "invalidParameter")
        start = 0
        if token := query.get("pageToken"):
            if token not in self._tokens or self.forgets_tokens:
                self.forgets_tokens = False
                raise Fault(400, "pageTokenInvalid", domain="youtube.liveChat")
            start = self._tokens[token]
        if self.wall() < self._not_before:
            raise Fault(403, "rateLimitExceeded", "Too soon.", "youtube.liveChat")
        self._not_before = self.wall() + self.interval_ms / 1000
        page = self.items[start : start + self.page_size]
        token = f"page-{next(self._numbers)}"
        self._tokens[token] = start + len(page)
        answer = {
            "kind": "youtube#liveChatMessageListResponse",
            "pollingIntervalMillis": self.interval_ms,
            "pageInfo": {"totalResults": len(page), "resultsPerPage": len(page)},
            "nextPageToken": token,
            "items": page,
        }
        if self.offline:
            answer["offlineAt"] = "2026-01-01T12:00:00Z"
        return answer

    def _insert(self, sent: Any) -> Any:
        snippet = sent["snippet"]
        text = snippet["textMessageDetails"]["messageText"]
        if snippet["liveChatId"] != self.chat_id or not self.live:
            raise Fault(404, "liveChatNotFound", domain="youtube.liveChat")
        if not text or len(text) > 200:
            raise Fault(400, "messageTextInvalid", domain="youtube.liveChat")
        self.say(text, "Nova", OWNER)
        return self.items[-1]

    def _delete(self, query: dict[str, str]) -> Reply:
        if all(item["id"] != query.get("id") for item in self.items):
            raise Fault(404, "liveChatMessageNotFound", domain="youtube.liveChat")
        self.put(
            "messageDeletedEvent",
            "Nova",
            OWNER,
            messageDeletedDetails={"deletedMessageId": query["id"]},
        )
        return 204, None

    def _ban(self, sent: Any) -> Any:
        snippet = sent["snippet"]
        who = snippet["bannedUserDetails"]["channelId"]
        if snippet["liveChatId"] != self.chat_id:
            raise Fault(400, "invalidLiveChatId", domain="youtube.liveChat")
        if who == OWNER:
            raise Fault(403, "liveChatBanInsertionNotAllowed", domain="youtube.liveChat")
        ban_id = f"ban-{next(self._numbers)}"
        self.bans[ban_id] = {"kind": "youtube#liveChatBan", "id": ban_id, "snippet": snippet}
        details = {"bannedUserDetails": {"channelId": who}, "banType": snippet["type"]}
        if "banDurationSeconds" in snippet:
            details["banDurationSeconds"] = snippet["banDurationSeconds"]
        self.put("userBannedEvent", "Nova", OWNER, userBannedDetails=details)
        return self.bans[ban_id]
