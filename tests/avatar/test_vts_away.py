"""The client against the test VTube Studio: two of them, found, gone, back, and out of order."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from avatar_rig import on_stage, ready
from doubles.vtube_studio import VTubeStudioDouble
from doubles.vtube_studio_rules import Session
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from workers.avatar.discovery import Discovery
from workers.avatar.vts_session import dial
from workers.avatar.vtube_studio import Phase


async def test_two_avatars_of_two_instances(tmp_path: Path) -> None:
    async with (
        VTubeStudioDouble() as one,
        VTubeStudioDouble() as two,
        on_stage(one.port, tmp_path, name="nova") as nova,
        on_stage(two.port, tmp_path, name="umbra") as umbra,
    ):
        nova.face["mouth_open"] = 1.0
        await one.frames(3)
        await two.frames(3)
        assert one.rules.value("MouthOpen") == 1.0
        assert two.rules.value("MouthOpen") == 0.0
        await two.kill()
        await one.frames(3)
        assert ready(nova)
        assert nova.ears.now == ""
        await two.start()
        await two.frames(3)
        assert umbra.ears.now == ""


async def test_found_by_its_broadcast(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    studio.title = "VTube Studio Window 2"
    async with VTubeStudioDouble() as other, Discovery(0) as discovery:
        heard_at = discovery.port
        other.broadcast(heard_at)
        settings = {"host": "localhost", "window": studio.title, "retry_max_s": 60.0,
                    "retry_base_s": 60.0}  # fmt: skip
        async with on_stage(0, tmp_path, discovery, **settings) as show:
            await show.ears.until(lambda: "no VTube Studio is heard" in show.ears.now)
            studio.rules.api_on = False
            studio.broadcast(heard_at)
            await show.ears.until(lambda: "switched off" in show.ears.now)
            studio.rules.api_on = True
            studio.broadcast(heard_at)  # and the pause of a minute is over
            await studio.frames()
            assert other.connected == 0


async def test_a_wrong_port_is_told_by_the_broadcast(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with Discovery(0) as discovery:
        studio.broadcast(discovery.port)
        await asyncio.wait_for(_heard(discovery), 5)
        async with on_stage(9, tmp_path, discovery, host="127.0.0.1") as show:
            await show.ears.until(lambda: show.ears.notices)
        assert f"its port is {studio.port}" in show.ears.notices[0][2]


async def _heard(discovery: Discovery) -> None:
    changed = asyncio.Event()
    discovery.listeners.add(changed.set)
    if discovery.find("") is None:
        await changed.wait()
    discovery.listeners.discard(changed.set)


# --- away, and back ---


async def test_starts_later_and_stays_away_with_one_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = asyncio.Semaphore(0)

    async def counting(host: str, port: int) -> ClientConnection:
        dialled.release()
        return await dial(host, port)

    monkeypatch.setattr("workers.avatar.vtube_studio.dial", counting)
    async with VTubeStudioDouble() as studio:
        await studio.kill()
        async with on_stage(studio.port, tmp_path, retry_max_s=0.001) as show:
            for _ in range(20):
                await dialled.acquire()
            assert len(show.ears.notices) == 1
            assert "not running" in show.ears.notices[0][1]
            await studio.start()
            await studio.frames()
            assert show.ears.now == ""
            assert [level for level, _, _ in show.ears.notices] == ["warning", "warning", "info"]


async def test_something_else_listens_there(tmp_path: Path) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, on_stage(server.sockets[0].getsockname()[1], tmp_path) as show:
        await show.ears.until(lambda: "is not VTube Studio" in show.ears.now)


async def test_killed_and_restarted_fifty_times_while_she_speaks(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        show.client.speaking = True
        await studio.frames(2)
        await studio.kill()
        await studio.start()
        await studio.frames(2)
        tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
        for turn in range(50):
            await studio.kill()
            await studio.start()
            show.face["mouth_open"] = turn / 50
            await studio.frames(2)
            await studio.until(lambda turn=turn: studio.rules.value("MouthOpen") == turn / 50)
        assert ready(show)
        assert len(asyncio.all_tasks()) <= tasks
        assert len(os.listdir("/proc/self/fd")) <= files
        assert len(show.ears.said("tried again")) <= 2
    assert studio.asked == 1


async def test_killed_at_every_step_of_being_let_in(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        for step in range(12):  # requests until the first frame, and a few
            await studio.kill()
            goal = len(studio.rules.requests) + step
            await studio.start()
            await studio.until(lambda goal=goal: len(studio.rules.requests) >= goal)
        await studio.kill()
        await studio.start()
        await studio.frames()
        assert ready(show)
    assert studio.asked == 1


async def test_killed_while_it_asks(tmp_path: Path) -> None:
    async with VTubeStudioDouble(popup="wait") as studio, on_stage(studio.port, tmp_path) as show:
        for times in range(1, 4):
            await studio.until(lambda times=times: studio.asked == times)
            await studio.kill()
            await studio.start()
        await studio.until(lambda: studio.asked == 4)
        await studio.answer(allow=True)
        await studio.frames()
        assert show.ears.now == ""
        assert len(show.ears.said("asking whether")) == 1


async def test_one_that_hangs_gets_few_frames_and_is_left(
    studio: VTubeStudioDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.avatar.vts_session.SILENCE_S", 1.0)
    async with on_stage(studio.port, tmp_path, rate_hz=240.0, idle_hz=240.0) as show:
        await studio.frames()
        before = show.client.status().frames
        studio.mute = True
        await show.ears.until(lambda: "not answered" in show.ears.now)
        assert show.client.status().frames - before < 40
        studio.mute = False
        await studio.frames()


async def test_garbage_is_passed_over(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        session: Session = next(iter(studio.rules.sessions.values()))
        session.push({"messageType": 5})
        session.push({"requestID": "inject-1", "messageType": "APIError", "data": {"errorID": "x"}})
        session.push({"messageType": "ModelLoadedEvent", "data": None})
        session.push({"messageType": "SomethingNewEvent", "data": {"deep": [1, 2, 3]}})
        await studio.frames(3)
        assert ready(show)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("APIStateResponse", {}, "does not understand"),
        ("APIStateResponse", {"active": "yes"}, "does not understand"),
        ("APIStateResponse", [], "does not understand"),
        ("StatisticsResponse", {"active": True}, "something else"),
        ("APIError", {"errorID": "many"}, "error -1"),
        ("APIError", {"errorID": 0, "message": "x"}, "internal error"),
        ("APIError", {"errorID": 31_337, "message": "\x1b[2Jbad"}, "31337"),
        ("APIStateResponse", {"active": True, "more": "x" * (5 << 20)}, "closed the connection"),
    ],
)
async def test_answers_that_make_no_sense(
    tmp_path: Path, kind: str, data: object, words: str
) -> None:
    async def answer(socket: ServerConnection) -> None:
        async for raw in socket:
            request = json.loads(raw)
            told = {"messageType": kind, "requestID": request["requestID"], "data": data}
            await socket.send("not JSON")
            await socket.send(b"\xff\xfe")
            await socket.send(json.dumps(told))

    async with serve(answer, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with on_stage(port, tmp_path) as show:
            await show.ears.until(lambda: words in show.ears.now)
            assert show.ears.now.isprintable()
            assert show.client.phase is not Phase.DENIED  # it is tried again
