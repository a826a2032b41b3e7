"""Reading a Twitch channel by IRC over TLS, with or without an account.

``TwitchIrc`` keeps one connection alive: it connects, logs in, joins, notices when nobody is
there any more, and comes back. What it hears goes to a Feed, all lines of one read at once.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from ipc.config import TwitchSection
from ipc.secrets import SecretStr
from workers.chat.platform import Feed, Line
from workers.chat.tls import trusting
from workers.chat.twitch.channel import channel_name
from workers.chat.twitch.irc_messages import Translator
from workers.chat.twitch.irc_parser import Lines, parse
from workers.chat.twitch.irc_report import Report
from workers.chat.twitch.irc_session import End, Phase, Session, Timing

_UNSENT_MAX_BYTES = 65_536  # we send a few bytes a minute: whoever lets these pile up is gone
_DOUBLINGS = 16
_NOTHING = SecretStr("")


class TwitchIrc:
    """The lines of one channel.

    Without a token it reads anonymously. A token that is refused is not tried again: it is
    said, and reading goes on anonymously. Raises ConfigError for a channel name that cannot
    be one, and for a ``ca_file`` that cannot be used. ``now_ns`` is CLOCK_MONOTONIC.
    """

    def __init__(
        self,
        settings: TwitchSection,
        *,
        login: str = "",
        token: SecretStr | None = None,
        ca_file: str = "",
        retry_base_s: float = 1.0,
        retry_max_s: float = 60.0,
        timing: Timing | None = None,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.channel = channel_name(settings.channel)
        self._host, self._port = settings.irc_host, settings.irc_port
        self._login, self._token = login.lower(), token or _NOTHING
        self._refused = _NOTHING  # the token that is not tried again
        self._tls = trusting(ca_file)
        self._retry_base_s, self._retry_max_s = retry_base_s, retry_max_s
        self._timing = timing or Timing()
        self._rng = rng or random.Random()
        self._sleep = sleep
        self._now_ns = now_ns
        self._translator = Translator(self.channel)
        self._failures = 0
        self._logins: deque[float] = deque(maxlen=self._timing.limit)

    def use(self, login: str, token: SecretStr) -> None:
        """Log in with these from the next connection on (the token was renewed)."""
        self._login, self._token = login.lower(), token

    async def run(self, feed: Feed) -> None:
        """Read until cancelled. What ``feed`` raises is raised."""
        report = Report(feed, self.channel, self._timing.told_s, self._now_s)
        while True:
            await self._once(feed, report)
            ceiling = self._retry_base_s * 2 ** min(self._failures - 1, _DOUBLINGS)
            await self._pause(self._rng.uniform(0.0, min(ceiling, self._retry_max_s)))

    async def _once(self, feed: Feed, report: Report) -> None:
        """One connection, from dialling to its end."""
        nick, token = self._login, self._token
        if not (nick and token) or token == self._refused:
            nick, token = f"justinfan{self._rng.randint(10_000, 99_999)}", _NOTHING
        self._logins.append(self._now_s())
        session = Session(self.channel, nick, token, self._timing, self._now_s())

        def changed() -> None:
            if session.phase is Phase.JOINED:
                report.back(with_account=bool(token) or not self._token)
            elif session.missing:
                report.missing(session.missing)

        connection = _Connection(self._translator, feed, session, self._now_ns, changed)
        try:
            if why := await self._dial(connection):
                self._failures += 1
                report.away(*why)
                return
            while not connection.over:
                await self._either(connection.stirred(), session.due_s - self._now_s())
                connection.tick()
        finally:
            connection.abort()
            await connection.gone
        if connection.failure is not None:
            raise connection.failure
        if self._now_s() - session.joined_s >= self._timing.stable_s:
            self._failures = 0
        self._failures += 1
        if token and session.ended in (End.REFUSED, End.BANNED):
            self._refused = token
            report.refused(nick, session.why, banned=session.ended is End.BANNED)
        else:
            report.away(session.why or connection.why_lost, quiet=session.ended is End.RECONNECT)

    async def _dial(self, connection: _Connection) -> tuple[str, str] | None:
        """Connects (None), or says why not and how to mend it."""
        place = f"{self._host}:{self._port}"
        dialling = asyncio.ensure_future(
            asyncio.get_running_loop().create_connection(
                lambda: connection, self._host, self._port, ssl=self._tls
            )
        )
        try:
            await self._either(dialling, self._timing.connect_s)
            if not dialling.done():
                return f"{place} did not answer within {self._timing.connect_s:g} s", ""
            dialling.result()
        except ssl.SSLCertVerificationError as error:
            return (
                f"the certificate of {place} is not good: {error.verify_message}",
                "is this computer's clock right? For a proxy with its own certificates: "
                "chat.ca_file",
            )
        except (OSError, UnicodeError) as error:  # the latter: it is no name of a host at all
            return f"{place} cannot be reached: {_words(error)}", "is the network up?"
        finally:
            dialling.cancel()
            await asyncio.gather(dialling, return_exceptions=True)
        return None

    async def _pause(self, jitter_s: float) -> None:
        """Before the next try: the jitter, or longer if the server's limit wants it."""
        wait_s = jitter_s
        if len(self._logins) == self._logins.maxlen:
            wait_s = max(wait_s, self._logins[0] + self._timing.limit_s - self._now_s())
        await self._sleep(wait_s)

    async def _either(self, future: asyncio.Future[Any], wait_s: float) -> None:
        """Until ``future`` is done or the time is over. The future is left alone."""
        sleeping = asyncio.ensure_future(self._sleep(max(0.0, wait_s)))
        try:
            await asyncio.wait((future, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)

    def _now_s(self) -> float:
        return self._now_ns() / 1e9


class _Connection(asyncio.Protocol):
    """The socket's side of a Session. ``gone`` is done when nothing of it is left."""

    def __init__(
        self,
        translator: Translator,
        feed: Feed,
        session: Session,
        now_ns: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._translator = translator
        self._feed = feed
        self._session = session
        self._now_ns = now_ns
        self._changed = changed  # joined, or not to be joined
        self._lines = Lines()
        self._transport: asyncio.Transport | None = None
        self._stirred: asyncio.Future[None] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone.set_result(None)
        self.over = False
        self.why_lost = ""
        self.failure: Exception | None = None  # of the feed: a fault in the program

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its deeds only
        self.gone = asyncio.get_running_loop().create_future()
        self._send(self._session.greeting())

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        received_ns = self._now_ns()
        try:
            with self._watching():
                self._read(data, received_ns)
        except Exception as error:
            self.failure = error
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.why_lost:
            self.why_lost = _words(exc) if exc else "the server closed the connection"
        self._finish()
        if not self.gone.done():
            self.gone.set_result(None)

    def stirred(self) -> asyncio.Future[None]:
        """Done when the session is in another phase or over: look at it again."""
        self._stirred = asyncio.get_running_loop().create_future()
        return self._stirred

    def tick(self) -> None:
        """Whatever is due now."""
        if not self.over:
            with self._watching():
                self._send(self._session.tick(self._now_ns() / 1e9))

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _read(self, data: bytes, received_ns: int) -> None:
        session, translate = self._session, self._translator.translate
        now_s = received_ns / 1e9
        batch: list[Line] = []
        for text in self._lines.push(data):
            if not text:
                continue
            message = parse(text)
            if answer := session.hear(message, now_s):
                self._send(answer)
            if session.ended:
                break
            if message is None:
                continue
            said = translate(message, received_ns)
            if isinstance(said, Line):
                batch.append(said)
            elif said is not None:
                # it must not overtake the lines before it, nor wait for those after it
                if batch:
                    self._feed.lines(batch)
                    batch = []
                self._feed.removed(said)
        if batch:
            self._feed.lines(batch)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Tells what the session has become inside."""
        before = self._session.phase, self._session.missing
        yield
        if self._session.ended:
            self._finish()
        elif before != (self._session.phase, self._session.missing):
            self._changed()
            self._stir()

    def _send(self, text: str) -> None:
        if not text or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(text.encode())
        if self._transport.get_write_buffer_size() > _UNSENT_MAX_BYTES:
            self.why_lost = "the server does not read"
            self._finish()

    def _finish(self) -> None:
        self.over = True
        self._stir()

    def _stir(self) -> None:
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)


def _words(error: Exception) -> str:
    """What went wrong with a connection, without numbers and places in C files."""
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({str(error.reason or error).replace('_', ' ').lower()})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the connection was broken by the other side or the network"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
