"""The client against the test VTube Studio: parameters, hotkeys, expressions, models."""

from __future__ import annotations

from pathlib import Path

import pytest
from avatar_rig import on_stage
from doubles.vtube_studio import VTubeStudioDouble

from ipc.errors import PeerUnavailable, RequestFailed
from workers.avatar.settings import DRIVES, Custom, Drive


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
    monkeypatch.setattr("workers.avatar.vts_model.LAPSE_S", 0.05)
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
