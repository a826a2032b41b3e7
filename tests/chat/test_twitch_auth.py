"""The token: whose it is, its renewal, its loss, and that it is never shown."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from doubles.twitch_api import TwitchApi
from doubles.twitch_world import CLIENT_ID
from twitch_rig import Clock, Kept, account, running, secrets_of

from ipc.secrets import Secrets
from workers.chat.platform import PlatformRefused
from workers.chat.twitch.account import Account
from workers.chat.twitch.auth import CHECK_S, EARLY_S, TokenLost


@pytest.fixture
async def api() -> AsyncIterator[TwitchApi]:
    async with TwitchApi() as api:
        yield api


async def test_validation_tells_who_and_what(api: TwitchApi, tmp_path: Path) -> None:
    access, _ = api.token("bot", ("chat:read", "user:write:chat"))
    async with account(api, tmp_path, twitch_token=f"oauth:{access}") as bot:
        identity = await bot.auth.identify()
        assert (identity.login, identity.client_id) == ("bot", CLIENT_ID)
        assert identity.user_id == api.world.user("bot").id
        assert identity.scopes == {"chat:read", "user:write:chat"}
        await bot.auth.identify()
        assert api.called("/validate") == 1


async def test_a_token_that_has_run_out_is_renewed_once_for_many(
    api: TwitchApi, tmp_path: Path
) -> None:
    access, refresh = api.token("bot")
    async with account(api, tmp_path, twitch_token=access, twitch_refresh_token=refresh) as bot:
        await bot.helix.room()
        api.expire()
        ids = [api.world.user(name).id for name in ("a", "b", "c", "d")]
        await asyncio.gather(*(bot.helix.ban(user_id, "") for user_id in ids))
        assert sorted(api.world.bans) == sorted(ids)
        assert api.called("/token") == 1
    kept = secrets_of(tmp_path, {})
    assert kept.get("twitch_token") == bot.auth.token
    assert kept.get("twitch_client_id").reveal() == CLIENT_ID
    assert kept.get("twitch_refresh_token").reveal() not in ("", refresh)
    assert kept.path.stat().st_mode & 0o077 == 0


async def test_a_token_that_ran_out_overnight_is_renewed_at_the_start(
    api: TwitchApi, tmp_path: Path
) -> None:
    access, refresh = api.token("bot", secret="client secret")
    tokens = {
        "twitch_token": access,
        "twitch_refresh_token": refresh,
        "twitch_client_secret": "client secret",
    }
    async with account(api, tmp_path, **tokens) as bot:
        await bot.auth.identify()  # the client id is kept for the next start
    api.expire()
    async with account(api, tmp_path, **tokens) as bot:
        assert (await bot.auth.identify()).login == "bot"
    # the environment still has the old ones, and the old refresh token served once
    async with account(api, tmp_path, **tokens) as bot:
        assert (await bot.auth.identify()).login == "bot"
    api.expire()
    async with account(api, tmp_path, **tokens) as bot:
        assert (await bot.auth.identify()).login == "bot"


async def test_without_the_client_id_it_says_what_is_missing(
    api: TwitchApi, tmp_path: Path
) -> None:
    access, refresh = api.token("bot")
    api.expire()
    async with account(api, tmp_path, twitch_token=access, twitch_refresh_token=refresh) as bot:
        with pytest.raises(TokenLost, match="twitch_client_id is not known"):
            await bot.auth.identify()


async def test_a_token_is_renewed_before_it_runs_out(api: TwitchApi, tmp_path: Path) -> None:
    clock, feed = Clock(), Kept()
    async with account(api, tmp_path, clock=clock) as bot, running(bot.auth.watch, feed):
        await bot.auth.checked.wait()
        for _ in range(3):
            assert await clock.asleep() == CHECK_S
            api.skip(CHECK_S)
            clock.pass_(CHECK_S)
            await asyncio.sleep(0)
            await api.until(lambda: api.called("/validate") >= 2)
        first = bot.auth.token
        left = await clock.asleep()
        while bot.auth.token == first:
            api.skip(left)
            clock.pass_(left)
            await asyncio.sleep(0)
            left = await clock.asleep()
        known = api.world.tokens[first.reveal()]
        assert known.runs_out - api.world.clock() > EARLY_S - 120  # in good time
        assert api.called("/token") == 1
        assert feed.problems == [""] * len(feed.problems)


async def test_without_a_refresh_token_it_warns_and_then_says_that_it_is_over(
    api: TwitchApi, tmp_path: Path
) -> None:
    clock, feed = Clock(), Kept()
    access, _ = api.token("bot", lifetime_s=1800)
    async with (
        account(api, tmp_path, clock=clock, twitch_token=access) as bot,
        running(bot.auth.watch, feed) as task,
    ):
        await feed.until(lambda: feed.notices)
        level, text, hint = feed.notices[-1]
        assert level == "warning"
        assert "runs out in 30 minutes" in text or "runs out in 29 minutes" in text
        assert "twitch_refresh_token" in hint
        left = await clock.asleep()
        api.skip(left + 2)
        clock.pass_(left + 2)
        await task
    assert "revoked or has run out" in feed.problems[-1]
    assert "without an account" in feed.problems[-1]
    assert "put a new twitch_token into" in feed.notices[-1][2]


async def test_a_revoked_token_is_noticed_by_whoever_uses_it_first(
    api: TwitchApi, tmp_path: Path
) -> None:
    clock, feed = Clock(), Kept()
    async with account(api, tmp_path, clock=clock) as bot, running(bot.auth.watch, feed) as task:
        await bot.helix.room()
        await clock.asleep()
        api.revoke()
        with pytest.raises(TokenLost):
            await bot.helix.send("x")
        await task  # it does not sleep through the hour
        assert "could not be renewed" in feed.problems[-1]
        before = len(api.helix.calls)
        for deed in (bot.helix.send("y"), bot.helix.ban("1", ""), bot.auth.check()):
            with pytest.raises(TokenLost):
                await deed
        assert len(api.helix.calls) == before  # Twitch is not asked in vain


async def test_an_application_token_is_not_a_users(api: TwitchApi, tmp_path: Path) -> None:
    access, _ = api.token("bot")
    api.world.tokens[access].user = None
    async with account(api, tmp_path, twitch_token=access) as bot:
        with pytest.raises(TokenLost, match="belongs to an application"):
            await bot.auth.identify()


async def test_an_id_service_that_is_away_at_the_start_is_tried_again(
    api: TwitchApi, tmp_path: Path
) -> None:
    clock, feed = Clock(), Kept()
    for status in (500, 500, 0, 500):
        api.helix.fail("/validate", status)
    async with account(api, tmp_path, clock=clock) as bot, running(bot.auth.watch, feed):
        await feed.until(lambda: len(feed.problems) > 2 and feed.problems[-1] == "")
        assert bot.auth.identity is not None
    assert "not checked yet" in feed.problems[1]


async def test_a_failing_renewal_is_not_the_end_of_the_token(
    api: TwitchApi, tmp_path: Path
) -> None:
    async with account(api, tmp_path) as bot:
        await bot.helix.room()
        api.expire()
        api.helix.fail("/token", 500)
        with pytest.raises(PlatformRefused, match="does not renew the token now") as error:
            await bot.helix.send("x")
        assert not isinstance(error.value, TokenLost)
        await bot.helix.send("x")
        assert [said.text for said in api.world.sent] == ["x"]


async def test_lacking_scopes_are_told_once(api: TwitchApi, tmp_path: Path) -> None:
    clock, feed = Clock(), Kept()
    access, _ = api.token("bot", ("user:write:chat",))
    async with (
        account(api, tmp_path, clock=clock, twitch_token=access) as bot,
        running(bot.auth.watch, feed),
    ):
        for _ in range(2):
            left = await clock.asleep()
            clock.pass_(left)
            await api.until(lambda: api.called("/validate") >= 2)
        assert bot.auth.identity is not None
    (only,) = feed.notices
    assert "moderator:manage:chat_messages" in only[1]
    assert "user:write:chat" not in only[1]


async def test_a_token_that_cannot_be_kept_is_said(
    api: TwitchApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Secrets, "keep", full)
    feed = Kept()
    access, refresh = api.token("bot", lifetime_s=60)
    tokens = {"twitch_token": access, "twitch_refresh_token": refresh}
    async with account(api, tmp_path, **tokens) as bot, running(bot.auth.watch, feed):
        await feed.until(lambda: feed.notices)
        assert bot.auth.token.reveal() != access
    assert any("No space left" in text for _, text, _ in feed.notices)


async def test_the_tokens_are_in_no_log_and_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "workers.chat.twitch.eventsub.wire"):
        caplog.set_level(logging.DEBUG, logger=name)  # worse than any configuration
    shown: list[str] = []
    feed = Kept()
    async with TwitchApi() as api:
        access, refresh = api.token("bot", secret="the-client-secret")
        tokens = {
            "twitch_token": access,
            "twitch_refresh_token": refresh,
            "twitch_client_secret": "the-client-secret",
        }
        async with account(api, tmp_path, **tokens) as bot:
            shown.append(f"{bot.auth!r} {vars(bot.auth)} {bot.helix!r} {vars(bot.helix)}")
            async with running(bot.auth.watch, feed), running(bot.eventsub.run, feed):
                await api.listening()
                await _every_failure(api, bot, shown)
        shown.append(f"{feed.notices} {feed.problems}")
        known = [*api.world.tokens, *api.world.refreshes, "the-client-secret"]
    assert len(known) > 3
    everything = "\n".join([caplog.text, *shown])
    assert len(caplog.records) > 0
    assert [text for text in known if text in everything] == []


async def _every_failure(api: TwitchApi, bot: Account, shown: list[str]) -> None:
    async def tried(deed: Any) -> None:
        try:
            await deed
        except PlatformRefused as error:
            shown.append("".join(traceback.format_exception(error)) + repr(error))

    await tried(bot.helix.send("hello"))
    for status in (0, 400, 401, 403, 404, 409, 422, 429, 500, 503):
        api.helix.fail("bans", status)
        await tried(bot.helix.ban("1", ""))
    api.expire()
    await tried(bot.helix.send("renewed"))
    api.expire()
    for status in (0, 500):
        api.helix.fail("/token", status)
        await tried(bot.helix.send("again"))
    api.revoke()
    await tried(bot.helix.send("never"))
    await tried(bot.auth.check())
