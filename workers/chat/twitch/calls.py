"""HTTPS to Twitch: one client, deadlines, and waiting when Twitch says so.

Nothing a caller, a log or a traceback gets from here holds a header or an address: that
is where tokens are. Times to wait are taken from the server's own clock (its Date), so
that a wrong clock on this machine changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from ipc.errors import ConfigError
from workers.chat.platform import PlatformRefused
from workers.runtime.visitors import is_loopback

ATTEMPT_S = 5.0
TOGETHER_S = 11.0  # an operator's request has 15 s, and a renewed token may cost a few
AGAIN_S = 0.5  # before the second attempt after a failure of the server
_ATTEMPTS = 3
_ANSWER_BYTES = 1 << 20
_FAILURES = (500, 502, 503, 504)

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every address at INFO
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class Unreachable(PlatformRefused):
    """Twitch did not answer. It may have carried out what was asked."""


class Busy(PlatformRefused):
    """Twitch wants fewer calls, for longer than a person waits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is the JSON object, empty if the answer was none. ``headers`` in lower case."""

    status: int
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """Twitch's own sentence, bounded; it quotes no secret but may quote anything else."""
        return str(self.body.get("message") or "")[:200]

    @property
    def data(self) -> list[dict[str, Any]]:
        """The objects in ``data``; whatever is not one is left out."""
        rows = self.body.get("data")
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def checked_url(url: str, key: str, schemes: tuple[str, str] = ("https", "http")) -> str:
    """``url`` without its last slash. ConfigError if a token would travel in the clear."""
    parts = urlsplit(url)
    if parts.scheme == schemes[0] and parts.hostname:
        return url.rstrip("/")
    if parts.scheme == schemes[1] and parts.hostname and is_loopback(parts.hostname):
        return url.rstrip("/")
    raise ConfigError(
        f"{key} = {url!r} is not a {schemes[0]}:// address", f"{key} goes to Twitch, encrypted"
    )


class Calls:
    """The one HTTP client of a platform. Close it."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tls = tls
        self._client: httpx2.AsyncClient | None = None
        self._now = now
        self._sleep = sleep
        self._not_before = 0.0  # nothing is left of the rate limit until then

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Answer:
        """One answer, whatever its status. Raises Unreachable, or Busy when waiting is no use.

        A 429 is waited for and asked again unless ``patient`` is false; a failure of the
        server is asked again once, if that cannot do a thing twice.
        """
        deadline = self._now() + TOGETHER_S
        for attempt in range(1, _ATTEMPTS + 1):
            await self._wait(self._not_before - self._now(), deadline)
            answer = await self._once(method, url, headers, params, json, form)
            self._note_limit(answer)
            if answer.status == 429 and patient:
                wait = retry_after_s(answer, default=1.0)
            elif answer.status in _FAILURES and attempt == 1 and _repeatable(method, answer):
                wait = retry_after_s(answer, default=AGAIN_S)
            else:
                return answer
            if attempt < _ATTEMPTS:
                await self._wait(wait, deadline)
        return answer

    async def _wait(self, seconds: float, deadline: float) -> None:
        if seconds <= 0:
            return
        if self._now() + seconds > deadline:
            raise Busy(
                f"Twitch takes no more calls for {seconds:.0f} s", "try again after that time"
            )
        await self._sleep(seconds)

    def _note_limit(self, answer: Answer) -> None:
        if answer.headers.get("ratelimit-remaining") == "0" and answer.status != 429:
            self._not_before = self._now() + retry_after_s(answer, default=0.0)

    async def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        json: Mapping[str, Any] | None,
        form: Mapping[str, str] | None,
    ) -> Answer:
        if self._client is None:
            # redirects are not followed: a token goes where the configuration says
            self._client = httpx2.AsyncClient(verify=self._tls, timeout=None)
        try:
            async with (
                asyncio.timeout(ATTEMPT_S),
                self._client.stream(
                    method, url, headers=headers, params=params, json=json, data=form
                ) as response,
            ):
                body = b""
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > _ANSWER_BYTES:
                        break
                status, received = response.status_code, response.headers
        except TimeoutError:
            raise Unreachable(f"Twitch did not answer within {ATTEMPT_S:.0f} s") from None
        except httpx2.HTTPError as error:
            raise unreachable(error) from None
        table = _object(body)
        if table is None:
            if body and 200 <= status < 300:
                raise Unreachable(
                    "what answers is not Twitch", "is there a proxy or a login page in between?"
                )
            table = {}
        return Answer(status, table, {name.lower(): value for name, value in received.items()})


def retry_after_s(answer: Answer, default: float) -> float:
    """Seconds until Twitch wants to hear of us again, by its own clock; at least 0."""
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    server = _date(answer.headers.get("date", ""))
    if server is None:
        return default
    if (until := _date(after)) is not None:
        return max(0.0, until - server)
    reset = answer.headers.get("ratelimit-reset", "")
    # a whole second: the header is cut to one, as is the date
    return max(0.0, float(reset) - server) + 1.0 if reset.isdigit() else default


def unreachable(error: BaseException) -> Unreachable:
    """A sentence for a failed connection, without what the library says (it quotes addresses)."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"Twitch's certificate is not trusted: {cause.verify_message}",
                "is there a proxy with its own certificate (chat.ca_file), or a wrong clock?",
            )
        cause = cause.__cause__ or cause.__context__
    kind = type(error).__name__
    return Unreachable(f"Twitch cannot be reached ({kind})", "is this machine online?")


def _repeatable(method: str, answer: Answer) -> bool:
    return method in ("GET", "DELETE") or answer.status == 503  # 503: it was not even begun


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None


def _date(text: str) -> float | None:
    try:
        when: datetime = parsedate_to_datetime(text)
        return when.timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
