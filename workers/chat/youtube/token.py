"""The OAuth token: what it is now, and what Google wants to see to give a new one.

An access token lasts an hour. Google's refresh tokens stay the same when they are used, so
nothing has to be written back to the secrets.
"""

from __future__ import annotations

from typing import Any

from ipc.secrets import Secrets, SecretStr


class Token:
    """The present access token, if there is one, and the means to renew it."""

    def __init__(self, secrets: Secrets) -> None:
        self.value = secrets.get("youtube_token")
        self._refresh = secrets.get("youtube_refresh_token")
        self._id = secrets.get("youtube_client_id")
        self._secret = secrets.get("youtube_client_secret")
        self._parts = (self._refresh, self._id, self._secret)

    def __bool__(self) -> bool:
        """Whether it can be used, perhaps after a renewal."""
        return bool(self.value) or self.renewable

    @property
    def renewable(self) -> bool:
        return all(self._parts)

    def half(self) -> str:
        """Names of what is missing for a renewal, if only a part of it is there."""
        names = ("youtube_refresh_token", "youtube_client_id", "youtube_client_secret")
        missing = [name for name, part in zip(names, self._parts, strict=True) if not part]
        return ", ".join(missing) if 0 < len(missing) < len(names) else ""

    def secrets(self) -> tuple[SecretStr, ...]:
        """What may appear in no text."""
        return tuple(part for part in (self.value, *self._parts) if part)

    def form(self) -> dict[str, str]:
        """The fields of a request for another access token (RFC 6749, section 6)."""
        return {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh.reveal(),
            "client_id": self._id.reveal(),
            "client_secret": self._secret.reveal(),
        }

    def take(self, answer: Any) -> bool:
        """The answer to that. False if there is no token in it."""
        value = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            return False
        self.value = SecretStr(value)
        return bool(value)
