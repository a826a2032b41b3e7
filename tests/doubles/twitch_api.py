"""A Twitch API server for tests: id service, Helix and EventSub, with the rules of the real one.

Scopes, the client id and the moderator's rank are enforced, bans and lines are kept, limits
count, and EventSub sockets that are unused, spoken to or moved too slowly are closed with
Twitch's codes. In a test::

    async with TwitchApi("nova") as api:
        access, refresh = api.token("bot")        # put into secrets; bot is a moderator
        ...                                       # ChatSection with api.section()
        await api.listening()                     # somebody has all chat subscriptions
        line_id = api.say("hello", author="mira")
        api.ban("mira"); api.delete(line_id); api.revoke("bot")

In a process of its own (a line of JSON says the addresses and a token; commands are JSON
lines on stdin such as ``{"do": "say", "text": "hi", "author": "mira"}``; it ends with stdin)::

    PYTHONPATH=tests python -m doubles.twitch_api --channel nova --account bot
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web
from doubles.twitch_helix import HelixDouble
from doubles.twitch_sockets import SocketsDouble, text_of
from doubles.twitch_world import SCOPES, Ban, World

_OWN = ("unraid", "bits_badge_tier", "charity_donation")
_BOTH = (
    "sub",
    "resub",
    "sub_gift",
    "community_sub_gift",
    "gift_paid_upgrade",
    "prime_paid_upgrade",
    "raid",
    "pay_it_forward",
    "announcement",
)
NOTICES = (*_OWN, *_BOTH, *(f"shared_chat_{kind}" for kind in _BOTH))
"""Every notice type; the event has a table of each name, null but for its own."""

_LIMIT_S = 20.0  # longest a test waits for anything


class TwitchApi:
    """The whole server. Addresses are known once it is entered.

    ``account`` is a moderator of ``channel`` unless ``moderator`` is false. ``keepalive_s``
    replaces what clients ask for. ``ssl_context`` makes the addresses https and wss.
    """

    def __init__(
        self,
        channel: str = "nova",
        account: str = "bot",
        *,
        moderator: bool = True,
        keepalive_s: float | None = None,
        subscribe_within_s: float = 10.0,
        grace_s: float = 30.0,
        transports_linger: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.skipped_s = 0.0  # how far ``skip`` moved the clock
        self.world = World(channel, lambda: time.time() + self.skipped_s)
        bot = self.world.user(account)
        if moderator:
            self.world.moderators.add(bot.id)
        self.sockets = SocketsDouble(
            self.world,
            self._changed,
            keepalive_s=keepalive_s,
            subscribe_within_s=subscribe_within_s,
            grace_s=grace_s,
            transports_linger=transports_linger,
        )
        self.helix = HelixDouble(self.world, self.sockets, self._changed)
        self.base = self.eventsub_url = ""
        self._ssl = ssl_context
        self._runner: web.AppRunner | None = None
        self._change = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([*self.helix.routes(), web.get("/ws", self.sockets.handle)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._ssl)
        await site.start()
        port = self._runner.addresses[0][1]
        secure = "s" if self._ssl else ""
        host = "localhost" if self._ssl else "127.0.0.1"
        self.base = f"http{secure}://{host}:{port}"
        self.eventsub_url = f"ws{secure}://{host}:{port}/ws"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self.sockets.close()
        await self._runner.cleanup()

    @property
    def id_url(self) -> str:
        return f"{self.base}/oauth2"

    @property
    def helix_url(self) -> str:
        return f"{self.base}/helix"

    def urls(self) -> dict[str, str]:
        """As keys of [chat.twitch]."""
        return {
            "id_url": self.id_url,
            "helix_url": self.helix_url,
            "eventsub_url": self.eventsub_url,
        }

    # --- waiting for the client ---

    def _changed(self) -> None:
        self._change.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Until something the client did makes it true."""
        async with asyncio.timeout(_LIMIT_S):
            while not condition():
                self._change.clear()
                await self._change.wait()

    async def listening(self, count: int = 1) -> None:
        """Until ``count`` sessions have every chat subscription."""
        await self.until(lambda: len(self.sockets.ready) >= count)

    # --- what happens on Twitch ---

    def token(
        self, login: str, scopes: tuple[str, ...] = SCOPES, **options: Any
    ) -> tuple[str, str]:
        """A new access and refresh token of that user."""
        return self.world.token(login, scopes, **options)

    def say(self, text: str, author: str = "mira", *, times: int = 1, **fields: Any) -> str:
        """A viewer's line, delivered ``times`` times; ``fields`` replace some of the event."""
        said = self.world.line(self.world.user(author), text)
        self.sockets.told(said, times, **fields)
        return said.id

    def notice(self, notice_type: str, author: str = "mira", text: str = "", **table: Any) -> str:
        """A channel.chat.notification with its table, such as ``viewer_count=7`` of a raid."""
        said = self.world.line(self.world.user(author), text)
        event = self.sockets.message_event(said)
        for name in ("message_type", "cheer", "reply", "is_source_only"):
            event.pop(name)
        event |= dict.fromkeys(NOTICES)
        event |= {
            "chatter_is_anonymous": False,
            "system_message": f"{said.user.name}: {notice_type}",
            "notice_type": notice_type,
            notice_type: table,
            "message": text_of(text),
        }
        self.sockets.notify("channel.chat.notification", event)
        return said.id

    def delete(self, line_id: str) -> None:
        """A moderator deletes a line."""
        self.sockets.deleted(self.world.lines.pop(line_id))

    def ban(self, login: str, seconds: float | None = None) -> None:
        """A moderator bans a viewer, or times them out."""
        user = self.world.user(login)
        until = None if seconds is None else self.world.clock() + seconds
        self.world.bans[user.id] = Ban(until, "")
        self.sockets.silenced(user)

    def clear(self) -> None:
        """A moderator wipes the chat."""
        self.world.lines.clear()
        self.sockets.cleared()

    def revoke(self, login: str = "bot", status: str = "authorization_revoked") -> None:
        """Subscriptions end with ``status``; the first kind takes the tokens too."""
        if status == "authorization_revoked":
            self.world.revoke(login)
        self.sockets.revoked(login, status)

    def expire(self, login: str = "bot") -> None:
        """The access tokens run out; refresh tokens stay."""
        for token in self.world.tokens.values():
            if token.user is not None and token.user.login == login:
                token.runs_out = 0.0

    def skip(self, seconds: float) -> None:
        """Time passes on the server."""
        self.skipped_s += seconds

    def move(self, *, bad: bool = False) -> None:
        """session_reconnect to every socket."""
        self.sockets.move(self.eventsub_url, bad=bad)

    def called(self, path: str) -> int:
        """How often a path that ends like this was called."""
        return sum(1 for _, called in self.helix.calls if called.endswith(path))


async def _serve(channel: str, account: str, keepalive_s: float | None) -> None:
    async with TwitchApi(channel, account, keepalive_s=keepalive_s) as api:
        access, refresh = api.token(account)
        started = {**api.urls(), "twitch_token": access, "twitch_refresh_token": refresh}
        print(json.dumps(started), flush=True)
        deeds: dict[str, Callable[..., Any]] = {
            name: getattr(api, name)
            for name in ("say", "notice", "delete", "ban", "clear", "revoke", "expire", "move")
        }
        deeds |= {"reset": api.sockets.reset, "end": api.sockets.end}
        deeds["bans"] = lambda: sorted(api.world.bans)
        deeds["sent"] = lambda: [said.text for said in api.world.sent]
        deeds["deleted"] = lambda: list(api.world.deleted)
        deeds["listening"] = lambda: len(api.sockets.ready)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            result = deeds[order.pop("do")](**order)
            print(json.dumps({"result": result}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A Twitch API double on loopback")
    parser.add_argument("--channel", default="nova")
    parser.add_argument("--account", default="bot")
    parser.add_argument("--keepalive", type=float, default=None)
    chosen = parser.parse_args()
    asyncio.run(_serve(chosen.channel, chosen.account, chosen.keepalive))
