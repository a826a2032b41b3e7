"""VMC, read back by another OSC implementation's parser over real UDP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from avatar_rig import Ears
from pythonosc.osc_packet import OscPacket

from ipc.errors import ConfigError
from workers.avatar.settings import VmcSettings
from workers.avatar.values import VALUES
from workers.avatar.vmc import Vmc, blends, datagram, rotation

SETTINGS = VmcSettings("nova")


class Marionette(asyncio.DatagramProtocol):
    """What draws the avatar: every datagram, as messages."""

    def __init__(self) -> None:
        self.port = 0
        self.frames: asyncio.Queue[list[tuple[str, list[Any]]]] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.frames.put_nowait(read(data))


def read(data: bytes) -> list[tuple[str, list[Any]]]:
    return [(one.message.address, list(one.message.params)) for one in OscPacket(data).messages]


def shapes(frame: list[tuple[str, list[Any]]]) -> dict[str, float]:
    return {args[0]: args[1] for address, args in frame if address == "/VMC/Ext/Blend/Val"}


@asynccontextmanager
async def marionette(port: int = 0) -> AsyncIterator[Marionette]:
    loop = asyncio.get_running_loop()
    transport, listening = await loop.create_datagram_endpoint(
        Marionette, local_addr=("127.0.0.1", port)
    )
    try:
        yield listening
    finally:
        transport.close()
        await asyncio.sleep(0)  # the transport closes its socket in the next round


@asynccontextmanager
async def driven(client: Vmc) -> AsyncIterator[None]:
    running = asyncio.create_task(client.run())
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_frames_arrive_whole_and_in_order() -> None:
    face = {"mouth_a": 0.25, "mouth_open": 0.5, "eye_open_left": 0.25, "joy": 3.0}
    async with marionette() as drawn:
        settings = VmcSettings("nova", port=drawn.port)
        client = Vmc(settings, lambda _: face, Ears())
        client.speaking = True
        async with driven(client):
            frames = [await drawn.frames.get() for _ in range(4)]
    assert frames[0][0] == ("/VMC/Ext/OK", [1])
    for frame in frames:
        assert frame[-1] == ("/VMC/Ext/Blend/Apply", [])
        assert shapes(frame) == {"A": 0.25, "Blink_L": 0.75, "Joy": 1.0}
    times = [args[0] for frame in frames for address, args in frame if address == "/VMC/Ext/T"]
    assert times == sorted(times)
    assert sum(("/VMC/Ext/OK", [1]) in frame for frame in frames) == 1


async def test_nobody_listens_yet() -> None:
    async with marionette() as first:
        port = first.port
    ears = Ears()
    sent = asyncio.Semaphore(0)
    client = Vmc(
        VmcSettings("nova", port=port, rate_hz=240.0, idle_hz=240.0),
        lambda _: {"mouth_open": 1.0},
        ears,
        sent=lambda _due, _sent: sent.release(),
    )
    async with driven(client):
        for _ in range(10):
            await sent.acquire()
        async with marionette(port) as drawn:
            assert shapes(await drawn.frames.get()) == {"A": 1.0}
    assert ears.problems == []


async def test_an_address_that_is_none_is_said_once_and_tried_again() -> None:
    ears = Ears()
    tries = asyncio.Semaphore(0)

    async def sleep(_: float) -> None:
        tries.release()
        await asyncio.sleep(0)

    client = Vmc(VmcSettings("nova", host="256.0.0.1"), lambda _: {}, ears, sleep=sleep)
    async with driven(client):
        for _ in range(3):
            await tries.acquire()
    [(level, text, hint)] = ears.notices
    assert level == "warning"
    assert "256.0.0.1:39539" in text
    assert hint
    assert ears.now


def test_names_are_those_of_vrm_0() -> None:
    everything = dict.fromkeys(VALUES, 1.0)
    names = set(blends(everything))
    assert names == {
        "A", "I", "U", "E", "O", "Joy", "Angry", "Sorrow", "Fun", "Blink_L", "Blink_R",
        "LookLeft", "LookRight", "LookUp", "LookDown",
    }  # fmt: skip
    assert all(0.0 <= value <= 1.0 for value in blends(dict.fromkeys(VALUES, -5.0)).values())


def test_what_a_face_does_not_tell_is_not_sent() -> None:
    assert blends({}) == {}
    assert blends({"mouth_open": 0.5}) == {"A": 0.5}
    assert blends({"mouth_open": 0.5, "mouth_o": 0.3}) == {"O": pytest.approx(0.3)}
    assert blends({"mouth_open": float("nan"), "joy": float("inf")}) == {}
    assert blends({"gaze_x": -0.5}) == {"LookLeft": 0.5, "LookRight": 0.0}


def test_a_datagram_fits_into_a_packet_of_ethernet() -> None:
    settings = VmcSettings("nova", head=True)
    face = dict.fromkeys(VALUES, 0.123456)
    assert len(datagram(face, 36_000.0, settings, alive=True)) < 1472


@pytest.mark.parametrize(
    ("face", "seen"),
    [
        ({}, (0.0, 0.0, 1.0)),
        ({"head_yaw": 1.0}, (0.5, 0.0, math.sqrt(0.75))),
        ({"head_pitch": 1.0}, (0.0, 0.5, math.sqrt(0.75))),
        ({"head_roll": 1.0}, (0.0, 0.0, 1.0)),
    ],
)
def test_the_head_turns_where_it_should(
    face: dict[str, float], seen: tuple[float, float, float]
) -> None:
    """Unity: x right, y up, z forward. Where the nose (0, 0, 1) points after 30 degrees."""
    x, y, z, w = rotation(face, math.radians(30))
    assert math.isclose(x * x + y * y + z * z + w * w, 1.0)
    nose = (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y))
    assert nose == pytest.approx(seen)


def test_the_head_leans_to_her_right() -> None:
    x, y, z, w = rotation({"head_roll": 1.0}, math.radians(30))
    crown_x = 2 * (x * y - w * z)  # where (0, 1, 0) goes
    assert crown_x == pytest.approx(0.5)


def test_rates_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="use 2 to 240"):
        VmcSettings("nova", rate_hz=0.5)
