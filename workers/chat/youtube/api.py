"""One call of the YouTube API: authorised, bounded, timed, counted against the quota.

The key travels in the header X-Goog-Api-Key, never in an address: addresses end up in logs
and in the text of exceptions.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from ipc.secrets import SecretStr
from workers.chat.tls import trusting
from workers.chat.youtube.quota import Quota
from workers.chat.youtube.token import Token
from workers.chat.youtube.trouble import ApiError

CALL_TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024  # 2000 long chat lines are about 4 MB

_MAX_WAIT_S = 3600.0  # what is believed of a Retry-After
_VAGUE = ("badRequest", "forbidden", "authError", "invalid")
_TAG = re.compile(r"<[^>]*>")

# httpx2 logs every request at INFO: a line every few seconds, for hours
logging.getLogger("httpx2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is JSON, or None if there was none; ``received_ns`` when its bytes were read."""

    body: Any
    received_ns: int


class Api:
    """A connection to the API, for one event loop. Use it as a context manager."""

    def __init__(
        self,
        url: str,
        key: SecretStr,
        token: Token,
        quota: Quota,
        *,
        id_url: str = "",
        ca_file: str = "",
        wall: Callable[[], float] = time.time,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        """Raises ConfigError if ``ca_file`` cannot be used."""
        self._url = url.rstrip("/")
        self._key = key
        self._token = token
        self._id_url = id_url
        self._renewing = asyncio.Lock()
        self.quota = quota
        self._wall = wall
        self._timeout_s = timeout_s
        self.skew_s: float | None = None  # YouTube's clock minus ours, once it was heard
        self._client = httpx2.AsyncClient(
            verify=trusting(ca_file),
            timeout=timeout_s,
            headers={"Accept": "application/json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    def now(self) -> float:
        """Epoch seconds by YouTube's clock, once it was heard; ours may be wrong."""
        return self._wall() + (self.skew_s or 0.0)

    def reading_with(self) -> str:
        """Name of the secret that reads. The key outlives a token, which has an hour."""
        return "youtube_key" if self._key else "youtube_token"

    async def read(self, path: str, units: int, **params: str | int) -> Answer:
        """GET. Raises ApiError."""
        if self._key:
            header = {"X-Goog-Api-Key": self._key.reveal()}
            return await self._call("GET", path, units, params, header)
        return await self._with_token("GET", path, units, params)

    async def write(
        self, method: str, path: str, units: int, body: Any = None, **params: str
    ) -> Answer:
        """POST or DELETE, with the token. Raises ApiError."""
        return await self._with_token(method, path, units, params, body)

    async def _with_token(
        self, method: str, path: str, units: int, params: Mapping[str, Any], body: Any = None
    ) -> Answer:
        """Renews a token that has run out, once."""
        used = self._token.value
        if used:
            try:
                return await self._call(method, path, units, params, _bearer(used), body)
            except ApiError as error:
                if error.status != 401 or not self._token.renewable:
                    raise
        await self._renew(used)
        return await self._call(method, path, units, params, _bearer(self._token.value), body)

    async def _renew(self, stale: SecretStr) -> None:
        """Another token instead of ``stale``, asked for once however many need it."""
        async with self._renewing:
            if self._token.value != stale:
                return
            answer = await self._send("POST", self._id_url, data=self._token.form())
            if not self._token.take(answer.body):
                raise ApiError("Google's answer has no token in it")

    async def _call(
        self,
        method: str,
        path: str,
        units: int,
        params: Mapping[str, Any],
        header: dict[str, str],
        body: Any = None,
    ) -> Answer:
        self.quota.spend(units, self.now())
        return await self._send(
            method, f"{self._url}/{path}", params=params, headers=header, json=body
        )

    async def _send(self, method: str, url: str, **request: Any) -> Answer:
        try:
            async with (
                asyncio.timeout(self._timeout_s),  # httpx2's is for each read: a slow drip passes
                self._client.stream(method, url, **request) as response,
            ):
                raw = await _bounded(response)
        except TimeoutError:
            raise ApiError(f"no answer within {self._timeout_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise ApiError(self._scrub(str(error) or type(error).__name__)) from None
        received_ns = time.monotonic_ns()
        self._hear_clock(response.headers.get("Date", ""))
        return Answer(self._decode(response, raw), received_ns)

    def _decode(self, response: httpx2.Response, raw: bytes) -> Any:
        """The JSON of a good answer; ApiError for a bad one."""
        try:
            body = json.loads(raw) if raw.strip() else None
        except (ValueError, RecursionError):
            if response.is_success:
                raise ApiError("an answer that is not JSON") from None
            body = None
        if response.is_success:
            return body
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(body, dict) and isinstance(error, str):  # OAuth's own envelope
            error = {"message": body.get("error_description"), "errors": [{"reason": error}]}
        error = error if isinstance(error, dict) else {}
        message = error.get("message")
        text = _TAG.sub("", html.unescape(message)) if isinstance(message, str) else ""
        text = "".join(c for c in " ".join(text.split()) if c.isprintable())[:200]
        raise ApiError(
            self._scrub(text) or f"HTTP {response.status_code}",
            response.status_code,
            _reason(error),
            _seconds(response.headers.get("Retry-After", "")),
        )

    def _scrub(self, text: str) -> str:
        for secret in (self._key, *self._token.secrets()):
            if secret:
                text = text.replace(secret.reveal(), "***")
        return text

    def _hear_clock(self, date: str) -> None:
        try:
            self.skew_s = parsedate_to_datetime(date).timestamp() - self._wall()
        except (ValueError, OverflowError, IndexError, TypeError):
            return  # no Date, or nonsense: what was heard last stands


def _bearer(token: SecretStr) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


async def _bounded(response: httpx2.Response) -> bytes:
    raw = bytearray()
    async for chunk in response.aiter_bytes():
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            raise ApiError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(raw)


def _reason(error: dict[str, Any]) -> str:
    """Google's most exact word: ``errors`` may say badRequest, ``details`` API_KEY_INVALID."""
    words: list[str] = []
    for field in ("errors", "details"):
        listed = error.get(field)
        for entry in listed if isinstance(listed, list) else []:
            word = entry.get("reason") if isinstance(entry, dict) else None
            if isinstance(word, str) and word:
                words.append(word[:64])
    exact = [word for word in words if word not in _VAGUE]
    return (exact or words or [""])[0]


def _seconds(text: str) -> float:
    return min(float(text), _MAX_WAIT_S) if text.isascii() and text.isdigit() else 0.0
