"""EventSub: sessions, moves, silence, revocation, and what of it becomes a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from doubles.twitch_api import TwitchApi
from twitch_rig import Kept, account, running

from ipc.states import ChatKind, Role
from workers.chat.platform import Line, PlatformRefused, Removal
from workers.chat.twitch.account import Account
from workers.chat.twitch.auth import TokenLost
from workers.chat.twitch.eventsub import SEEN, SourceLost


@asynccontextmanager
async def reading(
    api: TwitchApi, directory: Path, *, slack_s: float | None = None, **tokens: str
) -> AsyncIterator[tuple[Kept, Account, asyncio.Task[None]]]:
    feed = Kept()
    async with account(api, directory, **tokens) as bot:
        if slack_s is not None:
            bot.eventsub._slack_s = slack_s
        async with running(bot.eventsub.run, feed) as task:
            yield feed, bot, task


async def test_everything_a_chat_tells(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, _, _):
        await api.listening()
        hello = api.say("hello", "mira")
        api.say("cheer100 yes", "leo", cheer={"bits": 250})
        api.notice("raid", "kim", viewer_count=40)
        api.delete(hello)
        api.ban("leo", 600)
        api.clear()
        await feed.count(6)
        line, cheer, raid, deleted, banned, cleared = feed.told
        assert isinstance(line, Line)
        assert (line.id, line.author, line.text, line.kind) == (
            hello,
            "Mira",
            "hello",
            ChatKind.LINE,
        )
        assert line.received_ns > 0
        assert isinstance(cheer, Line)
        assert (cheer.paid, cheer.paid_text) == (2.5, "250 bits")
        assert isinstance(raid, Line)
        assert (raid.kind, raid.count, raid.text) == (ChatKind.RAID, 40, "")
        assert deleted == Removal(ids=(hello,), reason="deleted")
        assert isinstance(banned, Removal)
        assert (banned.author_id, banned.banned) == (api.world.user("leo").id, False)
        assert isinstance(cleared, Removal)
        assert cleared.everything


async def test_our_own_lines_come_back_with_our_id(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, bot, _):
        await api.listening()
        await bot.helix.send("it is me")
        line = await feed.line("it is me")
        assert line.author_id == api.world.user("bot").id
        assert line.roles == (Role.MODERATOR,)


async def test_what_is_delivered_twice_is_told_once(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, bot, _):
        await api.listening()
        for number in range(50):
            api.say(f"line {number}", times=1 + number % 3)
        await feed.line("line 49")
        assert feed.texts == [f"line {number}" for number in range(50)]
        assert len(bot.eventsub._seen) == 100 <= SEEN


async def test_the_memory_of_what_was_delivered_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.chat.twitch.eventsub.SEEN", 100)
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, bot, _):
        await api.listening()
        for number in range(500):
            api.say(f"line {number}", times=2)
        await feed.line("line 499")
        assert len(feed.texts) == 500
        assert len(bot.eventsub._seen) == 100


async def test_a_move_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, _, _):
        await api.listening()
        said = 0
        for move in range(10):
            for _ in range(20):
                api.say(f"line {said}")
                said += 1
            api.move()
            for _ in range(20):
                api.say(f"line {said}")
                said += 1
            await api.until(lambda move=move: api.sockets.connected == move + 2)
        await feed.line(f"line {said - 1}")
        await api.until(lambda: len(api.sockets.sockets) == 1)
        assert feed.texts == [f"line {number}" for number in range(said)]
        assert api.called("/eventsub/subscriptions") == 5  # they moved along
        assert feed.problems == ["", ""]


async def test_a_move_to_a_bad_address_begins_anew_while_the_old_one_speaks(
    tmp_path: Path,
) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, _, _):
        await api.listening()
        api.say("before")
        api.move(bad=True)
        api.say("meanwhile")
        await api.until(lambda: api.called("/eventsub/subscriptions") == 10)
        await api.until(lambda: len(api.sockets.sockets) == 1)
        api.say("after")
        await feed.line("after")
        assert feed.texts == ["before", "meanwhile", "after"]
        assert set(feed.problems) == {""}


async def test_a_move_to_somebody_elses_server_is_not_followed(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, _, _):
        await api.listening()
        api.sockets.move("ws://evil.example/ws")
        await api.until(lambda: api.called("/eventsub/subscriptions") == 10)
        await api.listening()
        api.say("still here")
        await feed.line("still here")


async def test_silence_is_noticed_and_keepalives_are_enough(tmp_path: Path) -> None:
    async with (
        TwitchApi(keepalive_s=0.1) as api,
        reading(api, tmp_path, slack_s=1.0) as (feed, _, _),
    ):
        await api.listening()
        socket = api.sockets.sockets[0]
        sent: list[str] = []
        put = socket.ws.send_str

        async def counted(text: str) -> None:
            sent.append(text)
            api._changed()
            await put(text)

        socket.ws.send_str = counted  # type: ignore[method-assign]  # to count what goes out
        await api.until(lambda: len(sent) >= 15)  # longer than the silence that ends it
        assert api.sockets.connected == 1
        api.sockets.go_silent()
        await api.until(lambda: api.sockets.connected == 2)
        await api.listening()
        assert "nothing was heard" in " ".join(feed.problems)
        api.say("back")
        await feed.line("back")
        assert feed.problems[-1] == ""
        assert api.sockets.received == []


@pytest.mark.parametrize("code", [4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 1012])
async def test_every_way_twitch_closes_is_said_and_survived(tmp_path: Path, code: int) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, _, _):
        await api.listening()
        api.sockets.end(code)
        await api.until(lambda: api.sockets.connected == 2)
        await api.listening()
        api.say("back")
        await feed.line("back")
        assert str(code) in " ".join(feed.problems)
        assert feed.problems[-1] == ""


async def test_old_subscriptions_that_still_count_are_waited_for(tmp_path: Path) -> None:
    async with TwitchApi() as api:
        api.sockets.lingering = 3
        async with reading(api, tmp_path) as (feed, _, _):
            await feed.until(lambda: "still counts the subscriptions" in feed.problems[-1])
            api.sockets.lingering = 0
            await api.listening()
            await feed.until(lambda: feed.problems[-1] == "")


async def test_a_server_that_is_away_at_the_start(tmp_path: Path) -> None:
    async with TwitchApi() as api:
        api.sockets.refuse = 3
        async with reading(api, tmp_path) as (feed, _, _):
            await api.listening()
            assert "refuses the connection" in feed.problems[1]
            await feed.until(lambda: feed.problems[-1] == "")


async def test_no_welcome_is_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.chat.twitch.eventsub.WELCOME_S", 0.2)
    async with TwitchApi() as api:
        api.sockets.greet = False
        async with reading(api, tmp_path) as (feed, _, _):
            await feed.until(lambda: "no welcome" in feed.problems[-1])
            api.sockets.greet = True
            monkeypatch.setattr("workers.chat.twitch.eventsub.WELCOME_S", 10.0)
            await api.listening()


async def test_garbage_is_skipped_and_a_frame_too_large_is_a_drop(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, bot, _):
        await api.listening()
        api.sockets.garbage()
        api.say("after garbage")
        await feed.line("after garbage")
        assert bot.eventsub._malformed == 6
        api.sockets.huge()
        await api.until(lambda: api.sockets.connected == 2)
        await api.listening()
        api.say("after huge")
        await feed.line("after huge")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("user_removed", "no longer exists"),
        ("version_removed", "removed this version"),
        ("something_new", "something_new"),
    ],
)
async def test_a_revocation_ends_this_source_with_its_reason(
    tmp_path: Path, status: str, words: str
) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (_, _, task):
        await api.listening()
        api.revoke("bot", status)
        with pytest.raises(SourceLost, match=words):
            await task


async def test_a_revoked_token_ends_it_unless_it_can_be_renewed(tmp_path: Path) -> None:
    async with TwitchApi() as api, reading(api, tmp_path) as (feed, _, task):
        await api.listening()
        api.expire()  # only the access token is taken away
        api.sockets.revoked("bot", "authorization_revoked")
        await api.until(lambda: api.called("/token") == 1)
        await api.listening()
        api.say("renewed")
        await feed.line("renewed")
        api.revoke()
        with pytest.raises(TokenLost):
            await task


@pytest.mark.parametrize(
    ("trouble", "words"),
    [({"banned": True}, "banned in the channel"), ({"scope": True}, "user:read:chat is missing")],
)
async def test_what_never_allows_a_subscription_ends_it(
    tmp_path: Path, trouble: dict[str, Any], words: str
) -> None:
    async with TwitchApi() as api:
        access, _ = api.token("bot", ("chat:read",) if "scope" in trouble else ("user:read:chat",))
        if "banned" in trouble:
            api.ban("bot")
        async with reading(api, tmp_path, twitch_token=access) as (_, _, task):
            with pytest.raises(PlatformRefused) as lost:
                await task
            assert words in str(lost.value)
