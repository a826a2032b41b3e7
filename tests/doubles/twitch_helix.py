"""The HTTP half of the Twitch double: the id service and the Helix calls a chat needs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from aiohttp import web
from doubles.twitch_world import POINTS, SIX_HOURS_S, Ban, Token, World

Answer = tuple[int, Any]
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Refused(Exception):
    """Ends a call with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class HelixDouble:
    """Routes under /oauth2 and /helix. ``sockets`` carries out the EventSub calls."""

    def __init__(self, world: World, sockets: Any, changed: Callable[[], None]) -> None:
        self.world = world
        self.sockets = sockets
        self.calls: list[tuple[str, str]] = []  # method and path, in order
        self.failures: list[tuple[str, int, dict[str, str], str]] = []
        self.points = POINTS
        self.window_began = world.clock()
        self.hold: Callable[[], Awaitable[None]] | None = None  # a test may keep a call waiting
        self.skew_s = 0.0  # how wrong the client's clock is: moves Date and Ratelimit-Reset
        self._changed = changed

    def routes(self) -> list[web.RouteDef]:
        helix = {
            ("GET", "/users"): self._users,
            ("POST", "/chat/messages"): self._send,
            ("DELETE", "/moderation/chat"): self._delete,
            ("POST", "/moderation/bans"): self._ban,
            ("DELETE", "/moderation/bans"): self._unban,
            ("GET", "/eventsub/subscriptions"): self._subscriptions,
            ("POST", "/eventsub/subscriptions"): self._subscribe,
            ("DELETE", "/eventsub/subscriptions"): self._unsubscribe,
        }
        return [
            web.get("/oauth2/validate", self._validate),
            web.post("/oauth2/token", self._token),
            *(web.route(m, f"/helix{p}", self._guarded(do)) for (m, p), do in helix.items()),
        ]

    def fail(self, path: str, status: int, message: str = "", **headers: str) -> None:
        """The next call whose path ends like this fails so. Headers with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.failures.append((path, status, named, message))

    # --- the id service ---

    async def _validate(self, request: web.Request) -> web.Response:
        if failure := await self._note(request):
            return failure
        kind, _, access = request.headers.get("Authorization", "").partition(" ")
        token = self.world.valid(access) if kind in ("OAuth", "Bearer") else None
        if token is None:
            return self._error(401, "invalid access token")
        body: dict[str, Any] = {
            "client_id": token.client_id,
            "scopes": sorted(token.scopes),
            "expires_in": int(token.runs_out - self.world.clock()),
        }
        if token.user is not None:
            body |= {"login": token.user.login, "user_id": token.user.id}
        return self._json(200, body)

    async def _token(self, request: web.Request) -> web.Response:
        if failure := await self._note(request):
            return failure
        form = await request.post()
        if form.get("grant_type") != "refresh_token":
            return self._error(400, "missing grant type")
        tokens = self.world.refresh(
            str(form.get("refresh_token", "")),
            str(form.get("client_id", "")),
            str(form.get("client_secret", "")),
        )
        if isinstance(tokens, str):
            return self._error(403 if "secret" in tokens else 400, tokens)
        access, refresh = tokens
        known = self.world.tokens[access]
        return self._json(
            200,
            {
                "access_token": access,
                "refresh_token": refresh,
                "scope": sorted(known.scopes),
                "expires_in": int(known.runs_out - self.world.clock()),
                "token_type": "bearer",
            },
        )

    # --- what every Helix call goes through ---

    def _guarded(
        self, do: Callable[[web.Request, Token], Awaitable[Answer]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if failure := await self._note(request):
                return failure
            try:
                token = self._authorised(request)
                self._spend()
                status, body = await do(request, token)
            except Refused as refused:
                return self._error(refused.status, refused.message)
            return self._json(status, body, limited=True)

        return handle

    async def _note(self, request: web.Request) -> web.Response | None:
        self.calls.append((request.method, request.path))
        self._changed()
        if self.hold is not None:
            await self.hold()
        for failure in self.failures:
            path, status, headers, message = failure
            if request.path.endswith(path):
                self.failures.remove(failure)
                if status == 0:  # the connection breaks instead
                    assert request.transport is not None
                    request.transport.abort()
                return self._error(status or 500, message, headers)
        return None

    def _authorised(self, request: web.Request) -> Token:
        kind, _, access = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not access:
            raise Refused(401, "OAuth token is missing")
        token = self.world.valid(access)
        if token is None:
            raise Refused(401, "Invalid OAuth token")
        client = request.headers.get("Client-Id")
        if not client:
            raise Refused(401, "Client ID is missing")
        if client != token.client_id:
            raise Refused(401, "Client ID and OAuth token do not match")
        return token

    def _spend(self) -> None:
        now = self.world.clock()
        if now - self.window_began >= 60:
            self.window_began, self.points = now, POINTS
        if self.points <= 0:
            raise Refused(429, "")
        self.points -= 1

    def _needs(self, token: Token, scope: str) -> None:
        if scope not in token.scopes:
            raise Refused(401, f"Missing scope: {scope}")

    def _is(self, token: Token, name: str, value: str) -> None:
        if not value:
            raise Refused(400, f'The parameter "{name}" is missing')
        if token.user is None or value != token.user.id:
            raise Refused(401, f"The ID in {name} must match the user ID found in the OAuth token.")

    def _moderates(self, request: web.Request, token: Token, scope: str) -> None:
        self._needs(token, scope)
        self._is(token, "moderator_id", request.query.get("moderator_id", ""))
        self._room(request.query.get("broadcaster_id", ""))
        if not self.world.ranked(request.query["moderator_id"]):
            raise Refused(
                403, "The user in moderator_id is not one of the broadcaster's moderators."
            )

    def _room(self, broadcaster_id: str) -> None:
        if not broadcaster_id:
            raise Refused(400, 'The parameter "broadcaster_id" is missing')
        if broadcaster_id != self.world.owner.id:
            raise Refused(400, "The ID in broadcaster_id is not valid")

    async def _body(self, request: web.Request) -> dict[str, Any]:
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise Refused(400, "The body is not JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "The body is not an object")
        return body

    # --- the calls ---

    async def _users(self, request: web.Request, token: Token) -> Answer:
        logins, ids = request.query.getall("login", []), request.query.getall("id", [])
        users = list(self.world.users.values())
        if not logins and not ids:
            found = [token.user] if token.user is not None else []
        else:
            found = [user for user in users if user.login in logins or user.id in ids]
        rows = [
            {
                "id": user.id,
                "login": user.login,
                "display_name": user.name,
                "type": "",
                "broadcaster_type": "",
                "description": "",
                "profile_image_url": "",
                "offline_image_url": "",
                "view_count": 0,
                "created_at": "2020-01-01T00:00:00Z",
            }
            for user in found
        ]
        return 200, {"data": rows}

    async def _send(self, request: web.Request, token: Token) -> Answer:
        # parameters of the address do as well as a body: some clients send them so
        body = await self._body(request) if request.can_read_body else dict(request.query)
        self._needs(token, "user:write:chat")
        self._room(str(body.get("broadcaster_id") or ""))
        self._is(token, "sender_id", str(body.get("sender_id") or ""))
        text = body.get("message")
        if not isinstance(text, str) or not text.strip():
            raise Refused(400, 'The parameter "message" is missing')
        if len(text) > 500:
            raise Refused(422, "The message is too large")
        reply_to = str(body.get("reply_parent_message_id") or "")
        if reply_to and reply_to not in self.world.lines:
            raise Refused(400, "The parent message ID is not valid")
        assert token.user is not None
        said = self.world.write(token.user, text, reply_to)
        if isinstance(said, tuple):
            drop = {"code": said[0], "message": said[1]}
            row = {"message_id": "", "is_sent": False, "drop_reason": drop}
        else:
            self.sockets.told(said)
            row = {"message_id": said.id, "is_sent": True, "drop_reason": None}
        self._changed()
        return 200, {"data": [row]}

    async def _delete(self, request: web.Request, token: Token) -> Answer:
        self._moderates(request, token, "moderator:manage:chat_messages")
        message_id = request.query.get("message_id")
        if message_id is None:
            self.world.lines.clear()
            self.sockets.cleared()
            return 204, None
        said = self.world.lines.get(message_id)
        if said is None:
            raise Refused(404, "The ID in message_id was not found")
        if said.at < self.world.clock() - SIX_HOURS_S:
            raise Refused(400, "You cannot delete messages that are more than 6 hours old.")
        assert token.user is not None
        if said.user == self.world.owner and token.user != said.user:
            raise Refused(400, "You cannot delete the broadcaster's messages.")
        if said.user.id in self.world.moderators and token.user not in (
            said.user,
            self.world.owner,
        ):
            raise Refused(400, "You cannot delete another moderator's messages.")
        del self.world.lines[message_id]
        self.world.deleted.append(message_id)
        self.sockets.deleted(said)
        return 204, None

    async def _ban(self, request: web.Request, token: Token) -> Answer:
        data = (await self._body(request)).get("data")
        self._moderates(request, token, "moderator:manage:banned_users")
        if not isinstance(data, dict) or not data.get("user_id"):
            raise Refused(400, "The user_id field is required.")
        user = self.world.by_id(str(data["user_id"]))
        if user is None:
            raise Refused(400, "The ID in the user_id field is not valid")
        duration = data.get("duration")
        if duration is not None and not (isinstance(duration, int) and 1 <= duration <= 1_209_600):
            raise Refused(400, "The duration field must be between 1 and 1209600.")
        if len(str(data.get("reason") or "")) > 500:
            raise Refused(400, "The reason field is too long.")
        if self.world.ranked(user.id):
            what = "banned" if duration is None else "put in a timeout"
            raise Refused(400, f"The user specified in the user_id field may not be {what}.")
        known = self.world.bans.get(user.id) if self.world.banned(user.id) else None
        if known is not None and known.until is None:
            raise Refused(400, "The user specified in the user_id field is already banned.")
        until = None if duration is None else self.world.clock() + duration
        self.world.bans[user.id] = Ban(until, str(data.get("reason") or ""))
        self.sockets.silenced(user)
        row = {
            "broadcaster_id": self.world.owner.id,
            "moderator_id": request.query["moderator_id"],
            "user_id": user.id,
            "created_at": "2026-01-01T00:00:00Z",
            "end_time": None if until is None else "2026-01-01T00:10:00Z",
        }
        return 200, {"data": [row]}

    async def _unban(self, request: web.Request, token: Token) -> Answer:
        self._moderates(request, token, "moderator:manage:banned_users")
        user_id = request.query.get("user_id", "")
        if not self.world.banned(user_id):
            raise Refused(400, "The user in the user_id query parameter is not banned.")
        del self.world.bans[user_id]
        self._changed()
        return 204, None

    async def _subscriptions(self, request: web.Request, token: Token) -> Answer:
        rows = self.sockets.subscriptions()
        return 200, {
            "data": rows,
            "total": len(rows),
            "total_cost": 0,
            "max_total_cost": 10,
            "pagination": {},
        }

    async def _subscribe(self, request: web.Request, token: Token) -> Answer:
        body = await self._body(request)
        if str(body.get("type", "")).startswith("channel.chat."):
            self._needs(token, "user:read:chat")
        row = self.sockets.subscribe(body, token)
        self._changed()
        return 202, {"data": [row], "total": 1, "total_cost": 0, "max_total_cost": 10}

    async def _unsubscribe(self, request: web.Request, token: Token) -> Answer:
        if not self.sockets.unsubscribe(request.query.get("id", "")):
            raise Refused(404, "The subscription was not found.")
        return 204, None

    # --- answers ---

    def _json(self, status: int, body: Any, *, limited: bool = False) -> web.Response:
        headers = {"Date": formatdate(self.world.clock() + self.skew_s, usegmt=True)}
        if limited:
            headers |= self._limits()
        if body is None:
            return web.Response(status=status, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    def _error(
        self, status: int, message: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        body = {"error": _REASONS.get(status, "Error"), "status": status, "message": message}
        response = self._json(status, body, limited=status == 429)
        response.headers.update(headers or {})
        return response

    def _limits(self) -> dict[str, str]:
        reset = self.window_began + 60 + self.skew_s
        return {
            "Ratelimit-Limit": str(POINTS),
            "Ratelimit-Remaining": str(max(0, self.points)),
            "Ratelimit-Reset": str(int(reset) + (reset != int(reset))),
        }
