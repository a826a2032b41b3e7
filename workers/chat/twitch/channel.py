"""Which channel ``chat.twitch.channel`` means."""

from __future__ import annotations

import re

from ipc.errors import ConfigError

_LOGIN = re.compile(r"[a-z0-9_]{1,25}", re.ASCII)
_ADDRESS = re.compile(r"(?:https?://)?(?:[a-z]+\.)?twitch\.tv/+([^?#]*)(?:[?#].*)?", re.IGNORECASE)
_BEFORE_NAME = ("popout", "embed", "moderator", "u")  # twitch.tv/popout/NAME/chat and the like


def channel_name(setting: str) -> str:
    """The channel's login: lower case, without "#". Takes ``#Name``, ``@Name`` and addresses.

    Raises ConfigError for what cannot be the name of a channel.
    """
    text = setting.strip()
    if address := _ADDRESS.fullmatch(text):
        parts = [part for part in address[1].split("/") if part]
        if len(parts) > 1 and parts[0].lower() in _BEFORE_NAME:
            parts.pop(0)
        text = parts[0] if parts else ""
    name = text.removeprefix("#").removeprefix("@").lower()
    if not _LOGIN.fullmatch(name):
        raise ConfigError(
            f"{setting!r} is not the name of a Twitch channel (chat.twitch.channel)",
            "a name has 1 to 25 characters, only a-z, 0-9 and _, as in twitch.tv/NAME",
        )
    return name
