"""EventSub over WebSocket: the other way to read Twitch's chat, for those with a token.

A session begins with a welcome, wants its subscriptions within ten seconds and says
something at least every ``keepalive_timeout_seconds``. We never send a frame (Twitch
closes the socket with 4001): even the library's pings are off, and silence is noticed by
the keep-alive. Delivery is at least once; what was delivered before is dropped here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from workers.chat.platform import Feed, Line, PlatformRefused, Removal
from workers.chat.twitch.auth import READ, MissingScope, TokenLost
from workers.chat.twitch.calls import Answer, unreachable
from workers.chat.twitch.eventsub_messages import SUBSCRIPTIONS, Frame, frame_of, translate

KEEPALIVE_S = 30  # asked for; Twitch takes 10 to 600
SLACK_S = 5.0  # a keep-alive may be this late
WELCOME_S = 10.0
STABLE_S = 60.0  # connected for this long, and the next pause is the first one again
SEEN = 20_000  # ids remembered, two for a line
_FRAME_BYTES = 1 << 18
_QUEUED = 4096  # frames read ahead
_CLOSE_S = 2.0
_LINGER_S = 30.0  # how long Twitch may count the subscriptions of a socket that dropped

_CLOSED = {
    4000: "Twitch had an internal error",
    4001: "Twitch says that we sent something",
    4002: "Twitch missed our pong",
    4003: "no subscription was made in time",
    4004: "the move to another server took too long",
    4005: "Twitch timed out on its network",
    4006: "Twitch had a network error",
    4007: "the address for the move was not valid",
}
_REVOKED = {
    "user_removed": "the account or the channel no longer exists",
    "authorization_revoked": "the token was revoked, or the password changed",
    "version_removed": "Twitch removed this version of the events",
    "chat_user_banned": "the account was banned from the channel",
    "moderator_removed": "the account is no moderator any more",
}

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # addresses for a move are as good as a key


class SourceLost(PlatformRefused):
    """EventSub will not tell the chat again; there is another source."""


class Subscriber(Protocol):
    """What is needed of Helix."""

    async def subscribe(self, kind: str, session_id: str, scope: str) -> Answer:
        """Ask for events of ``kind`` on a session."""


class _Dropped(Exception):
    """This socket is of no use any more; another one may be."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Open:
    """A socket that was welcomed."""

    socket: ClientConnection
    session_id: str
    silence_s: float  # longest time between two frames


class EventSub:
    """The chat of one channel as EventSub tells it. ``run`` until cancelled."""

    def __init__(
        self,
        url: str,
        helix: Subscriber,
        tls: ssl.SSLContext,
        *,
        retry_base_s: float,
        retry_max_s: float,
        slack_s: float = SLACK_S,
        rng: random.Random | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url
        self._helix = helix
        self._tls = tls
        self._retry = (retry_base_s, retry_max_s)
        self._slack_s = slack_s
        self._rng = rng or random.Random()
        self._now = now
        self._sleep = sleep
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._malformed = 0

    async def run(self, feed: Feed) -> None:
        """Tell ``feed``; reconnects by itself. Raises SourceLost or TokenLost for good."""
        failures = 0
        while True:
            began = self._now()
            try:
                await self._connected(feed)
            except _Dropped as dropped:
                failures = 0 if self._now() - began > STABLE_S else failures + 1
                feed.problem(f"EventSub is away: {dropped.why}")
                await self._sleep(max(dropped.wait_s, self._pause_s(failures)))

    def _pause_s(self, failures: int) -> float:
        base, most = self._retry
        return self._rng.uniform(0.0, min(most, base * 2.0 ** min(failures, 30)))

    async def _connected(self, feed: Feed) -> None:
        """From one socket to the next as Twitch moves us. Raises _Dropped."""
        current = await self._begin()
        feed.problem("")
        try:
            while True:
                url = await self._read(current, feed)
                current = await self._move(current, url, feed)
        finally:
            await _close(current.socket)

    async def _begin(self) -> _Open:
        opened = await self._open(_with_keepalive(self._url))
        try:
            await self._subscribe(opened.session_id)
        except BaseException:
            await _close(opened.socket)
            raise
        return opened

    async def _open(self, url: str) -> _Open:
        """Connect and await the welcome. Raises _Dropped."""
        try:
            async with asyncio.timeout(WELCOME_S):
                socket = await connect(
                    url,
                    ssl=self._tls if urlsplit(url).scheme == "wss" else None,
                    ping_interval=None,
                    close_timeout=_CLOSE_S,
                    open_timeout=None,
                    max_size=_FRAME_BYTES,
                    max_queue=_QUEUED,
                    logger=_wire,
                    compression=None,
                )
        except TimeoutError:
            raise _Dropped(f"no connection within {WELCOME_S:.0f} s") from None
        except InvalidHandshake as error:
            raise _Dropped(f"it refuses the connection ({type(error).__name__})") from None
        except (OSError, EOFError, WebSocketException) as error:
            raise _Dropped(unreachable(error).message) from None
        try:
            async with asyncio.timeout(WELCOME_S):
                frame = await self._next(socket)
        except TimeoutError:
            await _close(socket)
            raise _Dropped(f"no welcome within {WELCOME_S:.0f} s") from None
        except BaseException:
            await _close(socket)
            raise
        session = frame.payload.session
        if frame.metadata.message_type != "session_welcome" or not session.id:
            await _close(socket)
            raise _Dropped("it did not begin with a welcome")
        silence = session.keepalive_timeout_seconds or KEEPALIVE_S
        return _Open(socket, session.id, silence + self._slack_s)

    async def _subscribe(self, session_id: str) -> None:
        """Every subscription, or _Dropped, SourceLost, TokenLost."""
        for kind in SUBSCRIPTIONS:
            try:
                answer = await self._helix.subscribe(kind, session_id, READ)
            except TokenLost:
                raise
            except MissingScope as missing:
                raise SourceLost(missing.message, missing.hint) from None
            except PlatformRefused as refused:
                raise _Dropped(refused.message) from None
            if answer.good or answer.status == 409:  # 409: there is one like this already
                continue
            if answer.status == 429:
                raise _Dropped("Twitch still counts the subscriptions of before", _LINGER_S / 3)
            if answer.status in (400, 401, 403):
                raise SourceLost(
                    f"Twitch refuses to tell {kind} through EventSub "
                    f"(status {answer.status}{': ' if answer.message else ''}{answer.message})",
                    "is the account banned in the channel?",
                )
            raise _Dropped(f"the subscription to {kind} failed (status {answer.status})")

    # --- reading ---

    async def _read(self, opened: _Open, feed: Feed) -> str:
        """Tell what comes until Twitch wants us elsewhere: that address. Raises _Dropped."""
        while True:
            try:
                async with asyncio.timeout(opened.silence_s):
                    frame = await self._next(opened.socket)
            except TimeoutError:
                raise _Dropped(f"nothing was heard for {opened.silence_s:.0f} s") from None
            kind = frame.metadata.message_type
            if kind == "notification":
                self._tell(frame, feed)
            elif kind == "revocation":
                _revoked(frame)
            elif kind == "session_reconnect" and (url := frame.payload.session.reconnect_url):
                return url

    async def _next(self, socket: ClientConnection) -> Frame:
        """The next frame that is one. Raises _Dropped at the end of the connection."""
        while True:
            try:
                data = await socket.recv(decode=False)
            except ConnectionClosed as closed:
                raise _Dropped(_why_closed(closed)) from None
            frame = frame_of(data)
            if frame is not None:
                return frame
            self._malformed += 1

    def _tell(self, frame: Frame, feed: Feed) -> None:
        received_ns = time.monotonic_ns()
        if self._known(frame.metadata.message_id):
            return
        told = translate(frame, received_ns)
        if isinstance(told, Line):
            if not self._known(told.id):  # two sockets tell it while one takes over
                feed.lines([told])
        elif isinstance(told, Removal):
            feed.removed(told)

    def _known(self, message_id: str) -> bool:
        """Whether this id was seen before; from now on it was."""
        if not message_id or message_id in self._seen:
            return bool(message_id)
        self._seen[message_id] = None
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        return False

    # --- moving to another server ---

    async def _move(self, old: _Open, url: str, feed: Feed) -> _Open:
        """The successor of ``old``, which is read to its end: nothing in between is lost."""
        reading = asyncio.create_task(self._drain(old, feed), name="eventsub: old socket")
        try:
            new = await self._successor(url, reading)
            try:
                await _close(old.socket)  # the drain ends when all that had come is told
                await reading
            except BaseException:
                await _close(new.socket)
                raise
            return new
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _successor(self, url: str, reading: asyncio.Task[None]) -> _Open:
        """By that address; if it is no good, begun anew while the old socket still speaks."""
        try:
            return await self._open(self._checked(url))
        except _Dropped:
            pass
        failures = 0
        while True:
            try:
                return await self._begin()
            except _Dropped as dropped:
                if reading.done():
                    raise
                failures += 1
                await self._sleep(max(dropped.wait_s, self._pause_s(failures)))

    async def _drain(self, old: _Open, feed: Feed) -> None:
        with contextlib.suppress(_Dropped):
            while True:
                await self._read(old, feed)

    def _checked(self, url: str) -> str:
        """Only to where the configuration leads, and encrypted if that is."""
        asked, ours = urlsplit(url), urlsplit(self._url)
        domain = ".".join((ours.hostname or "").split(".")[-2:])
        host = asked.hostname or ""
        if asked.scheme != ours.scheme or not f".{host}".endswith(f".{domain}"):
            raise _Dropped("the address for the move is not Twitch's")
        return url


def _with_keepalive(url: str) -> str:
    mark = "&" if urlsplit(url).query else "?"
    return f"{url}{mark}keepalive_timeout_seconds={KEEPALIVE_S}"


async def _close(socket: ClientConnection) -> None:
    """Properly, or at least for good."""
    try:
        await socket.close()
    finally:
        socket.transport.abort()


def _why_closed(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "the connection broke"
    known = _CLOSED.get(closed.rcvd.code)
    return f"{known} ({closed.rcvd.code})" if known else f"closed with {closed.rcvd.code}"


def _revoked(frame: Frame) -> None:
    """Raises: a token that was revoked may be renewed (the next subscription will tell),
    whatever else ended a subscription will end the next one too."""
    subscription = frame.payload.subscription
    why = _REVOKED.get(subscription.status, subscription.status[:60] or "it does not say why")
    text = f"Twitch ended {subscription.type[:60]}: {why}"
    if subscription.status == "authorization_revoked":
        raise _Dropped(text)
    raise SourceLost(text, "set chat.twitch.source to 'irc' if it stays like this")
