"""What an error of the API means for the show, and how it is mended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"


class ApiError(Exception):
    """A call that failed. ``str()`` is a sentence without secrets.

    ``status`` is HTTP's, 0 if there was no answer; ``reason`` Google's word for it;
    ``retry_after_s`` how long the server asks to wait, 0 if it does not say.
    """

    def __init__(
        self, text: str, status: int = 0, reason: str = "", retry_after_s: float = 0.0
    ) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class Then(Enum):
    """How to go on after an error."""

    RETRY = "soon, and later each time"
    SLOWLY = "a person has to mend something: look now and then"
    RESET = "when the quota is renewed"
    AFRESH = "without the page token"
    ENDED = "the chat is over"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What to do, and what to say."""

    then: Then
    text: str
    hint: str = ""
    passing: bool = False  # once is no news


_QUOTA = ("quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg")
_RATE = ("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED")
_ENDED = ("liveChatEnded", "liveChatNotFound")
_TOKEN_PAGE = ("invalidPageToken", "pageTokenInvalid")
_KEY = ("keyInvalid", "keyExpired", "API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED")
_OAUTH = ("invalid_grant", "invalid_client", "unauthorized_client")
_API_OFF = ("accessNotConfigured", "SERVICE_DISABLED")
_SCOPE = ("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def judge(error: ApiError, secret: str) -> Trouble:
    """``secret`` is the name of the one that was used."""
    reason, status = error.reason, error.status
    if reason in _QUOTA or (reason in _RATE and "per day" in str(error).lower()):
        return Trouble(
            Then.RESET,
            "YouTube's quota for today is used up",
            "chat goes on by itself then; a larger quota: console.cloud.google.com, "
            "YouTube Data API v3, Quotas",
        )
    if status == 429 or reason in _RATE:
        return Trouble(Then.RETRY, "YouTube wants to be asked less often", passing=True)
    if status == 0 or status >= 500 or status == 408:
        return Trouble(Then.RETRY, f"YouTube is away: {error}")
    if reason in _ENDED:
        return Trouble(Then.ENDED, "the chat of the stream has ended")
    if reason == "liveChatDisabled":
        return Trouble(
            Then.SLOWLY,
            "chat is switched off for the YouTube stream",
            "YouTube Studio, the stream's settings: live chat",
        )
    if reason in _TOKEN_PAGE:
        return Trouble(Then.AFRESH, "YouTube forgot where the chat was read to")
    if reason in _OAUTH:
        return Trouble(
            Then.SLOWLY,
            f"Google does not renew youtube_token ({reason})",
            "youtube_refresh_token was revoked or has run out (a week, while the application is "
            "in testing)"
            if reason == "invalid_grant"
            else "youtube_client_id or youtube_client_secret is not that of the application",
        )
    if reason in _KEY or status == 401:
        return Trouble(
            Then.SLOWLY,
            f"YouTube does not accept the secret {secret}",
            "an access token lasts an hour; youtube_refresh_token renews it"
            if secret == "youtube_token"  # noqa: S105 - its name
            else "copy the key again from console.cloud.google.com, APIs and services, Credentials",
        )
    if reason in _API_OFF:
        return Trouble(
            Then.SLOWLY,
            "YouTube Data API v3 is not switched on in the Google project",
            "console.cloud.google.com, APIs and services, Library, YouTube Data API v3, Enable",
        )
    if reason in _SCOPE:
        return Trouble(
            Then.SLOWLY,
            f"the secret {secret} does not allow this on YouTube",
            f"it needs the scope {SCOPE}, of an account that owns the channel or moderates it",
        )
    if status == 404:
        return Trouble(Then.ENDED, f"YouTube does not find it: {error}")
    return Trouble(Then.SLOWLY, f"YouTube refuses: {error}")
