"""One connection's decisions, without sockets and without time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.secrets import SecretStr
from workers.chat.twitch.irc_parser import Message, parse
from workers.chat.twitch.irc_session import End, Phase, Session, Timing

TOKEN = SecretStr("s3cret")
TIMING = Timing()


def session(token: SecretStr = TOKEN) -> Session:
    return Session("spark", "nova_bot", token, TIMING, 0.0)


def heard(it: Session, line: str, now_s: float = 1.0) -> str:
    message = parse(line)
    assert message is not None
    return it.hear(message, now_s)


def joined() -> Session:
    it = session()
    assert heard(it, ":tmi.twitch.tv 001 nova_bot :Welcome, GLHF!") == "JOIN #spark\r\n"
    heard(it, "@room-id=1 :tmi.twitch.tv ROOMSTATE #spark")
    assert it.phase is Phase.JOINED
    return it


def test_pass_comes_before_nick_and_the_token_is_nowhere_else() -> None:
    it = session()
    first, second, third, rest = it.greeting().split("\r\n")
    assert first.startswith("CAP REQ :")
    assert (second, third, rest) == ("PASS oauth:s3cret", "NICK nova_bot", "")
    assert "s3cret" not in repr(vars(it))


def test_a_token_with_line_ends_says_nothing_more_than_a_token() -> None:
    greeting = session(SecretStr(" s3\r\nJOIN #other\n")).greeting()
    assert greeting.count("\r\n") == 3
    assert "PASS oauth:s3JOIN#other\r\n" in greeting


@pytest.mark.parametrize(
    "text",
    [
        "Login authentication failed",
        "Login unsuccessful",
        "Improperly formatted auth",
        "Invalid NICK",
    ],
)
def test_every_refusal_of_a_login_ends_it(text: str) -> None:
    it = session()
    heard(it, f":tmi.twitch.tv NOTICE * :{text}")
    assert (it.ended, it.why) == (End.REFUSED, text)


def test_the_same_words_in_the_channel_are_only_words() -> None:
    it = joined()
    heard(it, ":tmi.twitch.tv NOTICE #spark :Login authentication failed")
    heard(it, ":eve!eve@eve PRIVMSG #spark :Login authentication failed")
    heard(it, ":eve!eve@eve PRIVMSG #spark :RECONNECT")
    assert it.ended is None


def test_refused_capabilities_end_it() -> None:
    it = session()
    heard(it, ":tmi.twitch.tv CAP * ACK :twitch.tv/tags")
    assert it.ended is None
    heard(it, ":tmi.twitch.tv CAP * NAK :twitch.tv/tags")
    assert it.ended is End.GARBAGE


@pytest.mark.parametrize(
    "line",
    [
        "@room-id=1 :tmi.twitch.tv ROOMSTATE #spark",
        ":nova_bot.tmi.twitch.tv 366 nova_bot #spark :End of /NAMES list",
    ],
)
def test_the_room_says_that_we_are_in(line: str) -> None:
    it = session()
    heard(it, ":tmi.twitch.tv 001 nova_bot :Welcome")
    heard(it, line.replace("#spark", "#other"))
    assert it.phase is Phase.JOINING
    heard(it, line, 3.0)
    assert (it.phase, it.joined_s) == (Phase.JOINED, 3.0)


def test_what_is_due_when() -> None:
    it = session()
    assert it.due_s == 15.0
    heard(it, ":tmi.twitch.tv 001 nova_bot :Welcome", 2.0)
    assert it.due_s == 12.0
    heard(it, "@room-id=1 :tmi.twitch.tv ROOMSTATE #spark", 3.0)
    assert it.due_s == 63.0
    assert it.tick(62.9) == ""
    assert it.tick(63.0) == "PING :spark\r\n"
    assert it.due_s == 78.0
    assert it.tick(70.0) == ""  # asked once is enough
    heard(it, ":tmi.twitch.tv PONG tmi.twitch.tv :spark", 71.0)
    assert it.due_s == 131.0
    assert it.tick(131.0) == "PING :spark\r\n"
    it.hear(None, 140.0)  # noise is no answer
    assert it.tick(146.0) == ""
    assert it.ended is End.SILENT


def test_noise_between_good_lines_is_borne() -> None:
    it = joined()
    for _ in range(200):
        it.hear(None, 2.0)
        heard(it, ":tmi.twitch.tv NEWCOMMAND #spark")
        heard(it, ":a!a@a PRIVMSG #spark :x")
    assert it.ended is None
    for _ in range(25):
        it.hear(None, 2.0)
    assert it.ended is End.GARBAGE


_lines = st.one_of(
    st.none(),
    st.builds(
        Message,
        st.dictionaries(st.sampled_from(["msg-id", "room-id"]), st.text(max_size=8)),
        st.text(max_size=8),
        st.sampled_from(
            ["001", "366", "421", "CAP", "NOTICE", "PING", "PONG", "RECONNECT", "ROOMSTATE", "X"]
        ),
        st.lists(st.sampled_from(["#spark", "*", "NAK", "", "Login unsuccessful"]), max_size=3),
    ),
)


@given(st.lists(st.tuples(_lines, st.floats(0, 100), st.booleans()), max_size=40))
def test_whatever_comes_it_always_knows_when_to_act_next(
    steps: list[tuple[Message | None, float, bool]],
) -> None:
    it = session()
    now_s = 0.0
    for message, pause_s, tick in steps:
        now_s += pause_s
        said = it.tick(now_s) if tick else it.hear(message, now_s)
        assert said == "" or said.endswith("\r\n")
        assert said.count("\r\n") <= 1
        assert it.due_s < math.inf
        if tick and it.ended is None and it.due_s <= now_s:
            it.tick(now_s)  # it came so late that two things were due: one at a time
            assert it.ended is not None or it.due_s > now_s
