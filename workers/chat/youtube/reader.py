"""Finds the live chat of one video and reads it, for hours, whatever happens in between."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from itertools import groupby

from ipc.config import ChatSection
from workers.chat.platform import Feed, Line, Removal
from workers.chat.youtube.api import Api
from workers.chat.youtube.items import Heard, Page, read_page, read_video
from workers.chat.youtube.quota import LOOK_UNITS, next_reset
from workers.chat.youtube.trouble import ApiError, Then, Trouble, judge

Sleep = Callable[[float], Awaitable[None]]

LOOK_S = 60.0  # between two looks whether the stream is on: one unit each
SLOW_S = 300.0  # when it has not been on for a while, or a person has to mend something
PROBE_S = 900.0  # the quota may be raised before it is renewed; asking costs nothing then

_PATIENT_LOOKS = 30  # looks LOOK_S apart before they become SLOW_S apart
_SEEN = 10_000  # ids kept; YouTube's history of a chat is far shorter
_LATE_S = 10.0  # a line may come this much later than YouTube says it was written
_SKEW_TOLD_S = 60.0
_MAX_RESULTS = 2000
_AT_ONCE = 200


class Reader:
    """``chat_id`` is the open chat, "" if none; ``author_of`` knows who wrote a line."""

    def __init__(
        self, api: Api, chat: ChatSection, feed: Feed, sleep: Sleep, rng: random.Random
    ) -> None:
        self.chat_id = ""
        self._api = api
        self._chat = chat
        self._feed = feed
        self._sleep = sleep
        self._rng = rng
        self._read_id = ""  # the chat that was read last, and to where
        self._page_token = ""
        self._since = 0.0  # what was written before is backlog
        self._seen: dict[str, str] = {}
        self._looks = 0  # in vain, since the chat was read last
        self._failures = 0
        self._problem = ""
        self._ended = False  # and that was said
        self._told_interval_s = 0.0
        self._skew_told = False

    def author_of(self, line_id: str) -> str:
        """The name to a line's id; "" if it was not seen lately."""
        return self._seen.get(line_id, "")

    async def run(self, video: str) -> None:
        """Read until cancelled."""
        while True:
            await self._until_open(video)
            try:
                await self._read()
            finally:
                self.chat_id = ""
            await self._look_later()  # what has just ended is not back at once

    # --- finding the chat ---

    async def _until_open(self, video: str) -> None:
        """Look at the video until its chat is open."""
        while not self.chat_id:
            try:
                answer = await self._api.read(
                    "videos", LOOK_UNITS, part="snippet,liveStreamingDetails", id=video
                )
            except ApiError as error:
                await self._after(judge(error, self._api.reading_with()), error)
                continue
            self._failures = 0
            self._tell_skew()
            found = read_video(answer.body)
            if found is not None and found.chat_id:
                self.chat_id = found.chat_id
                if found.chat_id != self._read_id:
                    self._feed.notice("info", f"YouTube: reading the chat of {found.title!r}")
                return
            if found is None:
                self._trouble(f"YouTube has no video {video}", "see chat.youtube.video")
            elif not found.live:
                self._trouble(
                    f"the YouTube video {video} is no live stream", "see chat.youtube.video"
                )
            elif self._read_id:
                self._say_ended()
            elif found.ended:
                self._trouble(
                    f"the YouTube stream {video} is over",
                    "put the next one into chat.youtube.video",
                )
            else:
                self._trouble("the YouTube stream has not begun", "its chat is read once it has")
            await self._look_later()

    async def _look_later(self) -> None:
        self._looks += 1
        await self._sleep(LOOK_S if self._looks <= _PATIENT_LOOKS else SLOW_S)

    # --- reading it ---

    async def _read(self) -> None:
        """Look at the chat again and again; returns when it has ended."""
        if new := self.chat_id != self._read_id:
            self._read_id, self._page_token = self.chat_id, ""
            self._api.quota.begin(self._api.now())
        units = self._chat.youtube.poll_units
        interval_s = LOOK_S
        while True:
            params = {"pageToken": self._page_token} if self._page_token else {}
            try:
                answer = await self._api.read(
                    "liveChat/messages",
                    units,
                    liveChatId=self.chat_id,
                    part="id,snippet,authorDetails",
                    maxResults=_MAX_RESULTS,
                    **params,
                )
            except ApiError as error:
                trouble = judge(error, self._api.reading_with())
                if trouble.then is Then.ENDED:
                    return self._say_ended()
                if trouble.then is Then.AFRESH and self._page_token:
                    self._page_token = ""  # the history comes again; what was seen is passed over
                    await self._sleep(interval_s)
                else:
                    await self._after(trouble, error)
                continue
            page = read_page(answer.body, answer.received_ns)
            self._failures = 0
            await self._tell(page, backlog=new)
            self._page_token = page.token
            if page.ended:
                return self._say_ended()
            self._well()
            now = self._api.now()
            interval_s = self._api.quota.interval_s(page.asked_s, units, now)
            self._tell_pace(page.asked_s, interval_s, now)
            new = False
            await self._sleep(interval_s)

    async def _tell(self, page: Page, backlog: bool) -> None:
        if backlog:
            # by our own clock, which may be ahead, lines would be lost
            self._since = self._api.now() if self._api.skew_s is not None else 0.0
        fresh = [heard for heard in page.heard if self._is_news(heard, backlog)]
        for are_lines, group in groupby(fresh, lambda heard: isinstance(heard.what, Line)):
            whats = [heard.what for heard in group]
            if are_lines:
                lines = [what for what in whats if isinstance(what, Line)]
                for begin in range(0, len(lines), _AT_ONCE):
                    self._feed.lines(lines[begin : begin + _AT_ONCE])
                    await asyncio.sleep(0)  # an order of the operator need not wait for them all
            else:
                for what in whats:
                    if isinstance(what, Removal):
                        self._feed.removed(what)

    def _is_news(self, heard: Heard, backlog: bool) -> bool:
        what = heard.what
        if isinstance(what, Removal) and what.ids:
            # may be of a line that an earlier run of ours still has; a tombstone has its id
            return True
        if heard.id in self._seen:
            return False
        if heard.id:
            self._seen[heard.id] = what.author if isinstance(what, Line) else ""
            if len(self._seen) > _SEEN:
                del self._seen[next(iter(self._seen))]
        # a long history comes in several pages; a ban in it may have been lifted since
        return not (backlog or 0 < heard.at < self._since - _LATE_S)

    # --- going on after errors ---

    async def _after(self, trouble: Trouble, error: ApiError) -> None:
        """Say what is wrong and wait as long as it takes."""
        self._failures += 1
        now = self._api.now()
        match trouble.then:
            case Then.RESET:
                reset = next_reset(now)
                # by our own clock, however wrong: that is the one the operator looks at
                local = time.strftime("%H:%M", time.localtime(reset - (self._api.skew_s or 0.0)))
                self._trouble(f"{trouble.text}; it is renewed at {local}", trouble.hint)
                wait_s = min(reset - now + self._rng.uniform(5, 30), PROBE_S)
            case Then.RETRY:
                longest_s = self._chat.retry_max_s
                delay_s = min(self._chat.retry_base_s * 2 ** min(self._failures - 1, 30), longest_s)
                wait_s = max(self._rng.uniform(delay_s / 2, delay_s), error.retry_after_s)
                # once in a while, in the middle of a show, is no news
                if self._failures > (2 if trouble.passing else 1 if self._read_id else 0):
                    self._trouble(trouble.text, trouble.hint or "it is tried again by itself")
            case _:
                self._trouble(trouble.text, trouble.hint)
                wait_s = SLOW_S
        await self._sleep(wait_s)

    def _trouble(self, text: str, hint: str = "") -> None:
        if text.partition(": ")[0] != self._problem.partition(": ")[0]:  # details vary
            self._problem = text
            self._feed.problem(text)
            self._feed.notice("warning", text, hint)

    def _well(self) -> None:
        self._ended, self._looks = False, 0
        if self._problem:
            self._problem = ""
            self._feed.problem("")
            self._feed.notice("info", "YouTube chat is being read")

    def _say_ended(self) -> None:
        if self._problem:
            self._problem = ""
            self._feed.problem("")
        if not self._ended:
            self._ended = True
            self._feed.notice(
                "info", "the YouTube stream has ended", "its chat is read again if it comes back"
            )

    # --- saying how it is read ---

    def _tell_pace(self, asked_s: float, interval_s: float, now: float) -> None:
        """At the start, and whenever it has become twice as slow."""
        if self._told_interval_s and interval_s < 2 * self._told_interval_s:
            return
        self._told_interval_s = interval_s
        quota, units = self._api.quota, self._chat.youtube.poll_units
        lasts_s = quota.lasts_s(interval_s, units, now)
        lasts = "until it is renewed" if math.isinf(lasts_s) else f"for {_span(lasts_s)}"
        text = (
            f"YouTube: one look at the chat every {interval_s:.0f} s; "
            f"the quota ({quota.left(now)} of {quota.daily} units) lasts {lasts}"
        )
        if interval_s > 1.5 * asked_s:
            text += f"; YouTube would allow one every {asked_s:.0f} s"
        self._feed.notice("info", text, "chat.youtube.spread_h, daily_quota")

    def _tell_skew(self) -> None:
        skew_s = self._api.skew_s or 0.0
        if abs(skew_s) > _SKEW_TOLD_S and not self._skew_told:
            self._skew_told = True
            way = "behind" if skew_s > 0 else "ahead of"
            self._feed.notice(
                "warning",
                f"the clock of this machine is {_span(abs(skew_s))} {way} YouTube's",
                "nothing depends on it here; timedatectl set-ntp true mends it",
            )


def _span(seconds: float) -> str:
    """A time for a person: "45 s", "12 min", "2.8 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
