"""Twitch as one platform: what it can do with and without a token, and that reading goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from doubles.tls import Authority
from doubles.twitch_api import TwitchApi
from doubles.twitch_irc import TwitchIrcServer
from twitch_rig import Kept, running, secrets_of, section

from ipc.config import ChatSection, TwitchSection
from ipc.errors import ConfigError
from workers.chat.platform import PlatformRefused
from workers.chat.twitch.twitch import SCOPES, Twitch


@asynccontextmanager
async def both(
    authority: Authority, directory: Path, *, source: str, token: str | None = None, **options: Any
) -> AsyncIterator[tuple[TwitchApi, TwitchIrcServer, Twitch, Kept]]:
    """The platform between the two servers, running."""
    async with TwitchApi(**options) as api, TwitchIrcServer(authority, channel="nova") as irc:
        access, refresh = api.token("bot")
        irc.tokens = {access: "bot"}
        tokens = {"twitch_token": access, "twitch_refresh_token": refresh}
        if token is not None:
            tokens = {"twitch_token": token} if token else {}
        chat = section(
            api,
            source=source,
            irc_host="localhost",
            irc_port=irc.port,
            ca_file=str(irc.ca_file),
        )
        twitch, feed = Twitch(chat, secrets_of(directory, tokens)), Kept()
        async with running(twitch.run, feed):
            yield api, irc, twitch, feed


def anonymous(tmp_path: Path, **keys: Any) -> Twitch:
    chat = ChatSection(twitch=TwitchSection(**({"channel": "nova"} | keys)))
    return Twitch(chat, secrets_of(tmp_path, {}))


async def test_without_a_token_every_deed_says_what_it_needs(tmp_path: Path) -> None:
    twitch = anonymous(tmp_path)
    assert twitch.self_id == ""
    for deed in (
        twitch.send("x"),
        twitch.delete("x"),
        twitch.ban("1", ""),
        twitch.unban("1"),
        twitch.timeout("1", 5, ""),
    ):
        with pytest.raises(PlatformRefused, match="read anonymously") as refused:
            await deed
        for word in ("twitch_token", "secrets.toml", "SPARK_VTUBER_TWITCH_TOKEN", SCOPES):
            assert word in refused.value.hint


async def test_eventsub_without_a_token_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs the secret twitch_token") as error:
        anonymous(tmp_path, source="eventsub")
    assert "irc" in error.value.hint


@pytest.mark.parametrize(
    "url",
    ["http://api.twitch.tv/helix", "api.twitch.tv", "ftp://x", "https://", "http://10.0.0.1/x"],
)
async def test_a_token_is_not_sent_in_the_clear(tmp_path: Path, url: str) -> None:
    for key in ("helix_url", "id_url"):
        chat = ChatSection(twitch=TwitchSection(channel="nova", **{key: url}))
        with pytest.raises(ConfigError, match=f"chat.twitch.{key}"):
            Twitch(chat, secrets_of(tmp_path, {"twitch_token": "x"}))


async def test_an_impossible_channel_and_a_bad_ca_file_are_configuration_errors(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError):
        anonymous(tmp_path, channel="not a channel")
    (tmp_path / "ca.pem").write_text("no certificate")
    chat = ChatSection(ca_file=str(tmp_path / "ca.pem"), twitch=TwitchSection(channel="nova"))
    with pytest.raises(ConfigError, match="ca_file"):
        Twitch(chat, secrets_of(tmp_path, {"twitch_token": "x"}))


def test_reading_anonymously_loads_no_http_client() -> None:
    code = (
        "import sys; import workers.chat.twitch.twitch; "
        "sys.exit(any(name in sys.modules for name in ('httpx2', 'websockets', 'aiohttp')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_eventsub_reads_and_helix_acts(authority: Authority, tmp_path: Path) -> None:
    async with both(authority, tmp_path, source="eventsub") as (api, _, twitch, feed):
        await api.listening()
        line_id = api.say("hello")
        line = await feed.line("hello")
        assert line.platform == twitch.name == "twitch"
        assert twitch.self_id == api.world.user("bot").id
        await twitch.send("hello yourself", line.id)
        await twitch.delete(line.id)
        await twitch.timeout(line.author_id, 60, "calm down")
        await twitch.ban(line.author_id, "out")
        await twitch.unban(line.author_id)
        assert api.world.sent[0].reply_to == line_id
        assert api.world.deleted == [line_id]


async def test_irc_reads_with_the_token_when_it_may(authority: Authority, tmp_path: Path) -> None:
    async with both(authority, tmp_path, source="irc") as (_, irc, twitch, feed):
        (client,) = await irc.joined(1)
        assert client.nick == "bot"
        irc.say("by irc", author="mira")
        await feed.line("by irc")
        await twitch.send("by helix")


async def test_a_deed_is_answered_within_an_operators_time(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.chat.twitch.twitch.DEED_S", 0.05)
    never = asyncio.Event()
    async with both(authority, tmp_path, source="eventsub") as (api, _, twitch, _):
        await api.listening()
        api.helix.hold = never.wait
        with pytest.raises(PlatformRefused, match="did not carry it out"):
            await twitch.ban("7", "")
        never.set()


async def test_a_revoked_token_leaves_reading_by_irc(authority: Authority, tmp_path: Path) -> None:
    async with both(authority, tmp_path, source="eventsub") as (api, irc, twitch, feed):
        await api.listening()
        api.revoke()
        await irc.joined(1)
        irc.say("still read", author="mira")
        await feed.line("still read")
        assert "could not be renewed" in feed.problems[-1]
        assert "without an account" in feed.problems[-1]
        assert "EventSub is away" not in feed.problems[-1]
        with pytest.raises(PlatformRefused, match="could not be renewed"):
            await twitch.send("x")


@pytest.mark.parametrize("source", ["irc", "eventsub"])
async def test_a_token_that_never_was_valid_leaves_reading(
    authority: Authority, tmp_path: Path, source: str
) -> None:
    async with both(authority, tmp_path, source=source, token="wrong") as (_, irc, _, feed):
        await irc.joined(1)
        irc.say("still read", author="mira")
        await feed.line("still read")
        await feed.until(lambda: "revoked or has run out" in feed.problems[-1])
        assert "error" in [level for level, _, _ in feed.notices]


async def test_a_missing_scope_for_eventsub_is_named_and_irc_reads(
    authority: Authority, tmp_path: Path
) -> None:
    async with TwitchApi() as api, TwitchIrcServer(authority, channel="nova") as irc:
        access, _ = api.token("bot", ("user:write:chat",))
        chat = section(api, irc_host="localhost", irc_port=irc.port, ca_file=str(irc.ca_file))
        twitch, feed = Twitch(chat, secrets_of(tmp_path, {"twitch_token": access})), Kept()
        async with running(twitch.run, feed):
            await irc.joined(1)
            irc.say("still read", author="mira")
            await feed.line("still read")
            assert "user:read:chat is missing" in feed.problems[-1]
            assert "reading goes on through IRC" in feed.problems[-1]
            await twitch.send("writing works")


async def test_an_account_banned_from_the_channel_reads_on(
    authority: Authority, tmp_path: Path
) -> None:
    async with both(authority, tmp_path, source="eventsub") as (api, irc, _, feed):
        await api.listening()
        api.revoke("bot", "chat_user_banned")
        await irc.joined(1)
        irc.say("still read", author="mira")
        await feed.line("still read")
        assert "banned from the channel" in feed.problems[-1]


async def test_an_id_service_that_is_away_does_not_keep_irc_away(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.chat.twitch.twitch.FIRST_CHECK_S", 0.05)
    never = asyncio.Event()
    async with TwitchApi() as api, TwitchIrcServer(authority, channel="nova") as irc:
        api.helix.hold = never.wait
        access, _ = api.token("bot")
        chat = section(
            api, source="irc", irc_host="localhost", irc_port=irc.port, ca_file=str(irc.ca_file)
        )
        twitch, feed = Twitch(chat, secrets_of(tmp_path, {"twitch_token": access})), Kept()
        async with running(twitch.run, feed):
            await irc.joined(1)
            irc.say("read", author="mira")
            await feed.line("read")
        never.set()


async def test_everything_goes_encrypted_with_certificates_of_ones_own(
    authority: Authority, tmp_path: Path
) -> None:
    async with TwitchApi(ssl_context=authority.server()) as api:
        assert api.helix_url.startswith("https://")
        assert api.eventsub_url.startswith("wss://")
        access, _ = api.token("bot")
        secrets = secrets_of(tmp_path, {"twitch_token": access})
        twitch, feed = Twitch(section(api, ca_file=authority.ca_file), secrets), Kept()
        async with running(twitch.run, feed):
            await api.listening()
            api.say("encrypted")
            await feed.line("encrypted")
            await twitch.send("too")
        twitch = Twitch(section(api), secrets)  # does not know the authority
        try:
            with pytest.raises(PlatformRefused, match="certificate is not trusted") as refused:
                await twitch.send("x")
            assert "chat.ca_file" in refused.value.hint
        finally:
            await twitch.close()
