"""What the Twitch double knows: users, tokens, lines, bans. Rules only; no socket."""

from __future__ import annotations

import itertools
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SCOPES = (
    "chat:read",
    "user:read:chat",
    "user:write:chat",
    "moderator:manage:chat_messages",
    "moderator:manage:banned_users",
)
CLIENT_ID = "double0client0id0double0client"
SIX_HOURS_S = 6 * 3600
POINTS = 800  # calls a minute


@dataclass(frozen=True)
class User:
    id: str
    login: str
    name: str


@dataclass
class Token:
    user: User | None  # None: an app access token
    scopes: frozenset[str]
    runs_out: float
    client_id: str = CLIENT_ID
    valid: bool = True


@dataclass
class Refresh:
    user: User
    scopes: frozenset[str]
    client_id: str = CLIENT_ID
    secret: str = ""  # the client secret it wants; empty for a public client
    valid: bool = True


@dataclass
class Said:
    """A line in the chat."""

    id: str
    user: User
    text: str
    at: float
    reply_to: str = ""


@dataclass
class Ban:
    until: float | None
    reason: str


@dataclass
class World:
    """One channel and everybody in it. ``clock`` is in seconds since 1970."""

    channel: str
    clock: Callable[[], float]
    lifetime_s: int = 14_400
    rotate: bool = True  # a refresh token serves once
    users: dict[str, User] = field(default_factory=dict)
    moderators: set[str] = field(default_factory=set)
    tokens: dict[str, Token] = field(default_factory=dict)
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    lines: dict[str, Said] = field(default_factory=dict)
    bans: dict[str, Ban] = field(default_factory=dict)
    sent: list[Said] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))
    _sends: dict[str, deque[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.owner = self.user(self.channel)

    def user(self, login: str, name: str = "") -> User:
        """The user of this login, new if there was none."""
        if login not in self.users:
            self.users[login] = User(str(next(self._numbers)), login, name or login.capitalize())
        return self.users[login]

    def by_id(self, user_id: str) -> User | None:
        return next((user for user in self.users.values() if user.id == user_id), None)

    def ranked(self, user_id: str) -> bool:
        return user_id == self.owner.id or user_id in self.moderators

    # --- tokens ---

    def token(
        self,
        login: str,
        scopes: tuple[str, ...] = SCOPES,
        *,
        lifetime_s: float | None = None,
        secret: str = "",
    ) -> tuple[str, str]:
        """A new access token and refresh token."""
        user = self.user(login)
        access, refresh = f"access{uuid.uuid4().hex}", f"refresh{uuid.uuid4().hex}"
        life = self.lifetime_s if lifetime_s is None else lifetime_s
        self.tokens[access] = Token(user, frozenset(scopes), self.clock() + life)
        self.refreshes[refresh] = Refresh(user, frozenset(scopes), secret=secret)
        return access, refresh

    def revoke(self, login: str) -> None:
        """The user disconnected the application: nothing of theirs is valid any more."""
        for token in self.tokens.values():
            if token.user is not None and token.user.login == login:
                token.valid = False
        for refresh in self.refreshes.values():
            if refresh.user.login == login:
                refresh.valid = False

    def valid(self, access: str) -> Token | None:
        token = self.tokens.get(access)
        return token if token and token.valid and token.runs_out > self.clock() else None

    def refresh(self, refresh: str, client_id: str, secret: str) -> tuple[str, str] | str:
        """New tokens, or why not."""
        known = self.refreshes.get(refresh)
        if known is None or not known.valid:
            return "Invalid refresh token"
        if client_id != known.client_id:
            return "invalid client"
        if known.secret and secret != known.secret:
            return "invalid client secret"
        access, new = self.token(known.user.login, tuple(known.scopes), secret=known.secret)
        if self.rotate:
            known.valid = False
            return access, new
        del self.refreshes[new]
        return access, refresh

    # --- lines ---

    def line(self, user: User, text: str, reply_to: str = "") -> Said:
        said = Said(str(uuid.uuid4()), user, text, self.clock(), reply_to)
        self.lines[said.id] = said
        return said

    def write(self, user: User, text: str, reply_to: str) -> Said | tuple[str, str]:
        """As Helix does: a line, or code and sentence of a drop."""
        now = self.clock()
        times = self._sends.setdefault(user.id, deque())
        while times and times[0] <= now - 30:
            times.popleft()
        if self.banned(user.id):
            return "msg_banned", "You are permanently banned from talking in this channel."
        if len(times) >= (100 if self.ranked(user.id) else 20):
            return "msg_ratelimit", "Your message was not sent: you send messages too quickly."
        mine = [said for said in self.sent if said.user == user]
        same = mine and mine[-1].text == text and mine[-1].at > now - 30
        if same and not self.ranked(user.id):
            return "msg_duplicate", "Your message is identical to the previous one you sent."
        times.append(now)
        said = self.line(user, text, reply_to)
        self.sent.append(said)
        return said

    def banned(self, user_id: str) -> bool:
        ban = self.bans.get(user_id)
        if ban is not None and ban.until is not None and ban.until <= self.clock():
            del self.bans[user_id]
            return False
        return ban is not None
