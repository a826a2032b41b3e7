"""YouTube as a platform of the chat worker: the reader, and what a token lets us do."""

from __future__ import annotations

import asyncio
import random
import textwrap
import time
from collections.abc import Callable
from typing import Any

from ipc.config import ChatSection
from ipc.secrets import Secrets, SecretStr
from workers.chat.platform import Feed, PlatformRefused
from workers.chat.youtube.address import video_id
from workers.chat.youtube.api import CALL_TIMEOUT_S, Answer, Api
from workers.chat.youtube.items import PLATFORM, written_by
from workers.chat.youtube.quota import DEED_UNITS, Quota
from workers.chat.youtube.reader import Reader, Sleep
from workers.chat.youtube.token import Token
from workers.chat.youtube.trouble import ApiError, Then, judge

_SECRETS = (
    "youtube_key",
    "youtube_token",
    "youtube_refresh_token",
    "youtube_client_id",
    "youtube_client_secret",
)
MAX_MESSAGE = 200  # characters of one message; YouTube refuses longer ones
MAX_TIMEOUT_S = 86_400  # the longest timeout YouTube's own page offers


class YouTube:
    """The live chat of one video (``workers.chat.platform.Platform``).

    Reads with the secret youtube_key, or with youtube_token alone; every deed needs the token.
    ``wall`` is epoch seconds, ``sleep`` and ``rng`` are for the waits between two calls.
    """

    name = PLATFORM
    numbered_viewers = False

    def __init__(
        self,
        chat: ChatSection,
        secrets: Secrets,
        *,
        wall: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self._chat = chat
        self._key = secrets.get("youtube_key")
        self._token = Token(secrets)
        # it would end up in the text of an exception, as a header that cannot be sent
        self._strange = [name for name in _SECRETS if _is_strange(secrets.get(name))]
        self._wall = wall
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._timeout_s = timeout_s
        self.self_id = ""  # of the account that writes, once it has written
        self._api: Api | None = None
        self._reader: Reader | None = None
        self._bans: dict[str, str] = {}  # author id: id of the ban, which YouTube lists nowhere

    async def run(self, feed: Feed) -> None:
        """Read until cancelled. Returns only if the configuration leaves nothing to read."""
        config = self._chat.youtube
        video = video_id(config.video)
        if not video:
            return _cannot(
                feed,
                f"chat.youtube.video: {config.video[:80]!r} is neither the id nor the address "
                "of a YouTube video",
                "an id has 11 characters: youtube.com/watch?v=ID",
            )
        if not (self._key or self._token):
            return _cannot(
                feed,
                "YouTube needs the secret youtube_key",
                "docs/platforms.md says where to get it and where it goes",
            )
        if self._strange:
            return _cannot(
                feed,
                f"the secret {self._strange[0]} has characters in it that none has",
                "a space, a line break or a letter that is not ASCII: copy it again",
            )
        if missing := self._token.half():
            feed.notice(
                "warning",
                f"youtube_token cannot be renewed: {missing} is missing",
                "an access token lasts an hour; docs/platforms.md has the whole list",
            )
        quota = Quota(config.daily_quota, config.spread_h * 3600)
        async with Api(
            config.api_url,
            self._key,
            self._token,
            quota,
            id_url=config.id_url,
            ca_file=self._chat.ca_file,
            wall=self._wall,
            timeout_s=self._timeout_s,
        ) as api:
            self._api = api
            self._reader = Reader(api, self._chat, feed, self._sleep, self._rng)
            try:
                await self._reader.run(video)
            finally:
                self._api = self._reader = None

    # --- deeds ---

    async def delete(self, line_id: str) -> None:
        await self._act("DELETE", "liveChat/messages", id=line_id)

    async def timeout(self, author_id: str, seconds: int, reason: str) -> None:  # noqa: ARG002
        """YouTube takes no reason."""
        await self._ban(
            author_id,
            {"type": "temporary", "banDurationSeconds": str(min(max(seconds, 1), MAX_TIMEOUT_S))},
        )

    async def ban(self, author_id: str, reason: str) -> None:  # noqa: ARG002
        """YouTube takes no reason."""
        await self._ban(author_id, {"type": "permanent"})

    async def unban(self, author_id: str) -> None:
        ban = self._bans.get(author_id)
        if ban is None:
            raise PlatformRefused(
                "YouTube lifts a ban only by an id that was given when it was made, and this "
                "ban was not made in this run",
                "lift it in YouTube Studio: Settings, Community, Hidden users",
            )
        await self._act("DELETE", "liveChat/bans", missing_ok=True, id=ban)  # it may be over
        self._bans.pop(author_id, None)

    async def send(self, text: str, reply_to: str = "") -> None:
        """YouTube has no replies: the name of whom it answers comes first. Long texts become
        several messages, cut between words."""
        if reply_to and self._reader and (author := self._reader.author_of(reply_to)):
            text = f"@{author.removeprefix('@')} {text}"
        parts = textwrap.wrap(text, MAX_MESSAGE, break_on_hyphens=False)
        if not parts:
            raise PlatformRefused("there is nothing to send", "type some text")
        for part in parts:
            body = {
                "type": "textMessageEvent",
                "liveChatId": self._open_chat(),
                "textMessageDetails": {"messageText": part},
            }
            answer = await self._act("POST", "liveChat/messages", {"snippet": body}, part="snippet")
            if answer and (own := written_by(answer.body)):
                self.self_id = own

    async def _ban(self, author_id: str, how: dict[str, str]) -> None:
        body = how | {
            "liveChatId": self._open_chat(),
            "bannedUserDetails": {"channelId": author_id},
        }
        answer = await self._act("POST", "liveChat/bans", {"snippet": body}, part="snippet")
        made = answer.body.get("id") if answer and isinstance(answer.body, dict) else None
        if isinstance(made, str) and made:
            self._bans[author_id] = made

    def _open_chat(self) -> str:
        self._writing()
        if self._reader is None or not self._reader.chat_id:
            raise PlatformRefused("no YouTube chat is open now", "try again when the stream is on")
        return self._reader.chat_id

    def _writing(self) -> Api:
        """The connection, if we may write."""
        if not self._token:
            raise PlatformRefused(
                "YouTube lets nobody write or moderate with a key: the secret youtube_token "
                "is missing",
                "docs/platforms.md says where to get it and where it goes",
            )
        if self._api is None:
            raise PlatformRefused("YouTube chat is not being read", "see chat.youtube.video")
        return self._api

    async def _act(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        missing_ok: bool = False,
        **params: str,
    ) -> Answer | None:
        try:
            return await self._writing().write(method, path, DEED_UNITS, body, **params)
        except ApiError as error:
            if missing_ok and error.status == 404:
                return None
            raise _refusal(error) from None


def _is_strange(secret: SecretStr) -> bool:
    return not all("!" <= c <= "~" for c in secret.reveal())


def _refusal(error: ApiError) -> PlatformRefused:
    if error.status == 404:
        return PlatformRefused(f"YouTube does not find it: {error}", "it may be gone already")
    trouble = judge(error, "youtube_token")
    if trouble.then is Then.RETRY:
        return PlatformRefused(trouble.text, "try again")
    return PlatformRefused(trouble.text, trouble.hint)


def _cannot(feed: Feed, text: str, hint: str) -> None:
    feed.problem(text)
    feed.notice("error", text, hint)
