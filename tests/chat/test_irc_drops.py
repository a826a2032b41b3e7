"""500 forced disconnects of every kind: always back, every line once, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable

import pytest
import uvloop
from doubles.tls import Authority
from doubles.twitch_irc import Trouble, TwitchIrcServer
from doubles.twitch_irc_lines import SERVER
from doubles.twitch_irc_rules import Client
from irc_rig import TIMING, Reading, reading

DROPS = 500
LIMIT_S = 10.0  # longest delay before a new try: the limit of logins


def reset(client: Client) -> None:
    client.reset()


def close(client: Client) -> None:
    client.close()


def cut(client: Client) -> None:
    """The end of the stream without TLS having said goodbye."""
    client.abort()


def cut_within_a_line(client: Client) -> None:
    client.write(b"@id=half :mira!mira@mira PRIVMSG #spark :this line never ends")
    client.abort()


def reconnect(client: Client) -> None:
    client.send(f":{SERVER} RECONNECT")


def garbage(client: Client) -> None:
    client.write(bytes(range(256)) * 40 + b"\r\n" * 2 + b"\x00\xff?\r\n" * 40)


def half_open(client: Client) -> None:
    client.deaf = True


def no_pong(client: Client) -> None:
    client.pongs = False


def slow_loris(client: Client) -> None:
    client.write(b"@badge-info=;badges=")
    client.deaf = True


ENDS = (reset, close, cut, cut_within_a_line, reconnect, garbage)
SILENCES = (half_open, no_pong, slow_loris)
KINDS: tuple[Callable[[Client], None] | Trouble, ...] = (*ENDS, *SILENCES, *Trouble)
TROUBLES_S = {Trouble.TARPIT: TIMING.connect_s, Trouble.MUTE: TIMING.login_s}


async def drop(rig: Reading, kind: Callable[[Client], None] | Trouble) -> None:
    """One disconnect of this kind, up to the moment when the next try may begin."""
    client = rig.server.clients[0]
    if isinstance(kind, Trouble):  # it befalls the connection after this one
        rig.server.troubles.append(kind)
        client.reset()
        await rig.server.until(lambda: client not in rig.server.clients)
        rig.time.pass_(await rig.time.pause(LIMIT_S))
        await rig.server.until(lambda: not rig.server.troubles)
        if kind in TROUBLES_S:
            await rig.time.wait_out(TROUBLES_S[kind])
        return
    kind(client)
    if kind in SILENCES:
        await rig.time.wait_out(TIMING.quiet_s)
        await rig.server.until(lambda: "PING :spark" in client.heard)
        await rig.time.wait_out(TIMING.pong_s)


async def suffer(authority: Authority, drops: int, seed: int) -> None:
    rng = random.Random(seed)
    kinds = [KINDS[number % len(KINDS)] for number in range(drops)]
    rng.shuffle(kinds)
    said: list[str] = []
    async with (
        TwitchIrcServer(authority) as server,
        reading(server, retry_base_s=0.001, retry_max_s=0.002) as rig,
    ):
        server.logins._now_s = server.joins._now_s = rig.time.now_s
        await rig.joined()
        before = left_behind()
        for number, kind in enumerate(kinds):
            for line in range(rng.randint(1, 3)):
                said.append(f"{number}.{line}")
                server.say(said[-1])
            if kind not in (close, reconnect):  # before these, nothing on its way is lost
                await rig.feed.until(lambda: len(rig.feed.told) == len(said))
            client = server.clients[0]
            await drop(rig, kind)
            await server.until(lambda client=client: client not in server.clients)
            rig.time.pass_(await rig.time.pause(LIMIT_S))
            await rig.joined()
        await rig.hears("the end")
        assert rig.feed.texts == [*said, "the end"]
        assert server.locked_out == 0
        assert rig.feed.problems[-1] == ""
        server.release()
        assert left_behind() == before
        assert len(rig.feed.notices) < 3 * rig.time.now_s() / TIMING.told_s
    assert len(asyncio.all_tasks()) == 1


def left_behind() -> tuple[int, int]:
    """Tasks and descriptors there are now."""
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    "loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"]
)
def test_it_always_comes_back(
    authority: Authority, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(suffer(authority, DROPS, seed=7))
