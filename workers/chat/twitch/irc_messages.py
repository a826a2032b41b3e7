"""What an IRC message of Twitch says: a Line, a Removal, or nothing that matters here.

Decisions only: no clock, no socket. Nothing raises, whatever comes in.
"""

from __future__ import annotations

from functools import lru_cache

from ipc.states import ChatKind, Role
from workers.chat.platform import Line, Removal
from workers.chat.twitch.irc_parser import Message
from workers.chat.twitch.vocabulary import (
    BITS_A_DOLLAR,
    COUNT_MAX,
    HIGHLIGHTED,
    PLATFORM,
    REWARD,
    replied_to,
    roles_of,
    without_action,
)

_SAYING = frozenset(("PRIVMSG", "USERNOTICE", "CLEARMSG", "CLEARCHAT"))
_KINDS = {  # msg-id of a USERNOTICE; what is not here is OTHER
    "sub": ChatKind.SUB,
    "resub": ChatKind.SUB,
    "extendsub": ChatKind.SUB,
    "giftpaidupgrade": ChatKind.SUB,
    "anongiftpaidupgrade": ChatKind.SUB,
    "primepaidupgrade": ChatKind.SUB,
    "subgift": ChatKind.GIFT,
    "anonsubgift": ChatKind.GIFT,
    "rewardgift": ChatKind.GIFT,
    "primecommunitygiftreceived": ChatKind.GIFT,
    "submysterygift": ChatKind.GIFT,
    "anonsubmysterygift": ChatKind.GIFT,
    "raid": ChatKind.RAID,
    "announcement": ChatKind.ANNOUNCEMENT,
}
_MANY_GIFTS = ("submysterygift", "anonsubmysterygift")
_ONE_GIFT = ("subgift", "anonsubgift")
_COUNTS = {
    ChatKind.SUB: "msg-param-cumulative-months",
    ChatKind.RAID: "msg-param-viewerCount",
}
_GIFTS_KEPT = 256
# the SHA-1 of nothing, in Twitch's spelling: it stands where there is no origin
_NO_ORIGIN = "da 39 a3 ee 5e 6b 4b 0d 32 55 bf ef 95 60 18 90 af d8 07 09"


class Translator:
    """For one channel. Remembers which single gifts belong to a gift already told."""

    def __init__(self, channel: str) -> None:
        self._target = f"#{channel}"
        self._gifts: dict[str, int] = {}  # id of a gift of many -> singles still to come

    def translate(self, message: Message, received_ns: int) -> Line | Removal | None:
        """``received_ns``: CLOCK_MONOTONIC when the bytes were read."""
        command = message.command
        if command not in _SAYING or message.param(0).lower() != self._target:
            return None
        if command == "PRIVMSG":
            return _line(message, received_ns)
        if command == "USERNOTICE":
            return self._notice(message, received_ns)
        if command == "CLEARMSG":
            removed = message.tags.get("target-msg-id", "")
            return Removal(ids=(removed,), reason="deleted") if removed else None
        return _clearchat(message)

    def _notice(self, message: Message, received_ns: int) -> Line | None:
        tags = message.tags
        event = tags.get("msg-id", "")
        if event == "sharedchatnotice":
            event = tags.get("source-msg-id", "")
        kind = _KINDS.get(event, ChatKind.OTHER)
        if event in _MANY_GIFTS:
            count = _number(tags.get("msg-param-mass-gift-count", "")) or 1
            self._expect(tags, count)
        elif kind is ChatKind.GIFT:
            count = 1
            if event in _ONE_GIFT and self._told(tags):
                return None
        else:
            count = _number(tags.get(_COUNTS.get(kind, ""), ""))
            if kind is ChatKind.SUB:
                count = count or 1
        return _line(
            message,
            received_ns,
            kind=kind,
            count=count,
            notice=tags.get("system-msg", ""),
            login=tags.get("login", ""),
        )

    # N gifts at once come as one notice and N single ones; these must not become N + 1 lines

    def _expect(self, tags: dict[str, str], count: int) -> None:
        for gift in _gift_ids(tags):
            self._gifts.pop(gift, None)
            self._gifts[gift] = count
            if len(self._gifts) > _GIFTS_KEPT:
                del self._gifts[next(iter(self._gifts))]

    def _told(self, tags: dict[str, str]) -> bool:
        told = False
        for gift in _gift_ids(tags):
            left = self._gifts.get(gift, 0)
            if left:
                told = True
                if left == 1:
                    del self._gifts[gift]
                else:
                    self._gifts[gift] = left - 1
        return told


def _gift_ids(tags: dict[str, str]) -> list[str]:
    ids = (tags.get("msg-param-community-gift-id", ""), tags.get("msg-param-origin-id", ""))
    return [gift for gift in ids if gift and gift != _NO_ORIGIN]


def _line(
    message: Message,
    received_ns: int,
    *,
    kind: ChatKind = ChatKind.LINE,
    count: int = 0,
    notice: str = "",
    login: str = "",
) -> Line:
    tags = message.tags
    login = login or message.nick
    author = tags.get("display-name", "").strip() or login
    text = without_action(message.param(1))  # emotes count from after "/me"
    reply_to, cut = "", 0
    if "reply-parent-msg-id" in tags:
        reply_to, cut = replied_to(
            tags.get("reply-parent-display-name", ""),
            tags.get("reply-parent-user-login", ""),
            text,
        )
    emotes = tags.get("emotes")
    emotes_only = tags.get("emote-only") == "1" or bool(emotes and _nothing_but(emotes, text, cut))
    bits = tags.get("bits")
    paid = _number(bits) if bits else 0
    own_id = tags.get("id", "")
    source_id = tags.get("source-id", "") or own_id  # in shared chat: the same in every channel
    roles = _roles(tags.get("badges", ""))
    if tags.get("mod") == "1" and Role.MODERATOR not in roles:
        roles = (*roles, Role.MODERATOR)
    return Line(
        platform=PLATFORM,
        author=author,
        author_id=tags.get("user-id", "") or login,
        text=text[cut:],
        received_ns=received_ns,
        id=source_id,
        delete_id=own_id if own_id != source_id else "",
        login=login if login != author.lower() else "",
        kind=kind,
        count=count,
        notice=notice or ("" if paid else _highlight(tags)),
        roles=roles,
        first=tags.get("first-msg") == "1",
        paid=paid / BITS_A_DOLLAR,
        paid_text=f"{paid} bits" if paid else "",
        reply_to=reply_to,
        emotes_only=emotes_only,
    )


def _highlight(tags: dict[str, str]) -> str:
    if tags.get("custom-reward-id"):
        return REWARD
    if tags.get("msg-id") == "highlighted-message":
        return HIGHLIGHTED
    return ""


def _nothing_but(emotes: str, text: str, begin: int) -> bool:
    """Whether ``text`` from ``begin`` on is emotes and space. ``emotes``: ``ID:0-4,6-9/ID:..``,
    both ends included, in code points."""
    covered = 0
    for emote in emotes.split("/"):
        for place in emote.rpartition(":")[2].split(","):
            first, _, last = place.partition("-")
            if not (first and last):
                return False
            start, end = _number(first), _number(last)
            if begin <= start <= end < len(text):
                covered += end + 1 - start
    return 0 < covered >= sum(map(len, text[begin:].split()))


def _clearchat(message: Message) -> Removal:
    tags = message.tags
    author = tags.get("target-user-id", "") or message.param(1)
    if not author:
        return Removal(everything=True, reason="the chat was cleared")
    if "ban-duration" in tags:
        seconds = _number(tags["ban-duration"])
        return Removal(author_id=author, seconds=seconds, reason=f"timed out for {seconds} s")
    return Removal(author_id=author, banned=True, reason="banned")


@lru_cache(1024)  # most viewers of a channel share a few combinations
def _roles(badges: str) -> tuple[Role, ...]:
    """Of ``subscriber/12,vip/1``."""
    return roles_of(badge.partition("/")[0] for badge in badges.split(","))


def _number(text: str) -> int:
    """Digits as a number, bounded; 0 for anything else."""
    if len(text) > 12 or not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text), COUNT_MAX)
