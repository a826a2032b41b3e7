"""What each message of Twitch becomes: a line, a removal, or nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from doubles.twitch_irc_lines import privmsg, tagged, usernotice
from hypothesis import given
from hypothesis import strategies as st

from ipc.errors import ConfigError
from ipc.states import ChatKind, Role
from workers.chat.platform import Line, Removal
from workers.chat.twitch.channel import channel_name
from workers.chat.twitch.irc_messages import Translator
from workers.chat.twitch.irc_parser import Message, parse


def translate(wire: str, translator: Translator | None = None) -> Line | Removal | None:
    message = parse(wire)
    assert message is not None
    return (translator or Translator("spark")).translate(message, 7)


def said(text: str, author: str = "mira", **tags: Any) -> Line:
    """The line that a viewer's PRIVMSG becomes."""
    line = translate(tagged(*privmsg("spark", author, text, line_id="id-1", **tags)))
    assert isinstance(line, Line)
    return line


def told(event: str, translator: Translator | None = None, **tags: Any) -> Line | None:
    """The line that a USERNOTICE becomes."""
    tags = {"system": "the platform says", "line_id": "id-1", **tags}
    line = translate(tagged(*usernotice("spark", "mira", event, **tags)), translator)
    assert line is None or isinstance(line, Line)
    return line


def test_a_plain_line() -> None:
    assert said("hello there", user_id="42") == Line(
        platform="twitch",
        author="Mira",
        author_id="42",
        text="hello there",
        received_ns=7,
        id="id-1",
    )


def test_without_tags_the_login_stands_for_everything() -> None:
    line = translate(":mira!mira@mira.tmi.twitch.tv PRIVMSG #spark :hi")
    assert line == Line("twitch", "mira", "mira", "hi", 7)


@pytest.mark.parametrize(
    ("display", "author", "login"),
    [
        ("Mira", "Mira", ""),
        ("  Mira ", "Mira", ""),
        ("미라", "미라", "mira"),
        (" ", "mira", ""),
        ("!song", "!song", "mira"),
    ],
)
def test_names_may_be_padded_or_localised(display: str, author: str, login: str) -> None:
    line = said("x", display=display)
    assert (line.author, line.login) == (author, login)


@pytest.mark.parametrize(
    ("badges", "roles"),
    [
        ("", ()),
        ("premium/1,glhf-pledge/1", ()),
        ("broadcaster/1,subscriber/3012", (Role.BROADCASTER, Role.SUBSCRIBER)),
        ("moderator/1,partner/1", (Role.MODERATOR,)),
        ("lead_moderator/1", (Role.MODERATOR,)),
        ("vip/1,founder/0,subscriber/6", (Role.VIP, Role.SUBSCRIBER)),
        ("///,,vip", (Role.VIP,)),
    ],
)
def test_badges_are_roles(badges: str, roles: tuple[Role, ...]) -> None:
    assert said("x", badges=badges).roles == roles


def test_a_moderator_who_hides_the_badge_is_one() -> None:
    assert said("x", mod="1").roles == (Role.MODERATOR,)


def test_first_line_bits_rewards_and_highlights() -> None:
    assert said("x", first_msg="1").first
    cheer = said("Cheer500 great", bits="500")
    assert (cheer.paid, cheer.paid_text, cheer.kind) == (5.0, "500 bits", ChatKind.LINE)
    assert said("x", bits="lots").paid == 0.0
    assert "reward" in said("x", custom_reward_id="abc").notice
    assert "highlighted" in said("x", msg_id="highlighted-message").notice


def test_an_action_is_unwrapped_and_its_emotes_count_from_there() -> None:
    line = said("Kappa Kappa", action=True, emotes="25:0-4,6-10")
    assert (line.text, line.emotes_only) == ("Kappa Kappa", True)
    assert said("\x01ACTION no end").text == "no end"


@pytest.mark.parametrize(
    ("text", "emotes", "only"),
    [
        ("Kappa Keepo Kappa", "25:0-4,12-16/1902:6-10", True),
        ("Kappa  Keepo ", "25:0-4/1902:7-11", True),
        ("Kappa hi", "25:0-4", False),
        ("👍 Kappa", "25:2-6", False),
        ("👍Kappa", "25:1-5", False),
        ("Kappa", "emotesv2_a1b2:0-4", True),
        ("Kappa", "", False),
        ("Kappa", "25:0-400", False),
        ("Kappa", "25:4-0/:/,,/25/25:-/a:b-c", False),
        ("", "25:0-0", False),
    ],
)
def test_emotes_are_counted_in_code_points(text: str, emotes: str, only: bool) -> None:
    assert said(text, emotes=emotes).emotes_only is only


def test_emote_only_is_believed() -> None:
    assert said("Kappa", emote_only="1").emotes_only


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("@Nova what is up", "what is up"),
        ("@nova_bot what is up", "what is up"),
        ("@somebody what is up", "@somebody what is up"),
        ("what is up @Nova", "what is up @Nova"),
        ("@Nova", ""),
        ("@", "@"),
    ],
)
def test_a_reply_names_whom_it_answers_once(text: str, rest: str) -> None:
    parent = {
        "reply_parent_msg_id": "p",
        "reply_parent_user_login": "nova_bot",
        "reply_parent_display_name": "Nova ",
    }
    line = said(text, **parent)
    assert (line.text, line.reply_to) == (rest, "Nova")
    assert said("@Nova Kappa", emotes="25:6-10", **parent).emotes_only


def test_without_a_reply_the_mention_stays() -> None:
    assert said("@Nova hi") == dataclasses.replace(said("@Nova hi"), reply_to="")
    assert said("@Nova hi").text == "@Nova hi"


def test_shared_chat_goes_by_the_source_id_and_deletes_by_its_own() -> None:
    line = said(
        "hi",
        source_id="source-1",
        source_room_id="9",
        source_badges="moderator/1,broadcaster/1",
        badges="subscriber/1",
    )
    assert (line.id, line.delete_id) == ("source-1", "id-1")
    assert line.roles == (Role.SUBSCRIBER,)  # what one is in another channel counts there
    assert said("hi", source_id="id-1").delete_id == ""


@pytest.mark.parametrize(
    ("event", "tags", "kind", "count"),
    [
        ("sub", {"msg_param_cumulative_months": "1"}, ChatKind.SUB, 1),
        ("sub", {}, ChatKind.SUB, 1),
        ("resub", {"msg_param_cumulative_months": "27"}, ChatKind.SUB, 27),
        ("giftpaidupgrade", {}, ChatKind.SUB, 1),
        ("anongiftpaidupgrade", {}, ChatKind.SUB, 1),
        ("primepaidupgrade", {}, ChatKind.SUB, 1),
        ("subgift", {"msg_param_months": "8"}, ChatKind.GIFT, 1),
        ("anonsubgift", {}, ChatKind.GIFT, 1),
        ("rewardgift", {}, ChatKind.GIFT, 1),
        ("submysterygift", {"msg_param_mass_gift_count": "50"}, ChatKind.GIFT, 50),
        ("anonsubmysterygift", {"msg_param_mass_gift_count": "5"}, ChatKind.GIFT, 5),
        ("raid", {"msg_param_viewerCount": "1234"}, ChatKind.RAID, 1234),
        ("raid", {"msg_param_viewerCount": "9" * 40}, ChatKind.RAID, 0),
        ("unraid", {}, ChatKind.OTHER, 0),
        ("ritual", {}, ChatKind.OTHER, 0),
        ("bitsbadgetier", {"msg_param_threshold": "1000"}, ChatKind.OTHER, 0),
        ("viewermilestone", {}, ChatKind.OTHER, 0),
        ("standardpayforward", {}, ChatKind.OTHER, 0),
        ("communitypayforward", {}, ChatKind.OTHER, 0),
        ("announcement", {}, ChatKind.ANNOUNCEMENT, 0),
        ("of-next-year", {}, ChatKind.OTHER, 0),
        ("sharedchatnotice", {"source_msg_id": "raid"}, ChatKind.RAID, 0),
    ],
)
def test_events(event: str, tags: dict[str, str], kind: ChatKind, count: int) -> None:
    line = told(event, text="my words", **tags)
    assert line is not None
    assert (line.kind, line.count) == (kind, count)
    assert (line.notice, line.text, line.author) == ("the platform says", "my words", "Mira")


def test_an_event_without_words_has_an_empty_text() -> None:
    line = told("sub")
    assert line is not None
    assert line.text == ""


@pytest.mark.parametrize("tag", ["msg_param_community_gift_id", "msg_param_origin_id"])
def test_many_gifts_at_once_are_one_line(tag: str) -> None:
    translator = Translator("spark")
    many = told("submysterygift", translator, msg_param_mass_gift_count="3", **{tag: "g"})
    assert many is not None
    singles = [told("subgift", translator, **{tag: "g"}) for _ in range(3)]
    assert singles == [None, None, None]
    assert told("subgift", translator, **{tag: "another"}) is not None
    assert told("subgift", translator, **{tag: "g"}) is not None  # those three were all


def test_gifts_without_an_origin_are_not_taken_for_one() -> None:
    nothing = "da 39 a3 ee 5e 6b 4b 0d 32 55 bf ef 95 60 18 90 af d8 07 09"
    translator = Translator("spark")
    told("submysterygift", translator, msg_param_mass_gift_count="9", msg_param_origin_id=nothing)
    assert told("subgift", translator, msg_param_origin_id=nothing) is not None


def test_remembered_gifts_are_bounded() -> None:
    translator = Translator("spark")
    for number in range(10_000):
        told("submysterygift", translator, msg_param_community_gift_id=str(number))
    assert len(translator._gifts) <= 256


CLEAR = ":tmi.twitch.tv CLEARCHAT #spark"


@pytest.mark.parametrize(
    ("wire", "removal"),
    [
        (f"@room-id=1 {CLEAR}", Removal(everything=True, reason="the chat was cleared")),
        (
            f"@ban-duration=600;target-user-id=42 {CLEAR} :mira",
            Removal(author_id="42", seconds=600, reason="timed out for 600 s"),
        ),
        (
            f"@target-user-id=42 {CLEAR} :mira",
            Removal(author_id="42", banned=True, reason="banned"),
        ),
        (f"{CLEAR} :mira", Removal(author_id="mira", banned=True, reason="banned")),
        (
            "@login=mira;room-id=;target-msg-id=abc :tmi.twitch.tv CLEARMSG #spark :words",
            Removal(ids=("abc",), reason="deleted"),
        ),
        (":tmi.twitch.tv CLEARMSG #spark :words", None),
    ],
)
def test_removals(wire: str, removal: Removal | None) -> None:
    assert translate(wire) == removal


@pytest.mark.parametrize(
    "wire",
    [
        ":a!a@a PRIVMSG #another :hi",
        ":tmi.twitch.tv CLEARCHAT #another",
        ":a!a@a JOIN #spark",
        ":tmi.twitch.tv 001 me :Welcome",
        "PRIVMSG",
        "CLEARCHAT",
    ],
)
def test_what_does_not_concern_the_channel_is_nothing(wire: str) -> None:
    assert translate(wire) is None


@pytest.mark.parametrize(
    "text", ["", " ", "🎉🎉", "مرحبا بالعالم", "Z̷̡̛a̴l̷g̶o̴", "x" * 500, "!song", "\u202eevil"]
)
def test_odd_texts_come_through_as_they_are(text: str) -> None:
    assert said(text).text == text


_TAGS = (
    *("id", "badges", "emotes", "bits"),
    *("mod", "first-msg", "display-name", "user-id"),
    *("source-id", "emote-only", "msg-id", "login"),
    *("reply-parent-msg-id", "reply-parent-user-login", "reply-parent-display-name", "system-msg"),
    *("msg-param-mass-gift-count", "msg-param-origin-id", "msg-param-viewerCount", "ban-duration"),
    *("target-user-id", "target-msg-id", "source-msg-id", "custom-reward-id"),
)
_tag = st.sampled_from(_TAGS)
_value = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *("submysterygift", "subgift", "raid", "sharedchatnotice", "25:0-4/x:1-2,3-"),
            *("9" * 5000, "-1", "٣", "1e9", "@", "\x01ACTION ", "subscriber/1,vip"),
        ]
    ),
)


@given(
    command=st.sampled_from(["PRIVMSG", "USERNOTICE", "CLEARMSG", "CLEARCHAT", "NOTICE"]),
    tags=st.dictionaries(_tag, _value, max_size=12),
    params=st.lists(st.one_of(st.just("#spark"), st.text(max_size=40)), max_size=3),
    source=st.text(max_size=20),
)
def test_no_message_raises(
    command: str, tags: dict[str, str], params: list[str], source: str
) -> None:
    for target in (params, ["#spark", *params]):
        said = Translator("spark").translate(Message(tags, source, command, target), 1)
        assert said is None or isinstance(said, Line | Removal)


@pytest.mark.parametrize(
    "setting",
    [
        "spark",
        "Spark",
        "#spark",
        "@Spark",
        " spark ",
        "twitch.tv/spark",
        "https://www.twitch.tv/Spark",
        "https://m.twitch.tv/spark/videos?filter=all",
        "HTTPS://TWITCH.TV/spark#x",
        "https://www.twitch.tv/popout/spark/chat?popout=",
        "https://dashboard.twitch.tv/u/spark/stream-manager",
    ],
)
def test_channel_names_in_every_spelling(setting: str) -> None:
    assert channel_name(setting) == "spark"


@pytest.mark.parametrize(
    "setting",
    [
        *("", "#", "two words", "spärk", "a" * 26, "https://youtube.com/spark"),
        *("spark\r\nJOIN #x", "https://twitch.tv/", "spark,other", "-", "ｓｐａｒｋ"),
    ],
)
def test_impossible_channel_names_are_refused_with_the_rule(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"chat\.twitch\.channel") as refused:
        channel_name(setting)
    assert "a-z, 0-9 and _" in refused.value.hint
    assert refused.value.exit_code == 78
