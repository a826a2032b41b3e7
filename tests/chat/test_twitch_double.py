"""The Twitch API double speaks the protocol: a client of other people works with it, and what
Twitch forbids it forbids."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from doubles.twitch_api import TwitchApi
from doubles.twitch_world import CLIENT_ID
from twitchAPI.eventsub.websocket import EventSubWebsocket
from twitchAPI.helper import first
from twitchAPI.twitch import Twitch
from twitchAPI.type import AuthScope, ForbiddenError, TwitchAPIException, UnauthorizedException

RIGHTS = [
    AuthScope.USER_READ_CHAT,
    AuthScope.USER_WRITE_CHAT,
    AuthScope.MODERATOR_MANAGE_CHAT_MESSAGES,
    AuthScope.MODERATOR_MANAGE_BANNED_USERS,
]


@asynccontextmanager
async def foreign(api: TwitchApi, login: str = "bot") -> AsyncIterator[Twitch]:
    """Python's twitchAPI, signed in."""
    access, refresh = api.token(login)
    twitch = await Twitch(
        CLIENT_ID,
        "secret",
        authenticate_app=False,
        base_url=f"{api.helix_url}/",
        auth_base_url=f"{api.id_url}/",
    )
    try:
        twitch.auto_refresh_auth = False
        await twitch.set_user_authentication(access, RIGHTS, refresh, validate=False)
        yield twitch
    finally:
        await twitch.close()


async def test_a_foreign_client_moderates_and_writes() -> None:
    async with TwitchApi() as api, foreign(api) as twitch:
        nova = await first(twitch.get_users(logins=["nova"]))
        bot = await first(twitch.get_users())
        assert nova is not None
        assert bot is not None
        assert (nova.id, bot.login) == (api.world.owner.id, "bot")
        sent = await twitch.send_chat_message(nova.id, bot.id, "hello from outside")
        assert sent.is_sent
        assert sent.message_id == api.world.sent[0].id
        mira = api.world.user("mira")
        await twitch.ban_user(nova.id, bot.id, mira.id, "spam", 600)
        assert api.world.bans[mira.id].reason == "spam"
        assert await twitch.unban_user(nova.id, bot.id, mira.id)
        assert not api.world.banned(mira.id)
        line = api.say("bad")
        await twitch.delete_chat_message(nova.id, bot.id, line)
        assert api.world.deleted == [line]
        with pytest.raises(TwitchAPIException):
            await twitch.ban_user(nova.id, bot.id, nova.id, "never")


async def test_a_foreign_client_is_refused_as_by_twitch() -> None:
    async with TwitchApi(moderator=False) as api, foreign(api) as twitch:
        mira = api.world.user("mira")
        bot = api.world.user("bot")
        with pytest.raises((ForbiddenError, TwitchAPIException)):
            await twitch.delete_chat_message(api.world.owner.id, bot.id, api.say("x"))
        api.expire()
        with pytest.raises(UnauthorizedException):
            await twitch.ban_user(api.world.owner.id, bot.id, mira.id, "x")


async def test_a_foreign_client_reads_the_chat_and_moves_along() -> None:
    got: list[str] = []
    arrived = threading.Condition()

    def note(text: str) -> None:
        with arrived:
            got.append(text)
            arrived.notify_all()

    def until(condition: Callable[[], bool]) -> None:
        with arrived:
            assert arrived.wait_for(condition, timeout=20), got

    async def message(event: Any) -> None:
        note(event.event.message.text)

    async def notice(event: Any) -> None:
        note(f"{event.event.notice_type} {event.event.raid.viewer_count}")

    async def deleted(event: Any) -> None:
        note(f"deleted {event.event.message_id}")

    async def silenced(event: Any) -> None:
        note(f"silenced {event.event.target_user_login}")

    async with TwitchApi() as api, foreign(api) as twitch:
        nova, bot = api.world.owner.id, api.world.user("bot").id
        client = EventSubWebsocket(
            twitch, connection_url=api.eventsub_url, subscription_url=f"{api.helix_url}/"
        )
        await asyncio.to_thread(client.start)  # it blocks until its own thread is connected
        try:
            await api.until(lambda: api.sockets.sessions)
            while client.active_session is None:  # its thread has not seen the welcome yet
                await asyncio.to_thread(threading.Event().wait, 0.01)
            await client.listen_channel_chat_message(nova, bot, message)
            await client.listen_channel_chat_notification(nova, bot, notice)
            await client.listen_channel_chat_message_delete(nova, bot, deleted)
            await client.listen_channel_chat_clear_user_messages(nova, bot, silenced)
            line = api.say("hello")
            await asyncio.to_thread(until, lambda: "hello" in got)
            api.notice("raid", viewer_count=12)
            api.delete(line)
            api.ban("mira")
            await asyncio.to_thread(until, lambda: "silenced mira" in got)
            assert sorted(got) == sorted(["hello", "raid 12", f"deleted {line}", "silenced mira"])
            api.move()
            await api.until(lambda: api.sockets.connected == 2)
            await api.until(lambda: len(api.sockets.sockets) == 1)
            api.say("after the move")
            await asyncio.to_thread(until, lambda: "after the move" in got)
            assert api.sockets.received == []
        finally:
            await client.stop()
            await asyncio.to_thread(client._socket_thread.join)
            loop = client._socket_loop  # it leaves its own loop open, with what was under way
            for task in asyncio.all_tasks(loop):
                task.cancel()
            await asyncio.to_thread(loop.run_until_complete, asyncio.sleep(0))
            loop.close()


# --- rules, tried with bare sockets ---


async def frame(ws: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(10):
        message = await ws.receive()
    assert message.type is aiohttp.WSMsgType.TEXT, message
    result: dict[str, Any] = json.loads(message.data)
    return result


async def closed_with(ws: aiohttp.ClientWebSocketResponse) -> int:
    async with asyncio.timeout(10):
        while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert ws.close_code is not None
    return ws.close_code


async def test_an_unused_socket_is_closed_with_4003_and_a_talking_one_with_4001() -> None:
    async with (
        TwitchApi(subscribe_within_s=0.1) as api,
        aiohttp.ClientSession() as http,
        http.ws_connect(api.eventsub_url) as unused,
    ):
        welcome = await frame(unused)
        assert welcome["metadata"]["message_type"] == "session_welcome"
        assert welcome["payload"]["session"]["keepalive_timeout_seconds"] == 10
        assert await closed_with(unused) == 4003
        async with http.ws_connect(api.eventsub_url) as talking:
            await frame(talking)
            await talking.send_str("hello")
            assert await closed_with(talking) == 4001
        assert api.sockets.received == ["hello"]


async def test_a_move_that_is_not_made_is_closed_with_4004_and_a_wrong_one_with_4007() -> None:
    async with (
        TwitchApi(grace_s=0.1) as api,
        aiohttp.ClientSession() as http,
        http.ws_connect(api.eventsub_url) as old,
    ):
        await frame(old)
        api.move()
        assert (await frame(old))["metadata"]["message_type"] == "session_reconnect"
        assert await closed_with(old) == 4004
        async with http.ws_connect(f"{api.eventsub_url}?moved=nowhere") as wrong:
            assert await closed_with(wrong) == 4007


async def test_keepalives_come_and_their_time_has_limits() -> None:
    async with (
        TwitchApi(keepalive_s=0.05) as api,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{api.eventsub_url}?keepalive_timeout_seconds=600") as ws,
    ):
        await frame(ws)
        assert (await frame(ws))["metadata"]["message_type"] == "session_keepalive"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{api.eventsub_url}?keepalive_timeout_seconds=9")


async def test_subscriptions_have_rules() -> None:
    async with TwitchApi() as api, aiohttp.ClientSession() as http:
        access, _ = api.token("bot")
        head = {"Authorization": f"Bearer {access}", "Client-Id": CLIENT_ID}

        async def subscribe(session_id: str, **changes: Any) -> int:
            body = {
                "type": "channel.chat.message",
                "version": "1",
                "condition": {
                    "broadcaster_user_id": api.world.owner.id,
                    "user_id": api.world.user("bot").id,
                },
                "transport": {"method": "websocket", "session_id": session_id},
            } | changes
            url = f"{api.helix_url}/eventsub/subscriptions"
            async with http.post(url, json=body, headers=head) as answer:
                return answer.status

        sockets = [await http.ws_connect(api.eventsub_url) for _ in range(4)]
        ids = [(await frame(ws))["payload"]["session"]["id"] for ws in sockets]
        assert await subscribe("nobody") == 400
        assert await subscribe(ids[0], version="9") == 400
        assert await subscribe(ids[0], condition={"broadcaster_user_id": "1"}) == 400
        assert [await subscribe(session_id) for session_id in ids] == [202, 202, 202, 429]
        assert await subscribe(ids[0]) == 409
        for ws in sockets:
            await ws.close()


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "OAuth token is missing"),
        ({"Authorization": "Bearer wrong"}, "Invalid OAuth token"),
        ({"Authorization": "OAuth GOOD", "Client-Id": CLIENT_ID}, "OAuth token is missing"),
        ({"Authorization": "Bearer GOOD"}, "Client ID is missing"),
        ({"Authorization": "Bearer GOOD", "Client-Id": "other"}, "do not match"),
    ],
)
async def test_headers_are_enforced(headers: dict[str, str], message: str) -> None:
    async with TwitchApi() as api, aiohttp.ClientSession() as http:
        access, _ = api.token("bot")
        head = {name: value.replace("GOOD", access) for name, value in headers.items()}
        async with http.get(f"{api.helix_url}/users", headers=head) as answer:
            assert answer.status == 401
            assert message in (await answer.json())["message"]


async def test_limits_are_counted_and_told() -> None:
    async with TwitchApi() as api, aiohttp.ClientSession() as http:
        access, _ = api.token("bot")
        head = {"Authorization": f"Bearer {access}", "Client-Id": CLIENT_ID}
        api.helix.points = 2
        seen = []
        for _ in range(3):
            async with http.get(f"{api.helix_url}/users", headers=head) as answer:
                seen.append((answer.status, answer.headers["Ratelimit-Remaining"]))
                assert int(answer.headers["Ratelimit-Reset"]) > api.world.clock()
        assert seen == [(200, "1"), (200, "0"), (429, "0")]
        api.skip(61)
        async with http.get(f"{api.helix_url}/users", headers=head) as answer:
            assert answer.status == 200
