"""What Twitch says alike by IRC and by EventSub: badges, replies, actions, bits. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ipc.states import Role

PLATFORM = "twitch"
BITS_A_DOLLAR = 100
COUNT_MAX = 10_000_000  # more is nonsense and must not overflow anything
REWARD = "a reward bought with channel points"
HIGHLIGHTED = "highlighted with channel points"

_ACTION = "\x01ACTION "
_BADGE_ROLES = {
    "broadcaster": Role.BROADCASTER,
    "moderator": Role.MODERATOR,
    "lead_moderator": Role.MODERATOR,
    "vip": Role.VIP,
    "subscriber": Role.SUBSCRIBER,
    "founder": Role.SUBSCRIBER,
}


def roles_of(badges: Iterable[str]) -> tuple[Role, ...]:
    """Names of badges as roles, each once; others are nothing to us."""
    found = [_BADGE_ROLES.get(badge) for badge in badges]
    return tuple(dict.fromkeys(role for role in found if role is not None))


def without_action(text: str) -> str:
    """The text of a line that may be a /me."""
    if text.startswith(_ACTION):
        return text[len(_ACTION) :].removesuffix("\x01")
    return text


def replied_to(shown: str, login: str, text: str) -> tuple[str, int]:
    """The name that is answered, and how long the "@name " is that Twitch puts before it."""
    shown = shown.strip() or login
    if text.startswith("@"):
        head = text[1:].partition(" ")[0]
        if head and head.lower() in (login.lower(), shown.lower()):
            return shown, len(head) + 2
    return shown, 0
