"""Who our token is, what it may do, and its renewal.

``/oauth2/validate`` tells the client id, the login and the scopes, so that the
configuration needs none of them. Twitch asks every program to validate hourly.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ipc.errors import ConfigError
from ipc.secrets import Secrets, SecretStr
from workers.chat.platform import Feed, PlatformRefused
from workers.chat.twitch.calls import Answer, Calls

CHECK_S = 3600.0
EARLY_S = 900.0  # a token is renewed this long before it runs out
SHORTEST_S = 60.0  # between two checks, however short a token lives
RETRY_S = (2.0, 300.0)  # first and longest pause while the id service is away

READ = "user:read:chat"
WRITE = "user:write:chat"
DELETE = "moderator:manage:chat_messages"
BAN = "moderator:manage:banned_users"
DEEDS = {
    WRITE: "write into the chat",
    DELETE: "delete lines",
    BAN: "ban, time out or unban viewers",
}
"""What each scope is for, in the words of a refusal."""


class TokenLost(PlatformRefused):
    """The token is of no use any more, and only a person can get another."""


class MissingScope(PlatformRefused):
    """The token does not allow this."""

    def __init__(self, login: str, scope: str, deed: str) -> None:
        super().__init__(
            f"the twitch_token of {login} does not allow to {deed}: the scope {scope} is missing",
            f"get a token with {scope} and the scopes it has, and put it in its place",
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the token belongs to."""

    client_id: str
    login: str
    user_id: str
    scopes: frozenset[str]


class Auth:
    """The token: checked, renewed, and forgotten when Twitch says no."""

    def __init__(
        self,
        calls: Calls,
        url: str,
        secrets: Secrets,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.identity: Identity | None = None
        self.checked = asyncio.Event()  # Twitch has said yes or no at least once
        self.lost = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None  # another token, or none
        self._calls = calls
        self._url = url
        self._secrets = secrets
        self._now = now
        self._sleep = sleep
        self._one = asyncio.Lock()
        self._why_lost: TokenLost | None = None
        self._runs_out = math.inf
        self._unkept = ""  # why the renewed token could not be written
        self._token = _bare(secrets.get("twitch_token"))
        self._announced = SecretStr("")
        self._refresh = secrets.get("twitch_refresh_token")
        kept = _bare(secrets.kept("twitch_token"))
        # renewed by an earlier run, while the environment still has the old one
        self._second = (
            (kept, secrets.kept("twitch_refresh_token")) if kept and kept != self._token else None
        )

    @property
    def token(self) -> SecretStr:
        """As it is now; ``renew`` takes it to know whether another has renewed it since."""
        return self._token

    async def identify(self) -> Identity:
        """Whom the token belongs to. Raises Unreachable or TokenLost."""
        return self.identity or await self.check()

    async def headers(self) -> dict[str, str]:
        """What a Helix call carries. Raises as ``identify``."""
        identity = await self.identify()
        return {
            "Authorization": f"Bearer {self._token.reveal()}",
            "Client-Id": identity.client_id,
        }

    async def require(self, scope: str, deed: str = "") -> Identity:
        """Raises PlatformRefused naming the scope and the deed, if the token lacks it."""
        identity = await self.identify()
        if scope not in identity.scopes:
            raise MissingScope(identity.login, scope, deed or DEEDS.get(scope, "do this"))
        return identity

    async def check(self) -> Identity:
        """Ask Twitch, renew if it says no or soon will. Raises Unreachable or TokenLost."""
        async with self._one:
            self._still()
            while not (answer := await self._validate()).good:
                if answer.status != 401:
                    raise PlatformRefused(
                        f"Twitch does not say whether the token is valid (status {answer.status})"
                    )
                await self._renew_or_lose()
            self._take(answer)
            if self._runs_out - self._now() < EARLY_S and self._refresh:
                if await self._renew():
                    self._refresh = SecretStr("")  # it still serves until it has run out
                elif (answer := await self._validate()).good:
                    self._take(answer)
            assert self.identity is not None
            return self.identity

    async def renew(self, stale: SecretStr) -> None:
        """Twitch refused ``stale``: get another, once however many ask.

        Raises Unreachable, or TokenLost for good.
        """
        async with self._one:
            self._still()
            if self._token == stale:
                await self._renew_or_lose()

    def lose(self, why: str) -> TokenLost:
        """The token is gone for good; from now on everything that needs it raises this."""
        lost = TokenLost(
            why,
            f"put a new twitch_token into {self._secrets.path}, then: spark-tui ctl restart chat",
        )
        self.identity = None
        self._why_lost = lost
        self._token = SecretStr("")
        self.lost.set()
        self.checked.set()
        self._announce()
        return lost

    async def watch(self, feed: Feed) -> None:
        """Check now, hourly and before the token runs out, until it is lost."""
        retry_s = RETRY_S[0]
        told: Identity | None = None
        while True:
            try:
                identity = await self.check()
            except TokenLost as lost:
                feed.problem(f"{lost.message}; reading goes on without an account")
                feed.notice("error", lost.message, lost.hint)
                return
            except PlatformRefused as refused:
                if self.identity is None:
                    feed.problem(f"the token is not checked yet: {refused.message}")
                await self._pause(retry_s)
                retry_s = min(retry_s * 2, RETRY_S[1])
                continue
            feed.problem("")
            retry_s = RETRY_S[0]
            if told is None or told.scopes != identity.scopes:
                self._tell(identity, feed)
                told = identity
            left_s = self._runs_out - self._now()
            if left_s < CHECK_S and not self._refresh:
                feed.notice(
                    "warning",
                    f"the twitch_token of {identity.login} runs out in {left_s / 60:.0f} minutes",
                    "with twitch_refresh_token it is renewed without you",
                )
            if self._unkept:
                feed.notice(
                    "warning",
                    f"what renews the twitch_token could not be written: {self._unkept}",
                    "the next start may need a new token; make the state directory writable",
                )
                self._unkept = ""
            early_s = EARLY_S if self._refresh else 0.0
            await self._pause(max(SHORTEST_S, min(CHECK_S, left_s - early_s)))

    async def _pause(self, seconds: float) -> None:
        """Sleep, or less if the token is lost meanwhile."""
        waiting = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self.lost.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _tell(self, identity: Identity, feed: Feed) -> None:
        lacking = [
            f"{deed} ({scope})" for scope, deed in DEEDS.items() if scope not in identity.scopes
        ]
        if lacking:
            feed.notice(
                "warning",
                f"the twitch_token of {identity.login} does not allow to {', '.join(lacking)}",
                "get a token with these scopes if you want that",
            )

    def _announce(self) -> None:
        if self._token != self._announced:
            self._announced = self._token
            self.on_change()

    def _still(self) -> None:
        if self._why_lost is not None:
            raise self._why_lost

    async def _validate(self) -> Answer:
        header = {"Authorization": f"OAuth {self._token.reveal()}"}
        return await self._calls.call("GET", f"{self._url}/validate", headers=header)

    def _take(self, answer: Answer) -> None:
        body = answer.body
        login, user_id = str(body.get("login") or ""), str(body.get("user_id") or "")
        if not (login and user_id):
            raise self.lose("the twitch_token belongs to an application, not to a user")
        scopes = body.get("scopes")
        self.identity = Identity(
            client_id=str(body.get("client_id") or ""),
            login=login,
            user_id=user_id,
            scopes=frozenset(map(str, scopes if isinstance(scopes, list) else ())),
        )
        self.checked.set()
        self._announce()
        left = body.get("expires_in")
        # 0: it never runs out (tokens of old applications)
        self._runs_out = self._now() + left if isinstance(left, int) and left > 0 else math.inf
        if self._refresh and self._secrets.get("twitch_client_id").reveal() != (
            self.identity.client_id
        ):
            self._keep({"twitch_client_id": SecretStr(self.identity.client_id)})

    async def _renew_or_lose(self) -> None:
        while True:
            why = await self._renew()
            if not why:
                return
            if self._second is None:
                raise self.lose(why)
            self._token, self._refresh = self._second
            self._second = None
            if (answer := await self._validate()).good:
                self._take(answer)
                return

    async def _renew(self) -> str:
        """Empty when there is a new token, otherwise the sentence why there will be none."""
        if not self._refresh:
            return "the twitch_token was revoked or has run out"
        client_id = (
            self.identity.client_id
            if self.identity is not None
            else self._secrets.get("twitch_client_id").reveal()
        )
        if not client_id:
            return (
                "the twitch_token has run out and cannot be renewed: "
                "twitch_client_id is not known yet"
            )
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh.reveal(),
            "client_id": client_id,
        }
        if secret := self._secrets.get("twitch_client_secret"):
            form["client_secret"] = secret.reveal()
        answer = await self._calls.call("POST", f"{self._url}/token", headers={}, form=form)
        if answer.status in (400, 401, 403):
            return f"the twitch_token could not be renewed ({answer.message or answer.status})"
        token = answer.body.get("access_token")
        if not answer.good or not isinstance(token, str) or not token:
            raise PlatformRefused(f"Twitch does not renew the token now (status {answer.status})")
        self._token = SecretStr(token)
        refresh = answer.body.get("refresh_token")
        if isinstance(refresh, str) and refresh:
            self._refresh = SecretStr(refresh)
        left = answer.body.get("expires_in")
        if isinstance(left, int) and left > 0:
            self._runs_out = self._now() + left
        if self.identity is not None:
            self._announce()
        self._keep(
            {
                "twitch_token": self._token,
                "twitch_refresh_token": self._refresh,
                "twitch_client_id": SecretStr(client_id),
            }
        )
        return ""

    def _keep(self, changed: Mapping[str, SecretStr]) -> None:
        try:
            self._secrets.keep(changed)
        except OSError as error:
            self._unkept = error.strerror or type(error).__name__
        except ConfigError as error:  # somebody changed the file meanwhile
            self._unkept = error.message


def _bare(token: SecretStr) -> SecretStr:
    """Without the ``oauth:`` that IRC programs write before it."""
    text = token.reveal()
    return SecretStr(text.removeprefix("oauth:")) if text.startswith("oauth:") else token
