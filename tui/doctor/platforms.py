"""Secrets, chat platforms and OBS: what is configured, and what that allows. Asks no service."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ipc.errors import ConfigError
from ipc.secrets import FILE, SECRETS, Secrets
from tui.doctor.finding import Finding
from tui.start import Show


def secrets(show: Show) -> Iterator[Finding]:
    """Which are set, and where. A file that cannot be used is this check's finding."""
    known = Secrets.load(show.state_dir)
    for secret in SECRETS.values():
        if known.get(secret.name):
            place = secret.variable if os.environ.get(secret.variable) else str(known.path)
            yield Finding("secrets", "ok", f"{secret.name}: from {place}")
    if not any(known.get(name) for name in SECRETS):
        text = f"none in {show.state_dir / FILE} nor in the environment; reading Twitch needs none"
        yield Finding("secrets", "info", text)


def platforms(show: Show) -> Iterator[Finding]:
    """What each configured platform can do with the secrets there are."""
    try:
        chat, known = show.load().chat, Secrets.load(show.state_dir)
    except ConfigError:
        return  # told by its own check
    if not (chat.twitch.channel or chat.youtube.video):
        yield Finding("platforms", "info", "none: chat is what is typed, or replayed")
    if channel := chat.twitch.channel:
        if known.get("twitch_token"):
            yield Finding("platforms", "ok", f"Twitch {channel}: with a token")
        elif chat.twitch.source == "eventsub":
            yield Finding(
                "platforms",
                "fail",
                f"Twitch {channel}: chat.twitch.source is 'eventsub', which needs twitch_token",
                f"put it into {known.path} (chmod 600), or set chat.twitch.source to 'irc'",
            )
        else:
            text = f"Twitch {channel}: read anonymously; no writing and no moderation there"
            yield Finding("platforms", "info", text)
    if video := chat.youtube.video:
        if known.get("youtube_token") or known.get("youtube_refresh_token"):
            yield Finding("platforms", "ok", f"YouTube {video}: with a token")
        elif known.get("youtube_key"):
            text = f"YouTube {video}: read with a key; no writing and no moderation there"
            yield Finding("platforms", "info", text)
        else:
            yield Finding(
                "platforms",
                "fail",
                f"YouTube {video}: there is neither youtube_key nor youtube_token",
                f"put one into {known.path} (chmod 600)",
            )


def obs(show: Show) -> Iterator[Finding]:
    """Whether OBS is to be steered, and what of it."""
    try:
        section, known = show.load().obs, Secrets.load(show.state_dir)
    except ConfigError:
        return  # told by its own check
    if not section.enabled:
        return
    place = f"OBS at {section.host}:{section.port}"
    if known.get("obs_password"):
        yield Finding("obs", "ok", f"{place}: with a password")
    else:
        text = f"{place}: without a password, which OBS wants unless that was switched off there"
        yield Finding("obs", "info", text, f"put obs_password into {known.path} (chmod 600)")
