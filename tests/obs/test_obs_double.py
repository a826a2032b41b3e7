"""doubles: the OBS for tests, checked by clients of other people and by its own rules."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import simpleobsws
from doubles.node_peer import node_peer
from doubles.obs import JSON, MSGPACK, ObsDouble
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

IDENTIFY = {"op": 1, "d": {"rpcVersion": 1}}


# --- simpleobsws, which speaks MessagePack ---


@asynccontextmanager
async def foreign(obs: ObsDouble, password: str = "") -> AsyncIterator[Any]:
    client = simpleobsws.WebSocketClient(f"ws://127.0.0.1:{obs.port}", password)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


async def test_a_foreign_client_is_let_in_and_served() -> None:
    async with ObsDouble("secret") as obs, foreign(obs, "secret") as client:
        assert await client.wait_until_identified()
        version = await client.call(simpleobsws.Request("GetVersion"))
        assert version.ok()
        assert version.responseData["rpcVersion"] == 1
        scenes = await client.call(simpleobsws.Request("GetSceneList"))
        assert "Live" in [scene["sceneName"] for scene in scenes.responseData["scenes"]]
        heard: list[Any] = []

        async def on_scene(data: Any) -> None:
            heard.append(data)

        client.register_event_callback(on_scene, "CurrentProgramSceneChanged")
        done = await client.call(
            simpleobsws.Request("SetCurrentProgramScene", {"sceneName": "Pause"})
        )
        assert done.ok()
        assert obs.current == "Pause"
        await client.call(simpleobsws.Request("GetVersion"))
        assert heard == [{"sceneName": "Pause"}]
        text = {"inputName": "Caption", "inputSettings": {"text": "ü"}, "overlay": True}
        assert (await client.call(simpleobsws.Request("SetInputSettings", text))).ok()
        assert obs.texts == ["ü"]
        status = await client.call(simpleobsws.Request("GetStreamStatus"))
        assert status.responseData["outputActive"] is False


async def test_a_foreign_client_is_told_what_is_wrong(obs: ObsDouble) -> None:
    async with foreign(obs) as client:
        await client.wait_until_identified()
        for kind, data, code in (
            ("Dance", None, 204),
            ("SetCurrentProgramScene", {"sceneName": "Nowhere"}, 600),
            ("SetCurrentProgramScene", {}, 300),
            ("SetCurrentProgramScene", {"sceneName": 5}, 401),
            ("SetCurrentProgramScene", {"sceneName": ""}, 403),
            ("SetInputSettings", {"inputName": "Caption", "inputSettings": "text"}, 401),
        ):
            answer = await client.call(simpleobsws.Request(kind, data))
            assert (answer.ok(), answer.requestStatus.code) == (False, code), kind
        obs.not_ready = 1
        assert (await client.call(simpleobsws.Request("GetVersion"))).requestStatus.code == 207
        batch = [simpleobsws.Request("GetVersion"), simpleobsws.Request("Dance")]
        answers = await client.call_batch([*batch, *batch], halt_on_failure=True)
        assert [answer.requestStatus.code for answer in answers] == [100, 204]


async def test_a_foreign_client_with_a_wrong_password_is_sent_away() -> None:
    async with ObsDouble("secret") as obs, foreign(obs, "guess") as client:
        await obs.until(lambda: obs.closed)
        assert obs.closed == [4009]
        assert not client.identified


# --- obs-websocket-js, which speaks JSON here ---


async def test_a_foreign_client_in_json(needs_node: object) -> None:
    async with (
        ObsDouble("secret") as obs,
        node_peer("obs_peer.mjs", {"port": obs.port, "password": "secret"}) as peer,
    ):
        assert (await peer.until(event="identified"))["version"] == 1
        peer.tell({"call": "SetCurrentProgramScene", "data": {"sceneName": "Pause"}})
        await peer.until(event="answer", call="SetCurrentProgramScene")
        assert obs.current == "Pause"
        peer.tell({"call": "GetCurrentProgramScene"})
        answer = await peer.until(event="answer", call="GetCurrentProgramScene")
        assert answer["data"]["currentProgramSceneName"] == "Pause"
        assert {"event": "scene", "data": {"sceneName": "Pause"}} in peer.seen
        text = {"inputName": "Caption", "inputSettings": {"text": "ü"}, "overlay": True}
        peer.tell({"call": "SetInputSettings", "data": text})
        await peer.until(event="answer", call="SetInputSettings")
        assert obs.texts == ["ü"]
        for kind, data, code in (
            ("GetInputList", {}, None),
            ("GetStreamStatus", {}, None),
            ("SetCurrentProgramScene", {"sceneName": "Nowhere"}, 600),
            ("Dance", {}, 204),
        ):
            peer.tell({"call": kind, "data": data})
            assert (await peer.until(call=kind)).get("code") == code
        await obs.kick()
        assert (await peer.until(event="closed"))["code"] == 4011


async def test_a_foreign_client_in_json_with_a_wrong_password(needs_node: object) -> None:
    async with (
        ObsDouble("secret") as obs,
        node_peer("obs_peer.mjs", {"port": obs.port, "password": "guess"}) as peer,
    ):
        assert (await peer.until(event="refused"))["code"] == 4009
        assert obs.closed == [4009]


# --- its rules ---


@asynccontextmanager
async def raw(obs: ObsDouble, protocol: str | None = JSON) -> AsyncIterator[ClientConnection]:
    protocols = [Subprotocol(protocol)] if protocol else None
    async with connect(f"ws://127.0.0.1:{obs.port}", subprotocols=protocols, proxy=None) as socket:
        hello = await socket.recv()
        assert isinstance(hello, bytes) is (protocol == MSGPACK)
        yield socket


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([{"op": 6, "d": {"requestType": "GetVersion", "requestId": "1"}}], 4007),
        ([{"op": 3, "d": {}}], 4007),
        ([IDENTIFY, IDENTIFY], 4008),
        ([{"op": 1, "d": {}}], 4003),
        ([{"op": 1}], 4003),
        ([{"op": 1, "d": {"rpcVersion": "1"}}], 4004),
        ([{"op": 1, "d": {"rpcVersion": 1, "eventSubscriptions": "all"}}], 4004),
        ([{"op": 1, "d": {"rpcVersion": 9}}], 4010),
        ([{"request-type": "GetVersion", "message-id": "1"}], 4010),
        ([IDENTIFY, {"op": 99, "d": {}}], 4006),
        ([{"d": {}}], 4006),
        ([IDENTIFY, {"op": 6, "d": {"requestType": "GetVersion"}}], 4003),
        ([IDENTIFY, {"op": 6, "d": {"requestType": "GetVersion", "requestId": 1}}], 4004),
        (["no json"], 4002),
        (["[]"], 4002),
        ([b"{}"], 4002),
    ],
)
async def test_misuse_is_answered_with_the_protocols_code(
    obs: ObsDouble, frames: list[Any], code: int
) -> None:
    async with raw(obs) as socket:
        for frame in frames:
            await socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        await socket.wait_closed()
        assert socket.close_code == code
        assert obs.closed == [code]


async def test_json_is_the_default_subprotocol(obs: ObsDouble) -> None:
    async with raw(obs, None) as socket:
        assert socket.subprotocol is None
        await socket.send(json.dumps(IDENTIFY))
        assert json.loads(await socket.recv())["op"] == 2


async def test_text_in_messagepack_is_misuse(obs: ObsDouble) -> None:
    async with raw(obs, MSGPACK) as socket:
        await socket.send("{}")
        await obs.until(lambda: obs.closed == [4002])


async def test_only_what_was_subscribed_to_is_told(obs: ObsDouble) -> None:
    async with raw(obs) as socket:
        await socket.send(json.dumps({"op": 1, "d": {"rpcVersion": 1, "eventSubscriptions": 64}}))
        await socket.recv()
        await obs.event("CurrentProgramSceneChanged", 4, {"sceneName": "Live"})
        await obs.event("StreamStateChanged", 64, {"outputActive": True})
        assert json.loads(await socket.recv())["d"]["eventType"] == "StreamStateChanged"
        await socket.send(json.dumps({"op": 3, "d": {"eventSubscriptions": 4}}))
        assert json.loads(await socket.recv())["op"] == 2
        await obs.event("StreamStateChanged", 64, {"outputActive": False})
        await obs.event("CurrentProgramSceneChanged", 4, {"sceneName": "Live"})
        assert json.loads(await socket.recv())["d"]["eventType"] == "CurrentProgramSceneChanged"
