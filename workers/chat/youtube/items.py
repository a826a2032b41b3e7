"""What YouTube answers, as lines and removals. Pure; no JSON whatsoever raises here.

Types and fields: YouTube Live Streaming API, ``liveChatMessages`` and ``videos``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ipc.states import ChatKind, Role
from workers.chat.platform import Line, Removal
from workers.chat.youtube.money import dollars

PLATFORM = "youtube"

_MOST = 10**15  # micros: a thousand million; more is nonsense and must not overflow anything
_ASKED_S = (1.0, 600.0)  # bounds of what is believed of pollingIntervalMillis
_ASKED_DEFAULT_S = 5.0
_EMOTE = re.compile(r":[^\s:]{1,64}:")  # how YouTube writes its own emotes in a line's text


@dataclass(frozen=True, slots=True)
class Heard:
    """A line or a removal, when YouTube says it happened (epoch seconds; 0: unknown), and the id
    of the item it was told by."""

    what: Line | Removal
    at: float = 0.0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of liveChat/messages."""

    heard: tuple[Heard, ...] = ()
    token: str = ""
    asked_s: float = _ASKED_DEFAULT_S
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Video:
    """One video of videos.list."""

    title: str
    chat_id: str  # empty: no chat is open
    live: bool  # it is, was or will be a live stream
    ended: bool


def read_page(answer: Any, received_ns: int) -> Page:
    """The items in their order, what to ask next, and when."""
    heard: list[Heard] = []
    ended = bool(_text(answer, "offlineAt"))
    for item in _list(answer, "items"):
        if _text(item, "snippet", "type") == "chatEndedEvent":
            ended = True
        elif what := _read_item(item, received_ns):
            at = _time(_text(item, "snippet", "publishedAt"))
            heard.append(Heard(what, at, _text(item, "id")))
    millis = _number(answer, "pollingIntervalMillis")
    asked_s = min(max(millis / 1000, _ASKED_S[0]), _ASKED_S[1]) if millis else _ASKED_DEFAULT_S
    return Page(tuple(heard), _text(answer, "nextPageToken"), asked_s, ended)


def read_video(answer: Any) -> Video | None:
    """The first video of videos.list; None if there is no such video."""
    videos = _list(answer, "items")
    if not videos:
        return None
    details = _get(videos[0], "liveStreamingDetails")
    title = "".join(c for c in _text(videos[0], "snippet", "title") if c.isprintable())
    return Video(
        title=title[:80],
        chat_id=_text(details, "activeLiveChatId"),
        live=isinstance(details, dict),
        ended=bool(_text(details, "actualEndTime")),
    )


def written_by(message: Any) -> str:
    """The author's id of one message."""
    return _text(message, "authorDetails", "channelId") or _text(
        message, "snippet", "authorChannelId"
    )


def _read_item(item: Any, received_ns: int) -> Line | Removal | None:
    kind = _text(item, "snippet", "type")
    match kind:
        case "tombstone":  # stands where a line with this id was
            return _taken_back(_text(item, "id"))
        case "messageDeletedEvent":
            return _taken_back(_text(item, "snippet", "messageDeletedDetails", "deletedMessageId"))
        case "messageRetractedEvent":
            return _taken_back(
                _text(item, "snippet", "messageRetractedDetails", "retractedMessageId"),
                "taken back by its author",
            )
        case "userBannedEvent":
            return _banned(_get(item, "snippet", "userBannedDetails"))
        case _:
            return _read_line(item, kind, received_ns)


def _taken_back(line_id: str, reason: str = "deleted on YouTube") -> Removal | None:
    return Removal(ids=(line_id,), reason=reason) if line_id else None


def _banned(details: Any) -> Removal | None:
    author_id = _text(details, "bannedUserDetails", "channelId")
    if not author_id:
        return None
    for_good = _text(details, "banType") != "temporary"
    seconds = _number(details, "banDurationSeconds")
    return Removal(
        author_id=author_id,
        banned=for_good,
        seconds=0 if for_good else seconds,
        reason="banned on YouTube" if for_good else f"timed out on YouTube for {seconds} s",
    )


def _read_line(item: Any, kind: str, received_ns: int) -> Line | None:
    snippet = _get(item, "snippet")
    shown = _text(snippet, "displayMessage")
    text, notice, count, paid, paid_text = "", shown, 0, 0.0, ""
    about = ChatKind.LINE
    match kind:
        case "textMessageEvent":
            text = _text(snippet, "textMessageDetails", "messageText") or shown
            notice = ""
        case "superChatEvent" | "fanFundingEvent" | "superStickerEvent":
            details = _get(snippet, f"{kind.removesuffix('Event')}Details") or _get(
                snippet, f"{kind}Details"
            )
            text = _text(details, "userComment")
            about = ChatKind.LINE if text else ChatKind.OTHER  # a sticker has no words
            paid = dollars(
                _number(details, "amountMicros"),
                _text(details, "currency"),
                _number(details, "tier"),
            )
            paid_text = _text(details, "amountDisplayString")
            sticker = _text(details, "superStickerMetadata", "altText")
            notice = notice or " ".join(filter(None, (paid_text, sticker)))
        case "newSponsorEvent":
            about, count = ChatKind.SUB, 1
        case "memberMilestoneChatEvent":
            details = _get(snippet, "memberMilestoneChatDetails")
            about, count = ChatKind.SUB, min(_number(details, "memberMonth"), 10_000)
            text = _text(details, "userComment")
        case "membershipGiftingEvent":
            about = ChatKind.GIFT
            count = min(
                _number(snippet, "membershipGiftingDetails", "giftMembershipsCount"), 10_000
            )
        case "giftMembershipReceivedEvent" | "giftEvent":
            about = ChatKind.OTHER
        case _:  # polls, members-only mode, and what YouTube thinks of next
            return None
    author_id = written_by(item)
    return Line(
        platform=PLATFORM,
        author=_text(item, "authorDetails", "displayName") or author_id,
        author_id=author_id,
        text=text,
        received_ns=received_ns,
        id=_text(item, "id"),
        kind=about,
        count=count,
        notice=notice,
        roles=_roles(_get(item, "authorDetails")),
        paid=paid,
        paid_text=paid_text,
        emotes_only=bool(text) and not _EMOTE.sub("", text).strip(),
    )


def _roles(author: Any) -> tuple[Role, ...]:
    flags = (
        ("isChatOwner", Role.BROADCASTER),
        ("isChatModerator", Role.MODERATOR),
        ("isChatSponsor", Role.SUBSCRIBER),
    )
    return tuple(role for flag, role in flags if _get(author, flag) is True)


# --- JSON that may be anything ---


def _get(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any, key: str) -> list[Any]:
    found = _get(value, key)
    return found if isinstance(found, list) else []


def _text(value: Any, *path: str) -> str:
    """The string at ``path``, or "". Half a surrogate pair, which no message of ours can
    carry, becomes a question mark."""
    found = _get(value, *path)
    if not isinstance(found, str):
        return ""
    return found if found.isascii() else found.encode("utf-8", "replace").decode("utf-8")


def _number(value: Any, *path: str) -> int:
    """The whole number at ``path`` (64-bit numbers come as strings), 0 to a thousand million
    million; 0 for anything else."""
    found = _get(value, *path)
    if isinstance(found, str):
        found = int(found) if found.isascii() and found.isdigit() and len(found) < 20 else 0
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0
    if isinstance(found, float) and not math.isfinite(found):  # json knows NaN and Infinity
        return 0
    return int(min(max(found, 0), _MOST))


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
