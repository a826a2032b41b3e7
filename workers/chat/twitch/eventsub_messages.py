"""What EventSub says: frames of its WebSocket, and chat events as a Line or a Removal. Pure.

A frame that is not one is None; an event that lacks what matters is None. Nothing raises.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from ipc.states import ChatKind
from workers.chat.platform import Line, Removal
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

MESSAGE = "channel.chat.message"
NOTIFICATION = "channel.chat.notification"
MESSAGE_DELETE = "channel.chat.message_delete"
CLEAR_USER = "channel.chat.clear_user_messages"
CLEAR = "channel.chat.clear"
SUBSCRIPTIONS = (MESSAGE, NOTIFICATION, MESSAGE_DELETE, CLEAR_USER, CLEAR)
"""What is subscribed to, the most important first. All need user:read:chat."""

_ANONYMOUS = "anonymous"
_SHARED = "shared_chat_"


class Metadata(Struct, frozen=True):
    """Head of every frame. ``message_id`` is the same when a frame is delivered again."""

    message_type: str
    message_id: str = ""


class Session(Struct, frozen=True):
    """``payload.session`` of session_welcome and session_reconnect."""

    id: str = ""
    keepalive_timeout_seconds: float | None = None
    reconnect_url: str | None = None


class Subscription(Struct, frozen=True):
    """``payload.subscription`` of notification and revocation."""

    type: str = ""
    status: str = ""


class Payload(Struct, frozen=True):
    """Of every kind of frame; an event stays undecoded."""

    session: Session = Session()
    subscription: Subscription = Subscription()
    event: msgspec.Raw = msgspec.Raw(b"{}")


class Frame(Struct, frozen=True):
    """One text message of the WebSocket."""

    metadata: Metadata
    payload: Payload = Payload()


class _Fragment(Struct, frozen=True):
    type: str = "text"
    text: str = ""


class _Text(Struct, frozen=True):
    text: str = ""
    fragments: list[_Fragment] | None = None


class _Badge(Struct, frozen=True):
    set_id: str = ""


class _Cheer(Struct, frozen=True):
    bits: int = 0


class _Reply(Struct, frozen=True):
    parent_user_name: str | None = None
    parent_user_login: str | None = None


class _Amount(Struct, frozen=True):
    value: int = 0
    decimal_places: int = 0
    currency: str = ""


class _Details(Struct, frozen=True):
    """What one notice type has of its own: the table named like the type."""

    cumulative_months: int | None = None
    total: int | None = None
    viewer_count: int | None = None
    community_gift_id: str | None = None
    amount: _Amount | None = None


class _Chat(Struct, frozen=True):
    """A channel.chat.message or channel.chat.notification event."""

    message_id: str = ""
    chatter_user_id: str | None = None
    chatter_user_login: str | None = None
    chatter_user_name: str | None = None
    message: _Text | None = None
    message_type: str = "text"
    badges: list[_Badge] | None = None
    cheer: _Cheer | None = None
    reply: _Reply | None = None
    channel_points_custom_reward_id: str | None = None
    source_message_id: str | None = None
    notice_type: str = ""
    system_message: str | None = None


class _Target(Struct, frozen=True):
    message_id: str = ""
    target_user_id: str = ""


_frames = msgspec.json.Decoder(Frame)
_chats = msgspec.json.Decoder(_Chat)
_targets = msgspec.json.Decoder(_Target)
_tables = msgspec.json.Decoder(dict[str, msgspec.Raw])
_details = msgspec.json.Decoder(_Details)
_BAD = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def frame_of(data: bytes | str) -> Frame | None:
    """One WebSocket message; None if it is not a frame of EventSub."""
    try:
        return _frames.decode(data)
    except _BAD:
        return None


def translate(frame: Frame, received_ns: int) -> Line | Removal | None:
    """A notification's event. ``received_ns``: CLOCK_MONOTONIC when its bytes were read."""
    event = frame.payload.event
    try:
        match frame.payload.subscription.type:
            case "channel.chat.message":
                return _line(_chats.decode(event), received_ns)
            case "channel.chat.notification":
                return _notice(_chats.decode(event), event, received_ns)
            case "channel.chat.message_delete":
                if line_id := _targets.decode(event).message_id:
                    return Removal(ids=(line_id,), reason="deleted")
            case "channel.chat.clear_user_messages":
                if author_id := _targets.decode(event).target_user_id:
                    # EventSub does not tell a ban from a timeout here
                    return Removal(author_id=author_id, reason="banned or timed out")
            case "channel.chat.clear":
                return Removal(everything=True, reason="the chat was cleared")
    except _BAD:
        return None
    return None


_KINDS = {  # notice_type; what is not here is OTHER
    "sub": ChatKind.SUB,
    "resub": ChatKind.SUB,
    "gift_paid_upgrade": ChatKind.SUB,
    "prime_paid_upgrade": ChatKind.SUB,
    "sub_gift": ChatKind.GIFT,
    "community_sub_gift": ChatKind.GIFT,
    "raid": ChatKind.RAID,
    "announcement": ChatKind.ANNOUNCEMENT,
}


def _notice(chat: _Chat, event: msgspec.Raw, received_ns: int) -> Line | None:
    kind = _KINDS.get(chat.notice_type.removeprefix(_SHARED), ChatKind.OTHER)
    table = _tables.decode(event).get(chat.notice_type)
    details = _details.decode(table) if table is not None and bytes(table) != b"null" else None
    details = details or _Details()
    if kind is ChatKind.GIFT and details.community_gift_id:
        return None  # N gifts at once come as one notice, told already, and N of these
    count = 0
    if kind is ChatKind.SUB:
        count = details.cumulative_months or 1
    elif kind is ChatKind.GIFT:
        count = details.total or 1
    elif kind is ChatKind.RAID:
        count = details.viewer_count or 0
    extra: dict[str, Any] = {}
    if details.amount is not None:
        extra = _donation(details.amount)
    return _line(
        chat,
        received_ns,
        kind=kind,
        count=max(0, min(count, COUNT_MAX)),
        notice=chat.system_message or "",
        **extra,
    )


def _donation(amount: _Amount) -> dict[str, Any]:
    places = max(0, min(amount.decimal_places, 6))
    value = max(0.0, amount.value / 10**places)
    paid = value if amount.currency == "USD" else 0.0  # there are no exchange rates here
    return {"paid": paid, "paid_text": f"{value:.2f} {amount.currency}".strip()}


def _line(chat: _Chat, received_ns: int, **of_notice: Any) -> Line | None:
    if not chat.message_id:
        return None
    login = chat.chatter_user_login or ""
    author = (chat.chatter_user_name or "").strip() or login or _ANONYMOUS
    message = chat.message or _Text()
    text = without_action(message.text)
    reply_to, cut = "", 0
    if (reply := chat.reply) is not None:
        reply_to, cut = replied_to(
            reply.parent_user_name or "", reply.parent_user_login or "", text
        )
    bits = max(0, min(chat.cheer.bits, COUNT_MAX)) if chat.cheer is not None else 0
    source_id = chat.source_message_id or chat.message_id  # in shared chat: the same everywhere
    fields: dict[str, Any] = {
        "notice": _highlight(chat),
        "paid": bits / BITS_A_DOLLAR,
        "paid_text": f"{bits} bits" if bits else "",
    }
    return Line(
        platform=PLATFORM,
        author=author,
        author_id=chat.chatter_user_id or login or _ANONYMOUS,
        text=text[cut:],
        received_ns=received_ns,
        id=source_id,
        delete_id=chat.message_id if chat.message_id != source_id else "",
        login=login if login != author.lower() else "",
        roles=_roles(tuple(badge.set_id for badge in chat.badges or ())),
        first=chat.message_type == "user_intro",
        reply_to=reply_to,
        emotes_only=_emotes_only(message.fragments or [], reply=bool(cut)),
        **(fields | of_notice),
    )


def _emotes_only(fragments: list[_Fragment], *, reply: bool) -> bool:
    if reply and fragments and fragments[0].type == "mention":
        fragments = fragments[1:]
    words = [part.type for part in fragments if part.text.strip() not in ("", "\x01")]
    return bool(words) and all(kind == "emote" for kind in words)


def _highlight(chat: _Chat) -> str:
    if chat.channel_points_custom_reward_id:
        return REWARD
    if chat.message_type == "channel_points_highlighted":
        return HIGHLIGHTED
    return ""


_roles = lru_cache(1024)(roles_of)  # most viewers of a channel share a few combinations
