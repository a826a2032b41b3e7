"""EventSub's events as lines: every field, every notice, and that no input raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from doubles.twitch_api import NOTICES
from hypothesis import given
from hypothesis import strategies as st

from ipc.states import ChatKind, Role
from workers.chat.platform import Line, Removal
from workers.chat.twitch.eventsub_messages import frame_of, translate

BASE: dict[str, Any] = {
    "chatter_user_id": "7",
    "chatter_user_login": "mira_k",
    "chatter_user_name": "Mira_K",
    "message_id": "m1",
    "message": {"text": "hello", "fragments": [{"type": "text", "text": "hello"}]},
    "message_type": "text",
    "badges": [],
    "cheer": None,
    "reply": None,
    "channel_points_custom_reward_id": None,
    "source_message_id": None,
}


def told(event: object, kind: str = "channel.chat.message") -> Line | Removal | None:
    frame = frame_of(
        json.dumps(
            {
                "metadata": {"message_id": "x", "message_type": "notification"},
                "payload": {"subscription": {"type": kind}, "event": event},
            }
        )
    )
    assert frame is not None
    return translate(frame, 42)


def line(**fields: Any) -> Line:
    result = told(BASE | fields)
    assert isinstance(result, Line)
    return result


def text(*parts: tuple[str, str]) -> dict[str, Any]:
    fragments = [{"type": kind, "text": words} for kind, words in parts]
    return {"text": "".join(words for _, words in parts), "fragments": fragments}


def test_a_plain_line() -> None:
    assert line() == Line(
        platform="twitch",
        author="Mira_K",
        author_id="7",
        text="hello",
        received_ns=42,
        id="m1",
    )


@pytest.mark.parametrize(
    ("name", "login", "author", "typed"),
    [
        ("Mira_K", "mira_k", "Mira_K", ""),
        ("ミラ", "mira_k", "ミラ", "mira_k"),
        (" ", "mira_k", "mira_k", ""),
        (None, None, "anonymous", ""),
    ],
)
def test_names(name: str | None, login: str | None, author: str, typed: str) -> None:
    got = line(chatter_user_name=name, chatter_user_login=login)
    assert (got.author, got.login) == (author, typed)


def test_roles_come_from_badges_each_once() -> None:
    sets = ("broadcaster", "subscriber", "founder", "vip", "lead_moderator", "no_video")
    badges = [{"set_id": name, "id": "1", "info": ""} for name in sets]
    assert line(badges=badges).roles == (
        Role.BROADCASTER,
        Role.SUBSCRIBER,
        Role.VIP,
        Role.MODERATOR,
    )


def test_a_reply_loses_the_name_that_twitch_puts_before_it() -> None:
    reply = {"parent_user_name": "Leo", "parent_user_login": "leo"}
    got = line(reply=reply, message=text(("mention", "@Leo"), ("text", " yes")))
    assert (got.reply_to, got.text) == ("Leo", "yes")
    got = line(reply=reply, message=text(("text", "@Leonard no")))
    assert (got.reply_to, got.text) == ("Leo", "@Leonard no")


def test_shared_chat_is_known_by_its_source() -> None:
    got = line(source_message_id="s1")
    assert (got.id, got.delete_id) == ("s1", "m1")


@pytest.mark.parametrize(
    ("parts", "only"),
    [
        ([("emote", "Kappa")], True),
        ([("emote", "Kappa"), ("text", "  "), ("emote", "Kappa")], True),
        ([("emote", "Kappa"), ("text", " wow")], False),
        ([("text", "wow")], False),
        ([("cheermote", "Cheer100")], False),
        ([], False),
    ],
)
def test_emotes_only(parts: list[tuple[str, str]], only: bool) -> None:
    assert line(message=text(*parts)).emotes_only is only


def test_actions_bits_rewards_and_first_lines() -> None:
    assert line(message=text(("text", "\x01ACTION waves\x01"))).text == "waves"
    assert (line(cheer={"bits": 100}).paid, line(cheer={"bits": 100}).paid_text) == (
        1.0,
        "100 bits",
    )
    assert line(cheer={"bits": -5}).paid == 0
    assert "reward" in line(channel_points_custom_reward_id="r").notice
    assert "highlighted" in line(message_type="channel_points_highlighted").notice
    assert line(message_type="user_intro").first


@pytest.mark.parametrize(
    ("notice", "table", "kind", "count"),
    [
        ("sub", {"sub_tier": "1000", "duration_months": 1}, ChatKind.SUB, 1),
        ("resub", {"cumulative_months": 65}, ChatKind.SUB, 65),
        ("sub_gift", {"duration_months": 1, "community_gift_id": None}, ChatKind.GIFT, 1),
        ("community_sub_gift", {"id": "g", "total": 20}, ChatKind.GIFT, 20),
        ("gift_paid_upgrade", {"gifter_is_anonymous": True}, ChatKind.SUB, 1),
        ("prime_paid_upgrade", {"sub_tier": "1000"}, ChatKind.SUB, 1),
        ("raid", {"viewer_count": 300}, ChatKind.RAID, 300),
        ("unraid", {}, ChatKind.OTHER, 0),
        ("announcement", {"color": "blue"}, ChatKind.ANNOUNCEMENT, 0),
        ("bits_badge_tier", {"tier": 1000}, ChatKind.OTHER, 0),
        ("watch_streak", {"streak": 3}, ChatKind.OTHER, 0),
        ("shared_chat_raid", {"viewer_count": 9}, ChatKind.RAID, 9),
    ],
)
def test_notices(notice: str, table: dict[str, Any], kind: ChatKind, count: int) -> None:
    event = BASE | dict.fromkeys(NOTICES)
    event |= {"notice_type": notice, notice: table, "system_message": "told by Twitch"}
    got = told(event, "channel.chat.notification")
    assert isinstance(got, Line)
    assert (got.kind, got.count, got.notice) == (kind, count, "told by Twitch")


def test_single_gifts_of_a_gift_of_many_are_not_told_again() -> None:
    event = BASE | {"notice_type": "sub_gift", "sub_gift": {"community_gift_id": "g"}}
    assert told(event, "channel.chat.notification") is None


def test_a_donation_shows_its_amount() -> None:
    amount = {"value": 550, "decimal_places": 2, "currency": "USD"}
    event = BASE | {"notice_type": "charity_donation", "charity_donation": {"amount": amount}}
    got = told(event, "channel.chat.notification")
    assert isinstance(got, Line)
    assert (got.paid, got.paid_text, got.kind) == (5.5, "5.50 USD", ChatKind.OTHER)


def test_an_anonymous_gift_has_no_chatter() -> None:
    event = BASE | {"notice_type": "community_sub_gift", "community_sub_gift": {"total": 5}}
    event |= dict.fromkeys(("chatter_user_id", "chatter_user_login", "chatter_user_name"))
    got = told(event, "channel.chat.notification")
    assert isinstance(got, Line)
    assert (got.author, got.author_id, got.count) == ("anonymous", "anonymous", 5)


def test_what_names_nothing_removes_nothing() -> None:
    for kind in ("message_delete", "clear_user_messages"):
        assert told({}, f"channel.chat.{kind}") is None
    assert told({}, "channel.something.else") is None
    assert told(BASE | {"message_id": ""}) is None


KINDS = st.sampled_from(
    [
        "channel.chat.message",
        "channel.chat.notification",
        "channel.chat.message_delete",
        "channel.chat.clear_user_messages",
        "channel.chat.clear",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*BASE, "notice_type", "raid", "amount", "text"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(KINDS, st.fixed_dictionaries({}, optional=dict.fromkeys([*BASE, "notice_type"], JSON)))
def test_no_event_raises(kind: str, fields: dict[str, Any]) -> None:
    result = told(BASE | fields, kind)
    assert result is None or isinstance(result, (Line, Removal))


@given(st.binary(max_size=400) | st.text(max_size=400))
def test_no_bytes_raise(data: bytes | str) -> None:
    frame = frame_of(data)
    if frame is not None:
        translate(frame, 1)


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_deep_nesting_does_not_raise(depth: int) -> None:
    assert frame_of("[" * depth) is None
    event = '{"metadata":{"message_type":"notification"},"payload":{"event":' + "[" * depth
    assert frame_of(event) is None
