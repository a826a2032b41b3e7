"""What the operator is told about the connection: each thing once, and never a flood."""

from __future__ import annotations

import math
from collections.abc import Callable

from workers.chat.platform import Feed


class Report:
    """``problem`` holds while something is missing; a notice is said when it begins."""

    def __init__(self, feed: Feed, channel: str, told_s: float, now_s: Callable[[], float]) -> None:
        self._feed = feed
        self._name = f"Twitch chat #{channel}"
        self._told_every_s = told_s
        self._now_s = now_s
        self._told_s = -math.inf
        self._untold = 0  # drops since the last notice about one
        self._lasting = ""  # a problem that being connected does not end
        self._problem = ""
        self._back_told = True
        self._missing_told = ""

    def away(self, why: str, hint: str = "", *, quiet: bool = False) -> None:
        """The connection is lost, or did not come about. ``quiet``: it is usual."""
        self._set(f"{self._name} is away: {why}")
        if quiet:
            return
        now_s = self._now_s()
        if now_s - self._told_s < self._told_every_s:
            self._untold += 1
            return
        more = f" ({self._untold} more since the last notice)" if self._untold else ""
        self._told_s, self._untold, self._back_told = now_s, 0, False
        self._feed.notice(
            "warning",
            f"{self._name} is away: {why}{more}; it is tried again and again",
            hint or "nothing needs to be done",
        )

    def back(self, *, with_account: bool) -> None:
        """Joined: lines come. ``with_account``: the one that is configured, if any."""
        self._missing_told = ""
        if with_account:
            self._lasting = ""
        self._set(self._lasting)
        if not self._back_told:
            self._back_told = True
            self._feed.notice("info", f"{self._name} is read again")

    def missing(self, why: str) -> None:
        """Connected, but the channel cannot be joined."""
        self._set(f"{self._name} cannot be read: {why}")
        if why != self._missing_told:
            self._missing_told, self._back_told = why, False
            self._feed.notice(
                "error",
                f"{self._name} cannot be read: {why}",
                "is it spelled right? chat.twitch.channel is the NAME of twitch.tv/NAME",
            )

    def refused(self, login: str, why: str, *, banned: bool) -> None:
        """The account is of no use here; reading goes on without it."""
        if banned:
            text = f"Twitch does not let {login} into the channel ({why}): read anonymously"
            hint = "unban the account in the channel, or use another twitch_token"
        else:
            text = f"Twitch refuses the token of {login} ({why}): the chat is read anonymously"
            hint = "make a new token and put it into the secret twitch_token"
        self._lasting = text
        self._set(text)
        self._feed.notice("error", text, hint)

    def _set(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._feed.problem(problem)
