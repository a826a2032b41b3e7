"""Helix: what is written and moderated, and the sentence for every refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from doubles.twitch_api import TwitchApi
from twitch_rig import Clock, account

from workers.chat.platform import PlatformRefused
from workers.chat.twitch.account import Account
from workers.chat.twitch.calls import Busy, Unreachable
from workers.chat.twitch.helix import TIMEOUT_MAX_S
from workers.chat.twitch.sending import LINE_CHARS, Pace, split


@pytest.fixture
async def api() -> AsyncIterator[TwitchApi]:
    async with TwitchApi() as api:
        yield api


@pytest.fixture
async def bot(api: TwitchApi, tmp_path: Path) -> AsyncIterator[Account]:
    async with account(api, tmp_path) as made:
        yield made


async def test_a_line_and_a_reply_are_written(api: TwitchApi, bot: Account) -> None:
    parent = api.say("hello")
    await bot.helix.send("hi Mira", parent)
    await bot.helix.send("hi all")
    assert [(said.text, said.reply_to) for said in api.world.sent] == [
        ("hi Mira", parent),
        ("hi all", ""),
    ]


async def test_a_long_text_becomes_several_lines_in_order(api: TwitchApi, bot: Account) -> None:
    words = [f"word{number}" for number in range(180)]
    await asyncio.gather(bot.helix.send(" ".join(words)), bot.helix.send("short"))
    texts = [said.text for said in api.world.sent]
    assert all(len(text) <= LINE_CHARS for text in texts)
    assert len(texts) == 4
    assert " ".join(text for text in texts if text != "short").split() == words
    assert texts.index("short") in (0, 3)  # not between the parts


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a  b\n c", ["a b c"]),
        ("x" * 500, ["x" * 500]),
        ("x" * 501, ["x" * 500, "x"]),
        ("a" * 499 + " bc", ["a" * 499, "bc"]),
        ("a" * 500 + " bc", ["a" * 500, "bc"]),
        ("a" * 499 + "e\u0301", ["a" * 499, "e\u0301"]),
        ("a" * 498 + "\U0001f469\u200d\U0001f680", ["a" * 498, "\U0001f469\u200d\U0001f680"]),
    ],
)
def test_where_a_text_is_cut(text: str, lines: list[str]) -> None:
    assert split(text) == lines


@pytest.mark.parametrize("text", ["", " \n ", "word " * 600])
def test_texts_that_are_not_sent(text: str) -> None:
    with pytest.raises(PlatformRefused) as refused:
        split(text)
    assert refused.value.hint


async def test_a_repetition_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with TwitchApi(moderator=False) as api:
        clock = Clock()
        async with account(api, tmp_path, clock=clock) as bot:
            await bot.helix.send("same")
            with pytest.raises(PlatformRefused, match="same as the one before"):
                await bot.helix.send("same")
            assert len(api.world.sent) == 1
            await bot.helix.send("other")
            clock.pass_(31)
            api.skip(31)
            await bot.helix.send("other")
            assert len(api.world.sent) == 3


async def test_twenty_lines_in_thirty_seconds_then_a_wait_that_is_said(tmp_path: Path) -> None:
    async with TwitchApi(moderator=False) as api, account(api, tmp_path, clock=Clock()) as bot:
        for number in range(20):
            await bot.helix.send(f"line {number}")
        with pytest.raises(PlatformRefused, match=r"wait 1[01] s"):
            await bot.helix.send("one more")
        assert len(api.world.sent) == 20


def test_a_moderator_may_write_more_and_repeat() -> None:
    clock = Clock()
    pace = Pace(clock.now)
    pace.free = True
    for _ in range(100):
        pace.refuse_repetition("same")
        assert pace.wait_s() == 0
        pace.sent("same")
    assert pace.wait_s() == 30
    clock.pass_(30)
    assert pace.wait_s() == 0


async def test_a_line_twitch_drops_names_the_reason(tmp_path: Path) -> None:
    async with TwitchApi(moderator=False) as api:
        access, _ = api.token("bot")
        api.world.write(api.world.user("bot"), "same", "")
        async with account(api, tmp_path, twitch_token=access) as bot:
            with pytest.raises(PlatformRefused, match="identical") as refused:
                await bot.helix.send("same")
            assert "30 s" in refused.value.hint
            api.ban("bot")
            with pytest.raises(PlatformRefused, match="banned") as refused:
                await bot.helix.send("let me")
            assert "banned" in refused.value.hint


async def test_when_a_later_part_is_dropped_it_says_how_far_it_came(
    api: TwitchApi, bot: Account
) -> None:
    await bot.helix.room()
    api.helix.fail("chat/messages", 500)  # comes before the first
    with pytest.raises(PlatformRefused, match=r"in trouble.*500"):
        await bot.helix.send("a " * 400)
    assert api.world.sent == []

    async def ban_after_one() -> None:
        if api.world.sent:
            api.ban("bot")

    api.helix.hold = ban_after_one
    with pytest.raises(PlatformRefused, match="1 of 2 lines were written, then"):
        await bot.helix.send("a " * 400)


async def test_moderation(api: TwitchApi, bot: Account) -> None:
    viewer = api.world.user("mira")
    line = api.say("bad")
    await bot.helix.delete(line)
    assert api.world.deleted == [line]
    await bot.helix.timeout(viewer.id, 600, "spam " * 200)
    ban = api.world.bans[viewer.id]
    assert ban.until is not None
    assert len(ban.reason) == 500
    await bot.helix.ban(viewer.id, "worse")
    assert api.world.bans[viewer.id].until is None
    await bot.helix.unban(viewer.id)
    assert not api.world.banned(viewer.id)


async def test_what_is_so_already_counts_as_done(api: TwitchApi, bot: Account) -> None:
    viewer = api.world.user("mira")
    await bot.helix.unban(viewer.id)
    await bot.helix.ban(viewer.id, "")
    await bot.helix.ban(viewer.id, "")
    assert api.called("/moderation/bans") == 3


@pytest.mark.parametrize("seconds", [0, -1, TIMEOUT_MAX_S + 1])
async def test_a_timeout_of_impossible_length_is_not_asked_for(
    api: TwitchApi, bot: Account, seconds: int
) -> None:
    with pytest.raises(PlatformRefused, match="1 to 1209600 seconds"):
        await bot.helix.timeout(api.world.user("mira").id, seconds, "")
    assert api.helix.calls == []


async def test_refusals_of_moderation_are_sentences(api: TwitchApi, bot: Account) -> None:
    owner, other = api.world.owner, api.world.user("other_mod")
    api.world.moderators.add(other.id)
    for user in (owner, other):
        with pytest.raises(PlatformRefused, match="lets nobody ban"):
            await bot.helix.ban(user.id, "")
        with pytest.raises(PlatformRefused, match="lets nobody time out"):
            await bot.helix.timeout(user.id, 5, "")
        line = api.say("mine", author=user.login)
        with pytest.raises(PlatformRefused, match="cannot be deleted by others"):
            await bot.helix.delete(line)
    with pytest.raises(PlatformRefused, match="no such line"):
        await bot.helix.delete("gone")
    with pytest.raises(PlatformRefused, match="knows no such viewer"):
        await bot.helix.ban("999999", "")
    old = api.say("old")
    api.skip(6 * 3600 + 1)  # the token runs out too, and is renewed on the way
    with pytest.raises(PlatformRefused, match="older than six hours"):
        await bot.helix.delete(old)


async def test_who_is_no_moderator_is_told_how_to_become_one(tmp_path: Path) -> None:
    async with TwitchApi(moderator=False) as api, account(api, tmp_path) as bot:
        line = api.say("bad")
        for deed in (
            bot.helix.delete(line),
            bot.helix.ban(api.world.user("mira").id, ""),
            bot.helix.unban(api.world.user("mira").id),
        ):
            with pytest.raises(PlatformRefused, match="bot is no moderator of nova") as refused:
                await deed
            assert "/mod bot" in refused.value.hint


async def test_a_missing_scope_is_named_with_the_deed(api: TwitchApi, tmp_path: Path) -> None:
    access, _ = api.token("bot", ("chat:read",))
    async with account(api, tmp_path, twitch_token=access) as bot:
        for deed, scope, words in (
            (bot.helix.send("x"), "user:write:chat", "write into the chat"),
            (bot.helix.delete("x"), "moderator:manage:chat_messages", "delete lines"),
            (bot.helix.ban("1", ""), "moderator:manage:banned_users", "ban, time out"),
        ):
            with pytest.raises(PlatformRefused, match=f"{words}.*{scope} is missing"):
                await deed
    assert api.called("/users") == 0


async def test_a_channel_that_does_not_exist_is_named(api: TwitchApi, tmp_path: Path) -> None:
    access, _ = api.token("bot")
    async with account(api, tmp_path, twitch_token=access) as bot:
        bot.helix._channel = "nobody_here"
        with pytest.raises(PlatformRefused, match="no Twitch channel 'nobody_here'"):
            await bot.helix.send("x")


# --- trouble on the way ---


@pytest.mark.parametrize("skew_s", [-86_400.0, 0.0, 86_400.0])
async def test_a_used_up_limit_is_waited_for_by_twitchs_own_clock(
    tmp_path: Path, skew_s: float
) -> None:
    async with TwitchApi() as api:
        clock = Clock()
        api.helix.skew_s = skew_s
        async with account(api, tmp_path, clock=clock) as bot:
            await bot.helix.room()
            api.skip(55)  # of the window's sixty seconds
            api.helix.points = 1
            await bot.helix.delete(api.say("one"))  # the answer says that nothing is left
            line = api.say("two")

            async def wait_over() -> None:
                api.skip(10)

            api.helix.hold = wait_over
            await bot.helix.delete(line)
            waits = [seconds for seconds in clock.slept if seconds > 1]
            assert len(waits) == 1
            assert 4 <= waits[0] <= 7


async def test_a_429_is_asked_again_and_a_long_wait_is_refused(
    tmp_path: Path, api: TwitchApi
) -> None:
    clock = Clock()
    async with account(api, tmp_path, clock=clock) as bot:
        await bot.helix.room()
        api.helix.fail("bans", 429, Retry_After="3")
        await bot.helix.ban(api.world.user("mira").id, "")
        assert 3.0 in clock.slept
        api.helix.fail("bans", 429, Retry_After="40")
        with pytest.raises(Busy, match="40 s"):
            await bot.helix.unban(api.world.user("mira").id)


async def test_a_failure_of_the_server_is_asked_again_if_that_is_harmless(
    api: TwitchApi, bot: Account
) -> None:
    await bot.helix.room()
    api.helix.fail("bans", 503)
    await bot.helix.ban(api.world.user("mira").id, "")
    api.helix.fail("bans", 500)
    await bot.helix.unban(api.world.user("mira").id)
    assert api.called("/moderation/bans") == 4
    api.helix.fail("chat/messages", 500)
    with pytest.raises(PlatformRefused, match="in trouble"):
        await bot.helix.send("once")
    assert api.called("/chat/messages") == 1  # it might have been written


async def test_a_connection_that_breaks_is_a_sentence_without_an_address(
    api: TwitchApi, bot: Account
) -> None:
    await bot.helix.room()
    api.helix.fail("bans", 0)
    with pytest.raises(Unreachable) as error:
        await bot.helix.ban(api.world.user("mira").id, "")
    assert "127.0.0.1" not in str(error.value)
    assert "access" not in str(error.value)


async def test_a_server_that_does_not_answer_has_a_deadline(
    api: TwitchApi, bot: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.helix.room()
    monkeypatch.setattr("workers.chat.twitch.calls.ATTEMPT_S", 0.05)
    never = asyncio.Event()
    api.helix.hold = never.wait
    with pytest.raises(Unreachable, match="did not answer within"):
        await bot.helix.ban(api.world.user("mira").id, "")
    never.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>sign in</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
        b"\xff\xfe garbage\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_not_twitchs_is_a_sentence(
    tmp_path: Path, api: TwitchApi, answer: bytes
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, account(api, tmp_path) as bot:
        bot.auth._url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(PlatformRefused) as refused:
            await bot.auth.check()
        assert "127.0.0.1" not in str(refused.value)
        assert bot.auth.identity is None
        assert not bot.auth.lost.is_set()  # it says nothing about the token


async def test_a_conflict_is_said(api: TwitchApi, bot: Account) -> None:
    api.helix.fail("bans", 409, "conflict")
    with pytest.raises(PlatformRefused, match="somebody else"):
        await bot.helix.ban(api.world.user("mira").id, "")
