"""chat: what YouTube answers, as lines; addresses, money, quota, errors. No sockets."""

import copy
import json
import math
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from youtube_rig import AFTERNOON

from ipc.states import ChatKind, Role
from workers.chat.platform import Line, Removal
from workers.chat.youtube.address import video_id
from workers.chat.youtube.items import Page, read_page, read_video
from workers.chat.youtube.money import dollars
from workers.chat.youtube.quota import Quota, next_reset
from workers.chat.youtube.trouble import ApiError, Then, judge

ID = "dQw4w9WgXcQ"


def item(kind, **snippet):
    return {
        "id": "L1",
        "snippet": {"type": kind, "publishedAt": "2026-09-01T22:20:00.5+00:00", **snippet},
        "authorDetails": {"channelId": "UC1", "displayName": "mira"},
    }


def one(kind, **snippet):
    """The only thing that is read of this item."""
    page = read_page({"items": [item(kind, **snippet)]}, 7)
    (heard,) = page.heard
    return heard.what


# --- items ---


def test_a_line_has_what_youtube_knows():
    raw = item("textMessageEvent", textMessageDetails={"messageText": "hi :yt: "})
    raw["authorDetails"] |= {"isChatOwner": True, "isChatModerator": True, "isChatSponsor": True}
    (heard,) = read_page({"items": [raw]}, 7).heard
    assert heard.at == 1_788_301_200.5
    assert heard.what == Line(
        platform="youtube",
        author="mira",
        author_id="UC1",
        text="hi :yt: ",
        received_ns=7,
        id="L1",
        roles=(Role.BROADCASTER, Role.MODERATOR, Role.SUBSCRIBER),
    )


@pytest.mark.parametrize(
    ("text", "only"),
    [
        (":yt:", True),
        (" :a-b: :c_d: ", True),
        ("hi :yt:", False),
        ("10:30:20", False),
        ("::", False),
    ],
)
def test_lines_of_youtubes_own_emotes_only(text, only):
    line = one("textMessageEvent", textMessageDetails={"messageText": text})
    assert line.emotes_only is only


def test_a_super_chat_is_a_paid_line():
    money = {"amountMicros": "5000000", "currency": "EUR", "amountDisplayString": "5,00 €"}
    line = one("superChatEvent", superChatDetails=money | {"userComment": "take it", "tier": 3})
    assert (line.kind, line.text, line.paid, line.paid_text) == (
        ChatKind.LINE,
        "take it",
        5.8,
        "5,00 €",
    )


def test_without_words_a_super_chat_is_told_as_something_paid():
    money = {"amountMicros": "2000000", "currency": "USD", "amountDisplayString": "$2.00"}
    line = one("superChatEvent", superChatDetails=money, displayMessage="$2.00 from mira")
    assert (line.kind, line.text, line.notice, line.paid) == (
        ChatKind.OTHER,
        "",
        "$2.00 from mira",
        2.0,
    )
    sticker = money | {"superStickerMetadata": {"altText": "a cat that waves"}}
    line = one("superStickerEvent", superStickerDetails=sticker)
    assert (line.kind, line.notice, line.paid) == (ChatKind.OTHER, "$2.00 a cat that waves", 2.0)


@pytest.mark.parametrize(
    ("kind", "snippet", "about", "count", "text"),
    [
        ("newSponsorEvent", {"newSponsorDetails": {}}, ChatKind.SUB, 1, ""),
        (
            "memberMilestoneChatEvent",
            {"memberMilestoneChatDetails": {"memberMonth": 9, "userComment": "nine!"}},
            ChatKind.SUB,
            9,
            "nine!",
        ),
        (
            "membershipGiftingEvent",
            {"membershipGiftingDetails": {"giftMembershipsCount": 20}},
            ChatKind.GIFT,
            20,
            "",
        ),
        ("giftMembershipReceivedEvent", {}, ChatKind.OTHER, 0, ""),
        ("giftEvent", {"giftDetails": {"jewelsAmount": 3}}, ChatKind.OTHER, 0, ""),
    ],
)
def test_memberships_and_gifts_are_kinds_of_their_own(kind, snippet, about, count, text):
    line = one(kind, displayMessage="what YouTube says", **snippet)
    assert (line.kind, line.count, line.text) == (about, count, text)
    assert line.notice == "what YouTube says"


def test_what_is_taken_back():
    deleted = one("messageDeletedEvent", messageDeletedDetails={"deletedMessageId": "L7"})
    assert deleted.ids == ("L7",)
    retracted = one("messageRetractedEvent", messageRetractedDetails={"retractedMessageId": "L8"})
    assert retracted.ids == ("L8",)
    assert one("tombstone").ids == ("L1",)
    who = {"bannedUserDetails": {"channelId": "UC9"}}
    ban = one("userBannedEvent", userBannedDetails=who | {"banType": "permanent"})
    assert (ban.author_id, ban.banned) == ("UC9", True)
    timeout = who | {"banType": "temporary", "banDurationSeconds": "300"}
    silenced = one("userBannedEvent", userBannedDetails=timeout)
    assert (silenced.banned, silenced.seconds) == (False, 300)


def test_what_is_of_no_use_is_passed_over():
    kinds = ["pollEvent", "sponsorOnlyModeStartedEvent", "invalidType", "", "somethingNew"]
    broken = [item("messageDeletedEvent"), item("userBannedEvent"), None, 5, "x", [], {}]
    assert read_page({"items": [item(kind) for kind in kinds] + broken}, 1).heard == ()


def test_the_end_of_a_chat():
    assert read_page({"items": [item("chatEndedEvent")]}, 1).ended
    assert read_page({"offlineAt": "2026-01-01T12:00:00Z"}, 1).ended
    assert not read_page({"items": []}, 1).ended


@pytest.mark.parametrize(
    ("millis", "asked_s"),
    [(5000, 5), (0, 5), (1, 1), (10**9, 600), ("8000", 8), (None, 5), (-3, 5)],
)
def test_the_interval_is_believed_within_bounds(millis, asked_s):
    assert read_page({"pollingIntervalMillis": millis}, 1).asked_s == asked_s


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["superChatEvent", "9" * 30, "\ud800", 10**400, "²", "0001-01-01T00:00:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
KINDS = [
    "textMessageEvent", "superChatEvent", "superStickerEvent", "fanFundingEvent",
    "newSponsorEvent", "memberMilestoneChatEvent", "membershipGiftingEvent", "giftEvent",
    "giftMembershipReceivedEvent", "messageDeletedEvent", "messageRetractedEvent",
    "userBannedEvent", "tombstone", "chatEndedEvent", "pollEvent",
]  # fmt: skip
FULL = {
    "nextPageToken": "t",
    "pollingIntervalMillis": 1,
    "offlineAt": "x",
    "items": [
        {
            "id": "L1",
            "snippet": {
                "type": "textMessageEvent",
                "publishedAt": "2026-01-01T12:00:00Z",
                "displayMessage": "x",
                "authorChannelId": "UC1",
                "textMessageDetails": {"messageText": "x"},
                "superChatDetails": {
                    "amountMicros": "1",
                    "currency": "EUR",
                    "tier": 1,
                    "userComment": "x",
                    "amountDisplayString": "x",
                },
                "superStickerDetails": {"superStickerMetadata": {"altText": "x"}, "tier": 1},
                "membershipGiftingDetails": {"giftMembershipsCount": 1},
                "memberMilestoneChatDetails": {"memberMonth": 1, "userComment": "x"},
                "messageDeletedDetails": {"deletedMessageId": "x"},
                "messageRetractedDetails": {"retractedMessageId": "x"},
                "userBannedDetails": {
                    "bannedUserDetails": {"channelId": "x"},
                    "banType": "permanent",
                    "banDurationSeconds": "1",
                },
            },
            "authorDetails": {"channelId": "UC1", "displayName": "x", "isChatOwner": True},
            "liveStreamingDetails": {"activeLiveChatId": "x", "actualEndTime": "x"},
        }
    ],
}


def places(value, at=()):
    """Every path into nested JSON."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, found in inner:
        yield (*at, key)
        if isinstance(found, dict | list):
            yield from places(found, (*at, key))


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(list(places(FULL))), json_values, st.sampled_from(KINDS))
def test_no_json_in_any_place_raises_and_what_comes_out_can_be_sent(path, nonsense, kind):
    answer = copy.deepcopy(FULL)
    answer["items"][0]["snippet"]["type"] = kind
    place = answer
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = nonsense
    page = read_page(answer, 1)
    assert isinstance(page, Page)
    assert 1 <= page.asked_s <= 600
    for heard in page.heard:
        assert isinstance(heard.what, Line | Removal)
        assert math.isfinite(heard.at)
        assert len(msgspec.msgpack.encode(heard.what)) > 0
        if isinstance(heard.what, Line):
            assert 0 <= heard.what.paid < 1e10
            assert 0 <= heard.what.count <= 10_000
    read_video(answer)


@given(json_values)
def test_no_json_at_all_raises(answer):
    read_page(answer, 1)
    read_video(answer)


def test_half_a_character_in_json_becomes_a_question_mark():
    answer = json.loads(r'{"items": [{"snippet": {"type": "textMessageEvent", '
                        r'"displayMessage": "a\ud800b"}}]}')  # fmt: skip
    assert read_page(answer, 1).heard[0].what.text == "a?b"


# --- addresses ---


@pytest.mark.parametrize(
    "given_address",
    [
        ID,
        f" {ID}\n",
        f"https://www.youtube.com/watch?v={ID}",
        f"youtube.com/watch?app=desktop&v={ID}&t=10s",
        f"https://youtu.be/{ID}?si=abc",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://youtube.com/shorts/{ID}",
        f"http://m.youtube.com/watch?v={ID}#x",
        f"https://studio.youtube.com/video/{ID}/livestreaming",
        f"https://www.youtube-nocookie.com/embed/{ID}",
    ],
)
def test_a_video_by_any_of_its_addresses(given_address):
    assert video_id(given_address) == ID


@pytest.mark.parametrize(
    "given_address",
    [
        "",
        "x",
        "https://youtube.com/",
        "https://youtube.com/@nova/live",
        f"https://evil.com/watch?v={ID}",
        f"https://notyoutube.com/watch?v={ID}",
        "https://youtu.be/",
        "https://[broken/watch?v=1",
        f"https://youtube.com/watch?v={ID}x",
    ],
)
def test_what_is_no_video(given_address):
    assert video_id(given_address) == ""


@given(st.text())
def test_no_address_raises(text):
    assert video_id(text) == "" or len(video_id(text)) == 11


# --- money ---


@pytest.mark.parametrize(
    ("micros", "currency", "tier", "usd"),
    [
        (5_000_000, "USD", 0, 5.0),
        (500_000_000, "jpy", 4, 3.4),
        (10_000_000_000_000, "VND", 9, 380.0),
        (700_000_000_000, "XXX", 5, 20.0),
        (700_000_000_000, "XXX", 99, 500.0),
        (700_000_000_000, "", 0, 1.0),
        (0, "USD", 5, 0.0),
    ],
)
def test_about_how_many_dollars(micros, currency, tier, usd):
    assert dollars(micros, currency, tier) == pytest.approx(usd)


# --- quota ---

CALIFORNIA = ZoneInfo("America/Los_Angeles")


@given(st.integers(0, 4_000_000_000))
def test_the_reset_is_the_next_midnight_in_california(now):
    reset = datetime.fromtimestamp(next_reset(now), CALIFORNIA)
    assert (reset.hour, reset.minute, reset.second) == (0, 0, 0)
    assert 0 < next_reset(now) - now <= 25 * 3600


def test_the_quota_is_whole_again_after_midnight_in_california():
    quota = Quota(100, 0)
    quota.spend(120, AFTERNOON)
    assert quota.left(next_reset(AFTERNOON) - 1) == 0
    assert quota.left(next_reset(AFTERNOON)) == 100


def test_looks_are_stretched_only_as_far_as_needed():
    quota = Quota(10_000, 8 * 3600)
    now = next_reset(AFTERNOON)
    quota.begin(now)
    assert quota.interval_s(5, 5, now) == pytest.approx(14.4)
    assert quota.interval_s(20, 5, now) == 20
    assert quota.interval_s(5, 1, now) == 5
    quota.spend(10_000, now)
    assert quota.interval_s(5, 5, now) == 120
    assert Quota(10_000, 0).interval_s(5, 5, now) == 5


@given(st.integers(1, 100_000), st.integers(1, 100), st.floats(0, 48 * 3600))
def test_it_is_never_looked_sooner_than_asked_nor_later_than_two_minutes(daily, units, since_s):
    quota = Quota(daily, 8 * 3600)
    quota.begin(AFTERNOON)
    assert 5 <= quota.interval_s(5, units, AFTERNOON + since_s) <= 120


def test_how_long_it_lasts():
    quota = Quota(100, 0)
    assert quota.lasts_s(5, 5, AFTERNOON) == 100
    assert math.isinf(quota.lasts_s(5, 5, next_reset(AFTERNOON) - 50))


# --- errors ---


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (ApiError("x"), Then.RETRY),
        (ApiError("x", 503), Then.RETRY),
        (ApiError("x", 429), Then.RETRY),
        (ApiError("x", 403, "rateLimitExceeded"), Then.RETRY),
        (ApiError("x", 403, "quotaExceeded"), Then.RESET),
        (ApiError("x", 403, "dailyLimitExceeded"), Then.RESET),
        (ApiError("limit 'Queries per day'", 429, "RATE_LIMIT_EXCEEDED"), Then.RESET),
        (ApiError("x", 403, "liveChatEnded"), Then.ENDED),
        (ApiError("x", 404, "liveChatNotFound"), Then.ENDED),
        (ApiError("x", 400, "pageTokenInvalid"), Then.AFRESH),
        (ApiError("x", 400, "API_KEY_INVALID"), Then.SLOWLY),
        (ApiError("x", 403, "forbidden"), Then.SLOWLY),
        (ApiError("x", 400, "whatever"), Then.SLOWLY),
    ],
)
def test_what_an_error_means(error, then):
    assert judge(error, "youtube_key").then is then
