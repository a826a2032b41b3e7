"""obs: the client against an OBS that holds it to the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

import pytest
from doubles.obs import OUTPUTS, SCENES, ObsDouble
from obs_rig import client
from test_obs_parts import clause, show, trace
from websockets.asyncio.server import serve

from ipc.secrets import SecretStr
from workers.obs.programme import Air

PASSWORD = "correct-horse-battery"


async def test_scenes_follow_the_show(obs: ObsDouble) -> None:
    async with client(obs.port) as it:
        await obs.until(lambda: "GetStreamStatus" in obs.requests)
        assert obs.shown == []  # it showed the right one
        for held, scene in ((True, "Pause"), (False, "Live"), (True, "Pause")):
            it.programme.hear(show(held=held))
            it.obs.changed()
            await obs.until(lambda s=scene: obs.current == s)
        it.programme.end()
        await it.obs.settled()
        assert obs.current == "Soon"
        assert obs.shown == ["Pause", "Live", "Pause", "Soon"]
    assert obs.closed == []


async def test_the_first_state_is_a_change(obs: ObsDouble) -> None:
    async with client(obs.port, held=True):
        await obs.until(lambda: obs.current == "Pause")


async def test_a_scene_of_the_users_own_stays(obs: ObsDouble) -> None:
    obs.current = "Scene"
    async with client(obs.port) as it:
        await it.told.until(lambda: any("'Scene'" in text for _, text, _ in it.told.notices))
        it.programme.hear(show(held=True))
        await it.obs.settled()
        assert (obs.current, obs.shown) == ("Scene", [])
        obs.current = "Live"  # the user goes back; nothing is changed behind their back
        await it.obs.settled()
        assert obs.shown == []
        it.programme.hear(show(held=False))
        await it.obs.settled()
        it.programme.hear(show(held=True))
        await it.obs.settled()
        assert obs.shown == ["Pause"]
        assert len([text for _, text, _ in it.told.notices if "'Scene'" in text]) == 1


async def test_no_scene_while_scenes_are_loaded(obs: ObsDouble) -> None:
    obs.current = None
    async with client(obs.port, poll_s=0.001, held=True) as it:
        await obs.until(lambda: obs.requests.count("GetCurrentProgramScene") > 5)
        obs.current = "Live"
        await obs.until(lambda: obs.current == "Pause")
        assert it.told.problems == []


async def test_a_hand_that_changes_the_scene_is_not_fought(obs: ObsDouble) -> None:
    async with client(obs.port, poll_s=0.001) as it:
        await obs.until(lambda: "GetStreamStatus" in obs.requests)
        obs.current = "Pause"
        await obs.event("CurrentProgramSceneChanged", SCENES, {"sceneName": "Pause"})
        polls = obs.requests.count("GetStreamStatus")
        await obs.until(lambda: obs.requests.count("GetStreamStatus") > polls + 20)
        assert (obs.current, obs.shown) == ("Pause", [])
        assert it.told.problem_now == ""


async def test_what_changed_while_obs_was_away_is_made_up_for(obs: ObsDouble) -> None:
    async with client(obs.port, caption="Caption") as it:
        await obs.until(lambda: obs.texts == [""])  # what an earlier show left is cleared
        await obs.kill()
        await it.told.until(lambda: it.told.problem_now)
        it.programme.hear(show(held=True))
        it.programme.hear(clause(1, 0, "Anybody here?"))
        it.obs.changed()
        await obs.start()
        await obs.until(lambda: obs.current == "Pause" and obs.texts[-1] == "Anybody here?")


async def test_captions_appear_and_go(obs: ObsDouble) -> None:
    async with client(obs.port, caption="Caption") as it:
        await obs.until(lambda: obs.texts == [""])
        it.programme.hear(clause(1, 0, "Hello,"))
        it.obs.changed()
        await obs.until(lambda: obs.texts[-1] == "Hello,")
        for number in range(1, 50):
            it.programme.hear(clause(1, number, f"clause {number}"))
            it.obs.changed()
        await obs.until(lambda: obs.texts[-1] == "clause 49")
        it.programme.hear(trace(1))
        it.obs.changed()
        await obs.until(lambda: obs.texts[-1] == "")
        assert len(obs.texts) <= 6  # of 51; the newest wins
    assert set(obs.requests) <= {
        "GetVersion", "GetSceneList", "GetInputList", "GetCurrentProgramScene",
        "SetInputSettings", "GetStreamStatus",
    }  # fmt: skip


async def test_the_stream_is_told(obs: ObsDouble) -> None:
    async with client(obs.port) as it:
        await it.told.until(lambda: {"OBS": "32.0.1", "stream": "not live"} in it.told.rows)
        obs.stream |= {"outputActive": True, "outputDuration": 3_000, "outputCongestion": 0.25}
        await obs.event("StreamStateChanged", OUTPUTS, {"outputActive": True})
        live = {"OBS": "32.0.1", "stream": "live 00:00:03, congestion 25 %"}
        await it.told.until(lambda: live in it.told.rows)
        obs.stream["outputReconnecting"] = True
        await obs.event("StreamStateChanged", OUTPUTS, {"outputActive": True})
        await it.told.until(lambda: "reconnects" in it.told.problem_now)
        obs.stream["outputReconnecting"] = False
        await obs.event("StreamStateChanged", OUTPUTS, {"outputActive": True})
        await it.told.until(lambda: it.told.problem_now == "")


async def test_it_waits_until_obs_is_ready(obs: ObsDouble) -> None:
    obs.not_ready = 30
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        await asyncio.sleep(0)

    async with client(obs.port, held=True, sleep=sleep) as it:
        await obs.until(lambda: obs.current == "Pause")
        assert pauses == [0.5] * 30
        assert (obs.connected, it.told.problems) == (1, [])


async def test_names_that_obs_does_not_have_are_said_once(obs: ObsDouble) -> None:
    names = {Air.ON_AIR: "Live", Air.HELD: "Pauze", Air.BREAK: ""}
    async with client(obs.port, scenes=names, caption="Camera") as it:
        await it.told.until(lambda: "Camera" in it.told.problem_now)
        assert it.told.problem_now == (
            "OBS has no scene 'Pauze'; the source 'Camera' in OBS is no text"
        )
        for held in (True, False, True):
            it.programme.hear(show(held=held))
            await it.obs.settled()
        scene, caption = [n for n in it.told.notices if n[0] == "warning"]
        assert "'Pause'" in scene[2]  # what there is
        assert "'Caption'" in caption[2]
        assert obs.texts == []
        obs.scenes.append("Pauze")
        obs.inputs["Camera"] = "text_gdiplus_v3"
        await obs.event("SceneCreated", SCENES, {"sceneName": "Pauze"})
        await it.told.until(lambda: it.told.problem_now == "")


async def test_a_scene_that_vanishes_at_the_moment_it_is_wanted(obs: ObsDouble) -> None:
    async with client(obs.port) as it:
        await obs.until(lambda: "GetStreamStatus" in obs.requests)
        obs.scenes.remove("Pause")
        it.programme.hear(show(held=True))
        it.obs.changed()
        await it.told.until(lambda: it.told.problem_now == "OBS has no scene 'Pause'")
        assert obs.connected == 1


# --- being let in ---


async def test_a_wrong_password_is_said_once_and_tried_again_when_it_changes() -> None:
    looks = 0
    looked = asyncio.Event()

    async def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        looked.set()
        await asyncio.sleep(0)

    async with (
        ObsDouble(PASSWORD) as obs,
        client(obs.port, password="wrong-guess", sleep=sleep) as it,
    ):
        await it.told.until(lambda: it.told.notices)
        while looks < 20:
            looked.clear()
            await looked.wait()
        assert (obs.connected, obs.closed) == (1, [4009])
        ((level, text, hint),) = it.told.notices
        assert (level, text) == ("error", "OBS refuses the password")
        assert "obs_password" in hint
        assert it.told.problem_now == "OBS refuses the password"
        it.said.append(SecretStr(PASSWORD))
        await it.told.until(lambda: it.told.problem_now == "")
        assert obs.connected == 2


async def test_a_password_that_is_wanted_and_not_set() -> None:
    async with ObsDouble(PASSWORD) as obs, client(obs.port) as it:
        await it.told.until(lambda: it.told.problem_now == "OBS wants a password")
        assert obs.proofs == []


async def test_kicked_it_stays_away(obs: ObsDouble) -> None:
    looked: list[float] = []
    enough = asyncio.Event()

    async def sleep(pause_s: float) -> None:
        looked.append(pause_s)
        if len(looked) > 20:
            enough.set()
        await asyncio.sleep(0)

    async with client(obs.port, sleep=sleep) as it:
        await obs.until(lambda: "GetStreamStatus" in obs.requests)
        await obs.kick()
        await it.told.until(lambda: "Kick" in it.told.problem_now)
        await enough.wait()
        assert obs.connected == 1
        assert it.told.notices[-1][0] == "error"


async def test_the_password_is_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)
    try:
        async with ObsDouble(PASSWORD) as obs, client(obs.port, password=PASSWORD) as it:
            await obs.until(lambda: "GetStreamStatus" in obs.requests)
            obs.password = "changed"
            obs.drop()
            await it.told.until(lambda: it.told.problem_now == "OBS refuses the password")
            mine = [r.getMessage() for r in caplog.records if r.name.startswith("workers")]
            for said in (it.told.texts(), " ".join(mine), repr(it.obs.__dict__)):
                assert PASSWORD not in said
                assert not any(proof in said for proof in obs.proofs)
            assert PASSWORD not in caplog.text
    finally:
        logging.getLogger("websockets").setLevel(logging.NOTSET)


async def test_another_rpc_version_is_named(obs: ObsDouble) -> None:
    obs.rpc_version = 2
    async with client(obs.port) as it:
        await it.told.until(lambda: it.told.notices)
        assert "another version" in it.told.notices[0][1]


@pytest.mark.parametrize("greeting", [None, "hello", b"\x00", '{"op":2,"d":{}}', '{"op":0,"d":5}'])
async def test_what_is_not_obs_is_named(greeting: str | bytes | None) -> None:
    async def stranger(connection):  # type: ignore[no-untyped-def]  # of websockets
        if greeting is not None:
            with contextlib.suppress(Exception):
                await connection.send(greeting)
                await connection.wait_closed()

    protocols = ["obswebsocket.json"] if greeting is not None else None
    async with serve(stranger, "127.0.0.1", 0, subprotocols=protocols) as server:
        port = server.sockets[0].getsockname()[1]
        async with client(port) as it:
            await it.told.until(lambda: it.told.notices)
            text = it.told.notices[0][1]
            assert "is not OBS" in text or "does not greet" in text


async def test_not_there_at_first_then_there(obs: ObsDouble) -> None:
    await obs.kill()
    async with client(obs.port, held=True) as it:
        await it.told.until(lambda: len(it.told.rows) >= 5)
        (level, text, hint), *_ = it.told.notices
        assert (level, len(it.told.notices)) == ("info", 1)
        assert f"127.0.0.1:{obs.port}" in text
        assert "Enable WebSocket server" in hint
        assert it.told.problems == []
        await obs.start()
        await obs.until(lambda: obs.current == "Pause")


# --- endings ---


async def test_fifty_disconnects_and_nothing_is_left(obs: ObsDouble) -> None:
    async with client(obs.port, caption="Caption") as it:
        await obs.until(lambda: obs.texts == [""])
        tasks, files = len(asyncio.all_tasks()), _files()
        for number in range(50):
            if number % 5 == 4:
                await obs.kill()
                await obs.start()
            else:
                obs.drop()
            it.programme.hear(show(held=number % 2 == 0))
            it.programme.hear(clause(number + 1, 0, f"line {number}"))
            it.obs.changed()
            scene = "Pause" if number % 2 == 0 else "Live"
            await obs.until(
                lambda s=scene, n=number: obs.current == s and obs.texts[-1] == f"line {n}"
            )
        assert obs.connected >= 51
        await obs.until(lambda: len(obs.clients) == 1)
        assert len(asyncio.all_tasks()) <= tasks
        assert _files() <= files
        assert len(it.told.notices) <= 3
    assert obs.closed == []


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_an_obs_that_hangs_is_left(obs: ObsDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.obs.session.CALL_S", 0.05)
    async with client(obs.port, poll_s=0.001) as it:
        await obs.until(lambda: "GetStreamStatus" in obs.requests)
        obs.mute = True
        await it.told.until(lambda: "no answer" in it.told.problem_now)
        obs.mute = False
        await it.told.until(lambda: it.told.problem_now == "")


async def test_settling_does_not_wait_for_an_obs_that_is_not_there(obs: ObsDouble) -> None:
    await obs.kill()
    async with client(obs.port) as it:
        await it.told.until(lambda: it.told.notices)
        it.programme.end()
        await it.obs.settled()
