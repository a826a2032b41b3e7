"""The reader on a server that keeps Twitch's rules, over real TLS sockets."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Sequence

import psutil
import pytest
from doubles.tls import Authority
from doubles.twitch_irc import Trouble, TwitchIrcServer
from doubles.twitch_irc_lines import SERVER, number_of
from irc_rig import reading
from keeping_feed import KeepingFeed

from ipc.config import TwitchSection
from ipc.errors import ConfigError
from ipc.secrets import SecretStr
from workers.chat.platform import Line, Removal
from workers.chat.twitch.irc import TwitchIrc


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[TwitchIrcServer]:
    async with TwitchIrcServer(authority) as running:
        yield running


# --- logging in ---


async def test_reading_needs_no_account(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        capabilities, password, nick, join = client.heard
        assert capabilities == "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership"
        assert password.startswith("PASS ")
        assert nick.startswith("NICK justinfan")
        assert join == "JOIN #spark"
        await rig.hears("hello")
        assert rig.feed.problems == []
        assert rig.feed.notices == []


@pytest.mark.parametrize("written", ["s3cret", "oauth:s3cret"])
async def test_a_token_logs_in(server: TwitchIrcServer, written: str) -> None:
    server.tokens = {"s3cret": "nova_bot"}
    async with reading(server, login="Nova_Bot", token=SecretStr(written)) as rig:
        client = await rig.joined()
        assert client.nick == "nova_bot"
        assert client.heard[1] == "PASS oauth:s3cret"  # before NICK
        await rig.hears()


async def test_a_refused_token_is_said_and_reading_goes_on(server: TwitchIrcServer) -> None:
    server.tokens = {"new": "nova_bot"}
    async with reading(server, login="nova_bot", token=SecretStr("old")) as rig:
        await rig.time.wait_out_pause()
        client = await rig.joined()
        assert client.anonymous
        await rig.hears()
        ((level, text, hint),) = rig.feed.notices
        assert level == "error"
        assert "Login authentication failed" in text
        assert "twitch_token" in hint
        assert "read anonymously" in rig.feed.problems[-1]

        client.reset()  # a new connection does not try it again, and does not hide it
        client = await rig.again()
        assert (client.anonymous, server.refused) == (True, 1)
        await rig.feed.until(lambda: "read anonymously" in rig.feed.problems[-1])

        rig.irc.use("nova_bot", SecretStr("new"))
        client.reset()
        client = await rig.again()
        assert client.nick == "nova_bot"
        await rig.feed.until(lambda: rig.feed.problems[-1] == "")
        assert not any("old" in str(told) for told in (rig.feed.notices, rig.feed.problems))


async def test_a_login_that_is_banned_in_the_channel_reads_anonymously(
    server: TwitchIrcServer,
) -> None:
    server.tokens, server.banned = {"t": "nova_bot"}, {"nova_bot"}
    async with reading(server, login="nova_bot", token=SecretStr("t")) as rig:
        await rig.time.wait_out_pause()
        client = await rig.joined()
        assert client.anonymous
        ((level, text, _),) = rig.feed.notices
        assert (level, "banned" in text) == ("error", True)


async def test_a_channel_that_is_not_there_is_named_and_tried_slowly(
    server: TwitchIrcServer,
) -> None:
    async with reading(server, settings={"channel": "sprak"}) as rig:
        await rig.time.wait_out(13.0)
        await rig.feed.until(lambda: rig.feed.notices)
        ((level, text, hint),) = rig.feed.notices
        assert level == "error"
        assert "#sprak" in text
        assert "spelled right" in hint
        await rig.time.wait_out(20.0)
        await server.until(lambda: server.clients[0].heard.count("JOIN #sprak") == 2)
        server.clients[0].reset()
        await server.until(lambda: not server.clients)
        await rig.time.wait_out_pause()
        await rig.time.wait_out(13.0)
        await rig.feed.until(lambda: "there is no" in rig.feed.problems[-1])
        server.channels.add("sprak")
        server.channel = "sprak"
        await rig.time.wait_out(20.0)
        await rig.joined()
        await rig.feed.until(lambda: rig.feed.problems[-1] == "")
        await rig.hears()
        assert [level for level, _, _ in rig.feed.notices] == ["error", "warning", "info"]


async def test_a_suspended_channel_is_said_in_twitchs_words(server: TwitchIrcServer) -> None:
    server.no_roomstate = True
    async with reading(server) as rig:
        await server.until(lambda: server.clients and "JOIN #spark" in server.clients[0].heard)
        server.clients[0].send(
            f":{SERVER} NOTICE #spark :This channel has been suspended.",
            {"msg-id": "msg_channel_suspended"},
        )
        await rig.feed.until(lambda: rig.feed.problems)
        assert "has been suspended" in rig.feed.problems[-1]


# --- what it reads ---


async def test_lines_that_come_together_are_told_together_and_in_order(
    server: TwitchIrcServer,
) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        together: list[bytes] = []
        client.write, write = together.append, client.write
        ids = [server.say(f"line {number}", author="mira") for number in range(3)]
        server.ban("mira")
        server.say("after", author="bob")
        server.delete("x-1")
        server.event("raid", author="crew", system="5 raiders", msg_param_viewerCount="5")
        server.clear()
        write(b"".join(together))
        await rig.feed.until(lambda: len(rig.feed.told) == 8)
        lines = [told for told in rig.feed.told if isinstance(told, Line)]
        assert rig.feed.calls == [3, 1, 1]
        assert [line.id for line in lines[:3]] == ids
        assert {line.received_ns for line in lines} == {rig.time.now_ns()}
        assert rig.feed.told[3:4] == [
            Removal(author_id=number_of("mira"), banned=True, reason="banned")
        ]
        assert rig.feed.told[5:6] == [Removal(ids=("x-1",), reason="deleted")]
        assert rig.feed.told[7:] == [Removal(everything=True, reason="the chat was cleared")]


async def test_what_others_do_in_the_channel_is_no_line(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        await rig.joined()
        server.send(":viewer!viewer@viewer JOIN #spark")
        server.send(":viewer!viewer@viewer PART #spark")
        server.send(f":{SERVER} HOSTTARGET #spark :other 5")
        server.send(f":{SERVER} WHAT-IS-THIS #spark :new")
        await rig.hears("only this")
        assert rig.feed.texts == ["only this"]


async def test_an_endless_line_is_skipped_with_bounded_memory(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        for _ in range(64):
            client.write(b"x" * 65_536)
        client.write(b"\r\n")
        await rig.hears("after it")


async def test_a_server_that_asks_and_does_not_listen_is_left(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        client.deafen()
        for _ in range(400):
            client.write((b"PING :" + b"x" * 400 + b"\r\n") * 100)
        await rig.again()
        await rig.hears()
        assert any("does not read" in text for _, text, _ in rig.feed.notices)


# --- being there ---


async def test_it_answers_ping_with_the_same_words(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        client.send("PING :some words")
        await server.until(lambda: "PONG :some words" in client.heard)


async def test_a_quiet_channel_is_asked_and_kept(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        await rig.time.wait_out(60.0)
        for asked in (1, 2, 3):
            await server.until(lambda asked=asked: client.heard.count("PING :spark") == asked)
            await rig.hears(f"line {asked}")  # behind the answer
            await rig.time.wait_out(15.0)
            await rig.time.wait_out(45.0)
        assert server.clients == [client]
        assert rig.feed.problems == []


async def test_whoever_does_not_answer_is_left(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        client.deaf = True
        await rig.time.wait_out(60.0)
        await server.until(lambda: "PING :spark" in client.heard)
        await rig.time.wait_out(15.0)
        await rig.again()
        await rig.hears()
        assert any("nothing was heard for 75 s" in text for _, text, _ in rig.feed.notices)


async def test_a_line_that_never_ends_is_no_sign_of_life(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        client.deaf = True
        for _ in range(6):
            client.write(b"@slow")
            rig.time.pass_(10.0)
        await server.until(lambda: "PING :spark" in client.heard)
        client.write(b"=loris;")
        await rig.time.wait_out(15.0)
        await rig.again()
        await rig.hears()


async def test_reconnect_is_followed_without_alarm(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        client.send(f":{SERVER} RECONNECT")
        await rig.again()
        await rig.hears()
        assert rig.feed.notices == []
        assert [bool(problem) for problem in rig.feed.problems] == [True, False]


async def test_what_is_no_irc_server_is_left(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        client = await rig.joined()
        client.write(b"\x00\xff<html>\r\n" * 30)
        await rig.again()
        await rig.hears()


@pytest.mark.parametrize(
    ("trouble", "waits_s", "said"),
    [
        (Trouble.REFUSED, 0, "broken"),
        (Trouble.RESET, 0, "broken"),
        (Trouble.NO_TLS, 0, "TLS failed"),
        (Trouble.WRONG_NAME, 0, "certificate"),
        (Trouble.TARPIT, 11, "did not answer within 11 s"),
        (Trouble.MUTE, 12, "no answer to the login within 12 s"),
    ],
)
async def test_trouble_at_the_start_is_said_and_outlived(
    server: TwitchIrcServer, trouble: Trouble, waits_s: float, said: str
) -> None:
    server.troubles.append(trouble)
    async with reading(server) as rig:
        if waits_s:
            await server.until(lambda: server.accepted == 1)
            await rig.time.wait_out(waits_s)
        await rig.feed.until(lambda: rig.feed.problems)
        assert said in rig.feed.problems[0]
        await rig.time.wait_out_pause()
        await rig.joined()
        await rig.hears()
        assert [level for level, _, _ in rig.feed.notices] == ["warning", "info"]
        assert rig.feed.problems[-1] == ""
        if trouble is Trouble.WRONG_NAME:
            assert "clock right" in rig.feed.notices[0][2]
            assert "chat.ca_file" in rig.feed.notices[0][2]


async def test_a_server_that_is_not_up_yet_is_waited_for(server: TwitchIrcServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with reading(server, settings={"irc_port": port}) as rig:
        await rig.time.wait_out_pause()
        await rig.time.pause()
        assert "refused" in rig.feed.problems[0]
        assert str(port) in rig.feed.problems[0]
        rig.irc._port = server.port
        await rig.time.wait_out_pause()
        await rig.joined()
        await rig.hears()


async def test_a_host_that_is_none_is_said(server: TwitchIrcServer) -> None:
    async with reading(server, settings={"irc_host": "x" * 70 + ".invalid"}) as rig:
        await rig.time.pause()
        assert "cannot be reached" in rig.feed.problems[0]


# --- coming back, politely ---


class Latest(random.Random):
    """Jitter that always takes the whole range."""

    def uniform(self, a: float, b: float) -> float:
        return b


async def test_delays_double_up_to_the_longest_and_start_again_when_stable(
    server: TwitchIrcServer,
) -> None:
    delays: list[float] = []
    async with reading(server, retry_base_s=1.0, retry_max_s=6.0, rng=Latest(1)) as rig:

        async def dropped() -> None:
            client = await rig.joined()
            client.reset()
            await server.until(lambda: not server.clients)
            delays.append(await rig.time.pause(6.0))
            rig.time.pass_(delays[-1])

        for _ in range(5):
            await dropped()
        await rig.joined()
        rig.time.pass_(60.0)
        await server.until(lambda: "PING :spark" in server.clients[0].heard)
        await rig.hears()  # behind the answer: the minute was a good one
        server.clients[0].reset()
        await server.until(lambda: not server.clients)
        delays.append(await rig.time.pause(6.0))
    assert delays == pytest.approx([1.0, 2.0, 4.0, 6.0, 6.0, 1.0], abs=0.01)


async def test_the_limit_of_logins_is_kept_and_drops_do_not_flood_the_log(
    server: TwitchIrcServer,
) -> None:
    async with reading(server, retry_base_s=0.001, retry_max_s=0.001) as rig:
        server.logins._now_s = server.joins._now_s = rig.time.now_s
        begin = rig.time.now_s()
        for _ in range(65):
            client = await rig.joined()
            client.reset()
            await server.until(lambda: not server.clients)
            rig.time.pass_(await rig.time.pause(10.0))
        await rig.joined()
        took_s = rig.time.now_s() - begin
    assert server.locked_out == 0
    assert 30.0 <= took_s < 40.0
    warnings = [text for level, text, _ in rig.feed.notices if level == "warning"]
    assert len(warnings) == 1


# --- faults ---


class _BrokenFeed(KeepingFeed):
    def lines(self, lines: Sequence[Line]) -> None:
        raise ValueError("a fault in the program")


async def test_a_fault_of_the_feed_is_raised_not_retried(server: TwitchIrcServer) -> None:
    irc = TwitchIrc(
        TwitchSection(channel="spark", irc_host="localhost", irc_port=server.port),
        ca_file=server.ca_file,
    )
    task = asyncio.create_task(irc.run(_BrokenFeed()))
    await server.joined()
    server.say("hi")
    with pytest.raises(ValueError, match="a fault in the program"):
        await task
    await server.until(lambda: not server.clients)


@pytest.mark.parametrize("trouble", [None, Trouble.TARPIT, Trouble.MUTE])
async def test_it_can_be_ended_at_any_moment(
    server: TwitchIrcServer, trouble: Trouble | None
) -> None:
    if trouble is not None:
        server.troubles.append(trouble)
    async with reading(server):
        await server.until(lambda: server.accepted)
    await server.until(lambda: not server.clients)


async def test_its_socket_is_closed_when_it_has_ended(server: TwitchIrcServer) -> None:
    async with reading(server) as rig:
        await rig.joined()
    sockets = psutil.Process().net_connections("tcp")
    assert [s for s in sockets if s.raddr and s.raddr.port == server.port] == []


def test_certificates_that_cannot_be_read_are_named(tmp_path: object) -> None:
    for path in ("/nowhere/ca.pem", __file__):
        with pytest.raises(ConfigError, match=r"chat\.ca_file"):
            TwitchIrc(TwitchSection(channel="spark"), ca_file=path)


async def test_our_own_certificates_are_needed_to_trust_the_server(
    server: TwitchIrcServer,
) -> None:
    async with reading(server, ca_file="") as rig:
        await rig.time.pause()
        assert "certificate" in rig.feed.problems[0]
        assert rig.irc._tls.minimum_version >= ssl.TLSVersion.TLSv1_2
