"""The test server, checked with chat clients of other people: it speaks what they speak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from doubles.node_peer import NodePeer, node_peer
from doubles.tls import Authority
from doubles.twitch_irc import TwitchIrcServer
from doubles.twitch_irc_lines import ROOM_ID, number_of

pytestmark = pytest.mark.usefixtures("needs_node")


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[TwitchIrcServer]:
    async with TwitchIrcServer(authority) as running:
        yield running


def tmi(server: TwitchIrcServer, **account: str) -> Any:
    settings = {"port": server.ws_port, "channel": server.channel, **account}
    return node_peer("tmi_peer.mjs", settings, ca_file=server.ca_file)


async def in_channel(server: TwitchIrcServer, peer: NodePeer) -> None:
    await peer.until(event="roomstate", room="#spark", id=ROOM_ID)
    await server.joined()


async def everything(server: TwitchIrcServer, peer: NodePeer) -> None:
    """What both foreign clients understand in the same way."""
    server.ban("mira", 600)
    await peer.until(event="timeout", name="mira", seconds=600, id=number_of("mira"))
    server.ban("mira")
    await peer.until(event="ban", name="mira", id=number_of("mira"))
    server.delete("line-7")
    await peer.until(event="deleted", id="line-7")
    server.clear()
    await peer.until(event="cleared")
    server.event(
        "submysterygift",
        system="Mira is gifting 5 Tier 1 Subs!",
        msg_param_mass_gift_count="5",
        msg_param_sub_plan="1000",
        msg_param_origin_id="x",
    )
    await peer.until(event="gifts", name="mira" if peer_is_twurple(peer) else "Mira", count=5)
    server.event(
        "raid",
        system="12 raiders from Mira have joined!",
        msg_param_viewerCount="12",
        msg_param_displayName="Mira",
        msg_param_login="mira",
    )
    raid = await peer.until(event="raid")
    assert raid["viewers"] in (12, "12")


def peer_is_twurple(peer: NodePeer) -> bool:
    """It gives logins where tmi.js gives display names."""
    return any("user" in said for said in peer.seen)


async def test_tmi_reads_anonymously(server: TwitchIrcServer) -> None:
    async with tmi(server) as peer:
        await in_channel(server, peer)
        line_id = server.say(
            "hello; it's \\me",
            display="미라 ;\\",
            badges="moderator/1,subscriber/12",
            emotes="25:0-4",
            first_msg="1",
        )
        heard = await peer.until(event="chat")
        assert heard["text"] == "hello; it's \\me"
        assert heard["tags"]["id"] == line_id
        assert heard["tags"]["display-name"] == "미라 ;\\"
        assert heard["tags"]["badges"] == {"moderator": "1", "subscriber": "12"}
        assert heard["tags"]["emotes"] == {"25": ["0-4"]}
        server.say("waves", action=True)
        assert (await peer.until(event="action"))["text"] == "waves"
        server.say("Cheer100 nice", bits="100")
        await peer.until(event="cheer", bits="100", text="Cheer100 nice")
        server.event(
            "resub",
            text="still here",
            system="Mira subscribed",
            msg_param_cumulative_months="9",
            msg_param_sub_plan="1000",
        )
        await peer.until(event="resub", name="Mira", text="still here", months="9")
        await everything(server, peer)
        peer.tell({"do": "ping"})
        await peer.until(event="pong")
        server.clients[0].send("PING :tmi.twitch.tv")
        await server.until(lambda: any("PONG" in line for line in server.clients[0].heard))


async def test_tmi_writes_with_a_token_within_the_limits(server: TwitchIrcServer) -> None:
    server.tokens = {"t0ken": "nova_bot"}
    account = {"login": "nova_bot", "token": "t0ken"}
    async with tmi(server, **account) as writer, tmi(server) as reader:
        await in_channel(server, writer)
        await in_channel(server, reader)
        await server.joined(2)
        writer.tell({"do": "say", "text": "good evening"})
        heard = await reader.until(event="chat", text="good evening")
        assert heard["tags"]["username"] == "nova_bot"
        writer.tell({"do": "say", "text": "good evening"})
        await writer.until(event="notice", id="msg_duplicate")
        for number in range(25):
            writer.tell({"do": "say", "text": f"line {number}"})
        await writer.until(event="notice", id="msg_ratelimit")


async def test_tmi_understands_a_refused_token(server: TwitchIrcServer) -> None:
    async with tmi(server, login="nova_bot", token="wrong") as peer:
        refused = await peer.until(event="refused")
        assert "Login authentication failed" in refused["why"]


async def test_tmi_hears_nothing_of_a_channel_that_is_not_there(server: TwitchIrcServer) -> None:
    async with tmi(server) as peer:
        await in_channel(server, peer)
        peer.tell({"do": "join", "channel": "nobody"})
        answer = await peer.until(event="not in")
        assert "No response" in answer["why"]


@pytest.mark.parametrize("web", [False, True], ids=["tls", "websocket"])
async def test_twurple_reads(server: TwitchIrcServer, web: bool) -> None:
    settings = {
        "port": server.ws_port if web else server.port,
        "channel": server.channel,
        "webSocket": web,
    }
    async with node_peer("twurple_peer.mjs", settings, ca_file=server.ca_file) as peer:
        await peer.until(event="join", room="spark")
        await server.joined()
        line_id = server.say(
            "@Nova hello there",
            display="미라",
            badges="moderator/1",
            first_msg="1",
            reply_parent_msg_id="p",
            reply_parent_user_id="1",
            reply_parent_user_login="nova",
            reply_parent_display_name="Nova",
            reply_parent_msg_body="what; a \\ body",
        )
        heard = await peer.until(event="chat")
        assert heard == {
            "event": "chat",
            "name": "mira",
            "text": "@Nova hello there",
            "id": line_id,
            "user": number_of("mira"),
            "display": "미라",
            "mod": True,
            "bits": 0,
            "first": True,
            "reply": "Nova",
        }
        server.say("waves", action=True)
        await peer.until(event="action", text="waves")
        await everything(server, peer)


def test_the_packages_are_pinned(needs_node: Path) -> None:
    assert '"tmi.js": "1.8.5"' in (needs_node / "package.json").read_text()
