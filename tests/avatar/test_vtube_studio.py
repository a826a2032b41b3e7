"""The client against the test VTube Studio: being let in, driving, coming back."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from avatar_rig import on_stage, ready
from doubles.vtube_studio import VTubeStudioDouble
from doubles.vtube_studio_rules import Session
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from ipc.errors import PeerUnavailable, RequestFailed
from workers.avatar.discovery import Discovery
from workers.avatar.settings import DRIVES, Custom, Drive
from workers.avatar.vts_session import dial
from workers.avatar.vtube_studio import Phase


def token_file(state: Path) -> Path:
    return state / "vtube-studio-nova.token"


async def test_asked_once_then_let_in_with_the_token(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path):
        await studio.frames()
    kept = token_file(tmp_path)
    assert kept.read_text() in studio.rules.tokens
    assert kept.stat().st_mode & 0o777 == 0o600
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert ready(show)
        assert show.client.status().model == "Nova"
    assert studio.asked == 1


async def test_the_token_is_nowhere_else(
    studio: VTubeStudioDouble, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        token = token_file(tmp_path).read_text()
        assert token not in repr(vars(show.client)) + str(show.ears.notices)
    assert token not in caplog.text
    assert os.listdir(tmp_path) == ["vtube-studio-nova.token"]


async def test_a_token_that_others_could_read_is_closed_to_them(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    studio.rules.tokens["kept"] = ("Spark VTuber", "Spark VTuber")
    token_file(tmp_path).write_text("kept\n")
    token_file(tmp_path).chmod(0o644)
    async with on_stage(studio.port, tmp_path):
        await studio.frames()
    assert studio.asked == 0
    assert token_file(tmp_path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", ["revoked", "", "ü" * 40, "x" * 4000, "two\nlines"])
async def test_a_wrong_token_is_asked_for_again(
    studio: VTubeStudioDouble, tmp_path: Path, kept: str
) -> None:
    token_file(tmp_path).write_text(kept)
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert bool(show.ears.said("does not accept the token")) == (kept == "revoked")
    assert studio.asked == 1
    assert token_file(tmp_path).read_text() in studio.rules.tokens


async def test_the_popup_may_stay_open_and_nothing_else_is_shown(tmp_path: Path) -> None:
    async with VTubeStudioDouble(popup="wait") as studio, on_stage(studio.port, tmp_path) as show:
        await studio.until(lambda: studio.asked == 1)
        assert "asking whether" in show.ears.now
        assert show.client.phase is Phase.ENTERING
        await studio.answer(allow=True)
        await studio.frames()
        assert show.ears.now == ""
        assert studio.asked == 1


async def test_denied_is_asked_again_only_when_told(tmp_path: Path) -> None:
    async with VTubeStudioDouble(popup="deny") as studio, on_stage(studio.port, tmp_path) as show:
        await show.ears.until(lambda: show.client.phase is Phase.DENIED)
        [(level, _, hint)] = show.ears.said("denied")
        assert (level, "ask again" in hint) == ("error", True)
        await studio.until(lambda: not studio.rules.sessions)
        studio.popup = "allow"
        connected = studio.connected
        await studio.kill()  # not even a restart makes it ask
        await studio.start()
        assert (studio.asked, studio.connected) == (1, connected)
        show.client.ask_again()
        await studio.frames()
        assert studio.asked == 2
        assert show.ears.now == ""


async def test_another_plugins_popup_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.avatar.vts_login._OPEN_S", 0.01)
    async with VTubeStudioDouble(popup="wait") as studio, AsyncExitStack() as shows:
        await shows.enter_async_context(on_stage(studio.port, tmp_path, name="first"))
        await studio.until(lambda: studio.asked == 1)
        show = await shows.enter_async_context(on_stage(studio.port, tmp_path))
        await studio.until(lambda: studio.rules.errors.count(51) > 3)
        assert "already" in show.ears.now
        assert len(show.ears.said("already")) == 1
        await studio.answer(allow=True)
        await studio.until(lambda: studio.asked == 2)
        await studio.answer(allow=True)
        await show.ears.until(lambda: ready(show))


async def test_a_name_that_it_refuses_is_not_tried_again_and_again(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path, plugin="x") as show:
        await show.ears.until(lambda: show.client.phase is Phase.DENIED)
        assert "3 to 32" in show.ears.notices[-1][2]
    assert studio.rules.errors == [52]


async def test_permission_revoked_on_air(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        studio.rules.revoke()
        await show.ears.until(lambda: show.client.phase is Phase.DENIED)
        show.client.ask_again()
        await studio.frames(2)
        assert studio.asked == 2


async def test_the_token_cannot_be_read(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    token_file(tmp_path).mkdir()
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert "delete it" in show.ears.said("cannot be read")[0][2]


async def test_the_token_cannot_be_kept(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    (tmp_path / "vtube-studio-nova.new").mkdir()
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames()
        assert show.ears.said("cannot be kept")
        await studio.kill()
        await studio.start()
        await studio.frames()
    assert studio.asked == 1  # it is remembered while the show lasts


async def test_the_api_is_off(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    studio.rules.api_on = False
    async with on_stage(studio.port, tmp_path) as show:
        await show.ears.until(lambda: "switched off" in show.ears.now)
        assert "Allow Plugin API access" in show.ears.notices[0][2]
        studio.rules.api_on = True
        await studio.frames()
        studio.rules.api_on = False  # while it is driven
        await show.ears.until(lambda: "switched off" in show.ears.now)
        studio.rules.api_on = True
        await studio.frames(2)
    assert len(show.ears.said("tried again")) == 1


# --- driving ---


async def test_values_reach_the_parameters_at_their_ranges(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        show.face.update(
            mouth_open=0.5, head_yaw=-1.0, head_roll=1.0, gaze_x=0.25, brow=0.0, mouth_a=2.0
        )
        show.face["no such value"] = 1.0
        show.face["gaze_y"] = float("nan")
        await studio.frames(2)
        frame = studio.rules.injected[-1]
        assert (frame.face_found, frame.mode) == (True, "set")
        assert frame.values == {
            "MouthOpen": 0.5,
            "VoiceVolumePlusMouthOpen": 0.5,
            "VoiceA": 1.0,
            "EyeOpenLeft": 1.0,
            "EyeLeftX": -0.25,
            "EyeRightX": -0.25,
            "BrowLeftY": 0.5,
            "BrowRightY": 0.5,
            "FaceAngleX": 30.0,
            "FaceAngleZ": -30.0,
        }


async def test_an_unknown_parameter_is_left_out_and_said_once(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    drives = {**DRIVES, "MouthOpne": Drive("mouth_open")}
    async with on_stage(studio.port, tmp_path, drives=drives) as show:
        await studio.frames(3)
        studio.rules.show(studio.rules.models[1])
        await studio.kill()
        await studio.start()
        await studio.frames(3)
        assert len(show.ears.said("'MouthOpne'")) == 1
        assert "did you mean 'MouthOpen'" in show.ears.said("'MouthOpne'")[0][2]
        assert show.client.status().left_out == ["MouthOpne"]
        assert show.ears.now == ""
    assert 453 not in studio.rules.errors


async def test_a_parameter_that_vanishes_is_found_and_left_out(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        await studio.frames(2)
        del studio.rules.inputs["MouthOpen"]
        await studio.frames(len(DRIVES) + 2)
        assert "MouthOpen" not in studio.rules.injected[-1].values
        assert studio.rules.injected[-1].values["EyeOpenLeft"] == 1.0
        assert len(show.ears.said("'MouthOpen'")) == 1


async def test_a_parameter_of_another_plugin_is_won_back(
    studio: VTubeStudioDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.avatar.vts_model.WIN_BACK_S", 0.05)
    mouth = studio.rules.inputs["MouthOpen"]
    mouth.owner, mouth.until_s = 99, float("inf")
    async with on_stage(studio.port, tmp_path) as show:
        await studio.until(lambda: studio.rules.requests.count("InjectParameterDataRequest") > 30)
        await studio.frames(2)
        assert show.client.status().left_out == ["MouthOpen"]
        assert "close that plugin" in show.ears.said("'MouthOpen'")[0][2]
        mouth.until_s = 0.0
        await studio.until(lambda: len(studio.rules.injected[-1].values) > 1
                           and "MouthOpen" in studio.rules.injected[-1].values)  # fmt: skip
        assert show.client.status().left_out == []


async def test_custom_parameters_are_created(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    create = {"SparkBreath": Custom("breath", 0.0, 2.0), "no": Custom()}
    drives = {**DRIVES, "SparkBreath": Drive("breath")}
    async with on_stage(studio.port, tmp_path, create=create, drives=drives) as show:
        show.face["breath"] = 0.5
        await studio.frames(2)
        assert studio.rules.value("SparkBreath") == 1.0
        assert "4 to 32" in show.ears.said("'no'")[0][2]


async def test_no_model(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    studio.rules.model = None
    async with on_stage(studio.port, tmp_path, feelings={"joy": "smile.exp3.json"}) as show:
        await show.ears.until(lambda: "no model" in show.ears.now)
        show.client.press("Wave")
        show.client.feel("joy")
        await studio.frames(2)
        studio.rules.show(studio.rules.models[0])
        await show.ears.until(lambda: show.ears.now == "")
        await studio.until(lambda: studio.rules.models[0].expressions["smile.exp3.json"])
        assert show.client.status().model == "Nova"


# --- hotkeys, expressions, models ---


async def test_hotkeys_and_their_cooldown(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        show.client.press("WAVE")
        show.client.press("id-wave")  # too soon: tried again
        show.client.press("Wink")
        show.client.press("Wavy")
        await studio.until(lambda: studio.rules.triggered.count("id-wave") == 2)
        assert studio.rules.triggered == ["id-wave", "id-wink", "id-wave"]
        assert 203 in studio.rules.errors
        assert not show.ears.said("a moment ago")
        assert "did you mean 'Wave'" in show.ears.said("'Wavy'")[0][2]


async def test_feelings_are_expressions_and_survive_everything(
    studio: VTubeStudioDouble, tmp_path: Path
) -> None:
    feelings = {"joy": "smile", "sorrow": "cry.exp3.json", "fun": "Wave", "anger": "no.exp3.json"}
    faces = studio.rules.models[0].expressions
    async with on_stage(studio.port, tmp_path, feelings=feelings) as show:
        await studio.frames()
        show.client.feel("joy")
        await studio.until(lambda: faces["smile.exp3.json"])
        show.client.feel("sorrow")
        await studio.until(lambda: faces == {"smile.exp3.json": False, "cry.exp3.json": True})
        await studio.kill()
        faces["cry.exp3.json"] = False
        await studio.start()
        await studio.until(lambda: faces["cry.exp3.json"])
        show.client.feel("anger")
        await studio.until(lambda: not any(faces.values()))
        await show.ears.until(lambda: show.ears.said("'no.exp3.json'"))
        show.client.feel("fun")
        await studio.until(lambda: studio.rules.triggered == ["id-wave"])
        show.client.feel("")
        show.client.feel("sorrow")
        await studio.until(lambda: faces["cry.exp3.json"])
    async with on_stage(studio.port, tmp_path, feelings=feelings):
        await studio.until(lambda: not faces["cry.exp3.json"])  # left over from before


async def test_another_model_is_read_anew(studio: VTubeStudioDouble, tmp_path: Path) -> None:
    async with on_stage(studio.port, tmp_path) as show:
        with pytest.raises(PeerUnavailable, match="away"):
            await show.client.load_model("Umbra")
        await studio.frames()
        assert await show.client.load_model("umbra") == "Umbra"
        await studio.until(lambda: studio.rules.requests.count("ExpressionStateRequest") == 2)
        await studio.frames()
        assert show.client.status().hotkeys == ["Bow"]
        with pytest.raises(RequestFailed, match="no such model") as failed:
            await show.client.load_model("Nobody")
        assert failed.value.hint
        studio.rules.config_window = True
        studio.rules._last_load_s = -1e9
        with pytest.raises(RequestFailed, match="cannot change"):
            await show.client.load_model("Nova")


# --- two avatars, discovery ---


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
