"""What Helix lets us do in one channel: write, delete, time out, ban, unban, subscribe.

Every refusal becomes a sentence with a mend. What is already as it was asked for counts
as done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from workers.chat.platform import PlatformRefused
from workers.chat.twitch.auth import BAN, DEEDS, DELETE, WRITE, Auth, Identity, MissingScope
from workers.chat.twitch.calls import Answer, Calls
from workers.chat.twitch.sending import Pace, split

TIMEOUT_MAX_S = 1_209_600  # two weeks
_REASON_CHARS = 500
_PATIENCE_S = 10.0  # an operator's request has 15 s


class Helix:
    """One channel, seen by one token."""

    def __init__(
        self,
        calls: Calls,
        auth: Auth,
        url: str,
        channel: str,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls = calls
        self._auth = auth
        self._url = url
        self._channel = channel
        self._room = ""  # the broadcaster's user id
        self._now = now
        self._sleep = sleep
        self._pace = Pace(now)
        self._sending = asyncio.Lock()  # the parts of a long text stay together

    async def room(self) -> str:
        """The user id of the channel's owner. Raises PlatformRefused."""
        if not self._room:
            answer = await self._ask("GET", "/users", params={"login": self._channel})
            if not answer.good:
                raise _refused(answer, f"look up the channel {self._channel}")
            ids = [str(row.get("id") or "") for row in answer.data]
            if not ids or not ids[0]:
                raise PlatformRefused(
                    f"there is no Twitch channel {self._channel!r}",
                    "is it spelled right (chat.twitch.channel)? renamed or banned?",
                )
            self._room = ids[0]
            self._pace.free = self._auth.identity is not None and (
                self._auth.identity.user_id == self._room
            )
        return self._room

    # --- writing ---

    async def send(self, text: str, reply_to: str = "") -> None:
        """Write; more than 500 characters become several lines, cut between words.

        Raises PlatformRefused: before anything is sent when the text is empty, far too long
        or a repetition that Twitch would drop; in the middle when Twitch drops a part.
        """
        parts = split(text)
        identity = await self._auth.require(WRITE)
        room = await self.room()
        deadline = self._now() + _PATIENCE_S
        async with self._sending:
            for number, part in enumerate(parts, start=1):
                try:
                    await self._send(identity, room, part, reply_to, deadline)
                except PlatformRefused as refused:
                    if number == 1:
                        raise
                    raise PlatformRefused(
                        f"{number - 1} of {len(parts)} lines were written, then: {refused.message}",
                        refused.hint,
                    ) from None

    async def _send(
        self, identity: Identity, room: str, text: str, reply_to: str, deadline: float
    ) -> None:
        self._pace.refuse_repetition(text)
        wait_s = self._pace.wait_s()
        if self._now() + wait_s > deadline:
            raise PlatformRefused(
                f"Twitch takes 20 lines in 30 s and they are used up: wait {wait_s:.0f} s",
                "a moderator may write 100",
            )
        if wait_s > 0:
            await self._sleep(wait_s)
        body = {"broadcaster_id": room, "sender_id": identity.user_id, "message": text}
        if reply_to:
            body["reply_parent_message_id"] = reply_to
        self._pace.sent(text)
        try:
            answer = await self._ask("POST", "/chat/messages", json=body, scope=WRITE)
        except PlatformRefused:  # if it arrived all the same, Twitch drops a second one itself
            self._pace.dropped()
            raise
        if not answer.good:
            self._pace.dropped()
            raise self._not_sent(answer)
        row = answer.data[0] if answer.data else {}
        if row.get("is_sent") is not True:
            self._pace.dropped()
            raise _drop(row.get("drop_reason"))

    def _not_sent(self, answer: Answer) -> PlatformRefused:
        if answer.status == 403:
            return PlatformRefused(
                f"{self._login} may not write into {self._channel}"
                + (f": {answer.message}" if answer.message else ""),
                "banned or timed out there, or a phone number or e-mail must be verified first?",
            )
        return _refused(answer, "write into the chat")

    # --- moderation ---

    async def delete(self, line_id: str) -> None:
        """Delete a line. Raises PlatformRefused."""
        answer = await self._moderate("DELETE", "/moderation/chat", DELETE, {"message_id": line_id})
        if answer.good:
            return
        said = answer.message.lower()
        if answer.status == 404 or "6 hours" in said:
            raise PlatformRefused(
                "Twitch has no such line: it is deleted already, or older than six hours",
                "time its author out to remove older lines",
            )
        if answer.status == 400 and ("broadcaster's" in said or "moderator's" in said):
            raise PlatformRefused(
                "lines of the streamer and of moderators cannot be deleted by others",
                "only the streamer deletes lines of moderators",
            )
        raise self._not_moderated(answer, "delete the line")

    async def ban(self, user_id: str, reason: str) -> None:
        """Silence a viewer for good. Raises PlatformRefused."""
        await self._ban({"user_id": user_id, "reason": reason[:_REASON_CHARS]}, "ban")

    async def timeout(self, user_id: str, seconds: int, reason: str) -> None:
        """Silence a viewer for 1 to TIMEOUT_MAX_S seconds. Raises PlatformRefused."""
        if not 1 <= seconds <= TIMEOUT_MAX_S:
            raise PlatformRefused(
                f"a timeout on Twitch lasts 1 to {TIMEOUT_MAX_S} seconds (two weeks), "
                f"not {seconds}",
                "ban for longer",
            )
        data = {"user_id": user_id, "duration": seconds, "reason": reason[:_REASON_CHARS]}
        await self._ban(data, "time out")

    async def _ban(self, data: Mapping[str, Any], deed: str) -> None:
        answer = await self._moderate("POST", "/moderation/bans", BAN, json={"data": data})
        said = answer.message.lower()
        if answer.good or (answer.status == 400 and "already banned" in said):
            return
        if answer.status == 400 and "may not be" in said:
            raise PlatformRefused(
                f"Twitch lets nobody {deed} this viewer: the streamer, a moderator or Twitch staff",
                "take the moderator's rank away first: /unmod NAME in the chat",
            )
        raise self._not_moderated(answer, f"{deed} the viewer")

    async def unban(self, user_id: str) -> None:
        """End a ban or a timeout. Raises PlatformRefused."""
        answer = await self._moderate("DELETE", "/moderation/bans", BAN, {"user_id": user_id})
        if answer.good or (answer.status == 400 and "not banned" in answer.message.lower()):
            return
        raise self._not_moderated(answer, "unban the viewer")

    async def _moderate(
        self,
        method: str,
        path: str,
        scope: str,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        identity = await self._auth.require(scope)
        query = {"broadcaster_id": await self.room(), "moderator_id": identity.user_id}
        answer = await self._ask(
            method, path, params=query | dict(params or {}), json=json, scope=scope
        )
        if answer.good:
            self._pace.free = True  # a moderator: no slow mode, no duplicate rule
        return answer

    def _not_moderated(self, answer: Answer, deed: str) -> PlatformRefused:
        said = answer.message.lower()
        if answer.status == 403 or (answer.status == 401 and "moderator" in said):
            return PlatformRefused(
                f"{self._login} is no moderator of {self._channel}",
                f"the streamer makes it one: /mod {self._login} in the chat",
            )
        if answer.status == 409:
            return PlatformRefused(
                f"somebody else is changing this viewer's ban just now: cannot {deed}",
                "try again in a moment",
            )
        if answer.status == 400 and "user_id" in said:
            return PlatformRefused(f"Twitch knows no such viewer: cannot {deed}", answer.message)
        return _refused(answer, deed)

    # --- EventSub ---

    async def subscribe(self, kind: str, session_id: str, scope: str) -> Answer:
        """Ask for events of ``kind`` on that WebSocket session; the answer as it is.

        A 429 is not waited for: it may mean that old subscriptions still count.
        """
        identity = await self._auth.require(scope, "read the chat through EventSub")
        body = {
            "type": kind,
            "version": "1",
            "condition": {"broadcaster_user_id": await self.room(), "user_id": identity.user_id},
            "transport": {"method": "websocket", "session_id": session_id},
        }
        return await self._ask(
            "POST", "/eventsub/subscriptions", json=body, scope=scope, patient=False
        )

    # --- asking ---

    @property
    def _login(self) -> str:
        identity = self._auth.identity
        return identity.login if identity is not None else "the account"

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        scope: str = "",
        patient: bool = True,
    ) -> Answer:
        """One answer; a token that has run out is renewed once on the way."""
        for again in (False, True):
            headers = await self._auth.headers()
            used = self._auth.token
            answer = await self._calls.call(
                method,
                self._url + path,
                headers=headers,
                params=params,
                json=json,
                patient=patient,
            )
            if answer.status != 401:
                break
            if "scope" in answer.message.lower() and scope:
                raise MissingScope(self._login, scope, DEEDS.get(scope, "do this"))
            if again or "moderator" in answer.message.lower():
                break  # a fresh token would be refused too
            await self._auth.renew(used)
        return answer


def _refused(answer: Answer, deed: str) -> PlatformRefused:
    said = f": {answer.message}" if answer.message else ""
    if answer.status == 401:
        return PlatformRefused(f"Twitch does not take the token to {deed}{said}", "get a new one")
    if answer.status >= 500:
        return PlatformRefused(
            f"Twitch is in trouble and did not {deed} (status {answer.status})", "try again later"
        )
    return PlatformRefused(f"Twitch refused to {deed} (status {answer.status}){said}")


_DROPS = {
    "msg_duplicate": "say it in other words, or wait 30 s",
    "msg_slowmode": "the channel is in slow mode: wait, or become a moderator",
    "msg_ratelimit": "wait half a minute",
    "msg_banned": "the account is banned in this channel",
    "msg_timedout": "the account is timed out in this channel",
    "msg_followersonly": "only followers may write: follow the channel",
    "msg_subsonly": "only subscribers may write",
    "msg_emoteonly": "only emotes may be written now",
    "msg_rejected": "AutoMod holds it: a moderator may let it through",
    "msg_rejected_mandatory": "AutoMod refused it",
    "msg_requires_verified_phone_number": "verify the account's phone number",
}


def _drop(reason: object) -> PlatformRefused:
    """``drop_reason`` of an answer that was good and yet sent nothing."""
    table = reason if isinstance(reason, dict) else {}
    code, text = str(table.get("code") or ""), str(table.get("message") or "")[:200]
    return PlatformRefused(
        f"Twitch dropped the line: {text or code or 'it does not say why'}",
        _DROPS.get(code, f"Twitch calls it {code}" if code else ""),
    )
