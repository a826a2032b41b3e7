"""Twitch as a platform: lines by IRC or EventSub, deeds by Helix.

Reading needs no account and goes on without one whatever becomes of the token: then only
writing and moderation are gone, and the reason is on the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from ipc.config import ChatSection
from ipc.errors import ConfigError
from ipc.secrets import SECRETS, Secrets, SecretStr
from workers.chat.platform import Feed, Line, PlatformRefused, Removal
from workers.chat.twitch.irc import TwitchIrc

if TYPE_CHECKING:
    from workers.chat.twitch.account import Account
    from workers.chat.twitch.helix import Helix

READ_IRC = "chat:read"
SCOPES = "user:write:chat, moderator:manage:chat_messages, moderator:manage:banned_users"
DEED_S = 13.0  # an operator's request has 15 s
FIRST_CHECK_S = 3.0  # reading waits this long to know whether it may log in


class Twitch:
    """One channel.

    Raises ConfigError for a channel that cannot be one, and for EventSub without a token.
    """

    name = "twitch"
    numbered_viewers = True

    def __init__(
        self,
        chat: ChatSection,
        secrets: Secrets,
        *,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = chat.twitch
        self._mend = (
            f"put twitch_token into {secrets.path} (chmod 600) or "
            f"{SECRETS['twitch_token'].variable}; scopes needed: {SCOPES}"
        )
        self._irc = TwitchIrc(
            settings,
            ca_file=chat.ca_file,
            retry_base_s=chat.retry_base_s,
            retry_max_s=chat.retry_max_s,
            rng=rng,
            sleep=sleep,
        )
        self._by_eventsub = settings.source == "eventsub"
        self._account: Account | None = None
        if secrets.get("twitch_token"):
            # an HTTP client takes 6 MB; reading without an account needs none
            from workers.chat.twitch.account import Account  # noqa: PLC0415

            self._account = Account(chat, secrets, self._irc.channel, rng=rng, sleep=sleep, now=now)
            self._account.auth.on_change = self._log_in
        elif self._by_eventsub:
            raise ConfigError(
                "chat.twitch.source = 'eventsub' needs the secret twitch_token",
                f"put it into {secrets.path} (chmod 600) with the scope user:read:chat, "
                "or set chat.twitch.source to 'irc', which needs none",
            )

    @property
    def self_id(self) -> str:
        """Our own user id, so that our own lines are not answered; empty while unknown."""
        identity = self._account.auth.identity if self._account is not None else None
        return identity.user_id if identity is not None else ""

    async def run(self, feed: Feed) -> None:
        """Tell ``feed`` until cancelled."""
        parts = _Parts(feed)
        if self._account is None:
            await self._irc.run(parts.part("irc"))
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                auth = self._account.auth
                tasks.create_task(auth.watch(parts.part("account")), name="twitch: account")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FIRST_CHECK_S):
                        await auth.checked.wait()
                await self._read(self._account, parts)
        finally:
            await self.close()

    async def _read(self, account: Account, parts: _Parts) -> None:
        if self._by_eventsub:
            why = parts.part("source")
            try:
                await account.eventsub.run(parts.part("eventsub"))
            except PlatformRefused as lost:
                parts.part("eventsub").problem("")
                if not account.auth.lost.is_set():  # that is told by its own part
                    why.problem(f"{lost.message}; reading goes on through IRC")
                    why.notice("error", lost.message, lost.hint)
        await self._irc.run(parts.part("irc"))

    async def close(self) -> None:
        """``run`` does this at its end."""
        if self._account is not None:
            await self._account.close()

    def _log_in(self) -> None:
        """The token is another one, or none: IRC uses it from its next connection on."""
        assert self._account is not None
        identity = self._account.auth.identity
        if identity is not None and READ_IRC in identity.scopes:
            self._irc.use(identity.login, self._account.auth.token)
        else:
            self._irc.use("", SecretStr(""))

    # --- deeds: each raises PlatformRefused ---

    async def delete(self, line_id: str) -> None:
        await self._in_time(self._helix().delete(line_id))

    async def timeout(self, author_id: str, seconds: int, reason: str) -> None:
        await self._in_time(self._helix().timeout(author_id, seconds, reason))

    async def ban(self, author_id: str, reason: str) -> None:
        await self._in_time(self._helix().ban(author_id, reason))

    async def unban(self, author_id: str) -> None:
        await self._in_time(self._helix().unban(author_id))

    async def send(self, text: str, reply_to: str = "") -> None:
        """More than 500 characters become several lines."""
        await self._in_time(self._helix().send(text, reply_to))

    async def _in_time(self, deed: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(DEED_S):
                await deed
        except TimeoutError:
            raise PlatformRefused(
                f"Twitch did not carry it out within {DEED_S:.0f} s; it may do so yet",
                "look at the chat before you try again",
            ) from None

    def _helix(self) -> Helix:
        if self._account is None:
            raise PlatformRefused(
                "Twitch is read anonymously: nothing can be written or moderated there", self._mend
            )
        return self._account.helix


class _Parts:
    """One feed for several that may each have a problem of their own."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.problems: dict[str, str] = {}
        self.told = ""

    def part(self, name: str) -> _Part:
        return _Part(self, name)

    def problem(self, name: str, text: str) -> None:
        self.problems[name] = text
        together = "; ".join(problem for problem in self.problems.values() if problem)
        if together != self.told:
            self.told = together
            self.feed.problem(together)


class _Part:
    """The Feed of one of them."""

    def __init__(self, parts: _Parts, name: str) -> None:
        self._parts = parts
        self._name = name
        self._feed = parts.feed

    def lines(self, lines: Sequence[Line]) -> None:
        self._feed.lines(lines)

    def removed(self, removal: Removal) -> None:
        self._feed.removed(removal)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self._feed.notice(level, text, hint)

    def problem(self, text: str) -> None:
        self._parts.problem(self._name, text)
