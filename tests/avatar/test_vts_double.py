"""The test VTube Studio, checked with a client of other people."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from doubles.node_peer import NodePeer, node_peer
from doubles.vtube_studio import VTubeStudioDouble
from doubles.vtube_studio_rules import LAPSE_S, Rules, Session
from websockets.asyncio.client import connect


@pytest.fixture
async def studio() -> AsyncIterator[VTubeStudioDouble]:
    async with VTubeStudioDouble() as running:
        yield running


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


async def call(peer: NodePeer, method: str, /, **data: Any) -> Any:
    peer.tell({"call": method, "data": data})
    return (await peer.until(event="answer", call=method))["data"]


async def refused(peer: NodePeer, name: str, **data: Any) -> int:
    peer.tell({"call": name, "data": data})
    code: int = (await peer.until(event="refused", call=name))["code"]
    return code


@pytest.mark.usefixtures("needs_node")
async def test_a_foreign_client_uses_everything(studio: VTubeStudioDouble) -> None:
    async with node_peer("vts_peer.mjs", {"port": studio.port}) as peer:
        token = (await peer.until(event="token"))["token"]
        await peer.until(event="connected")
        assert token in studio.rules.tokens
        assert (await call(peer, "apiState"))["currentSessionAuthenticated"] is True
        assert (await call(peer, "statistics"))["connectedPlugins"] == 1
        listed = await call(peer, "inputParameterList")
        assert {"name": "FaceAngleX", "min": -30, "max": 30}.items() <= {
            **next(one for one in listed["defaultParameters"] if one["name"] == "FaceAngleX")
        }.items()
        await call(
            peer, "parameterCreation", parameterName="Foreign", explanation="", min=0, max=1,
            defaultValue=0,
        )  # fmt: skip
        await call(
            peer,
            "injectParameterData",
            mode="set",
            faceFound=True,
            parameterValues=[{"id": "MouthOpen", "value": 0.5}, {"id": "Foreign", "value": 1}],
        )
        assert studio.rules.value("MouthOpen") == 0.5
        assert (await call(peer, "parameterValue", name="Foreign"))["value"] == 1
        hotkeys = (await call(peer, "hotkeysInCurrentModel"))["availableHotkeys"]
        assert [one["name"] for one in hotkeys] == ["Wave", "Wink", "Smile"]
        assert (await call(peer, "hotkeyTrigger", hotkeyID="wave"))["hotkeyID"] == "id-wave"
        await call(peer, "expressionActivation", expressionFile="cry.exp3.json", active=True)
        states = (await call(peer, "expressionState", details=True))["expressions"]
        assert {one["file"] for one in states if one["active"]} == {"cry.exp3.json"}
        peer.tell({"subscribe": "modelLoaded"})
        await peer.until(event="subscribed")
        await call(peer, "modelLoad", modelID="model-umbra")
        event = next(one for one in peer.seen if one.get("event") == "modelLoaded")
        assert event["data"] == {
            "modelLoaded": True, "modelName": "Umbra", "modelID": "model-umbra",
        }  # fmt: skip


@pytest.mark.usefixtures("needs_node")
async def test_a_foreign_client_is_refused(studio: VTubeStudioDouble) -> None:
    async with node_peer("vts_peer.mjs", {"port": studio.port}) as peer:
        await peer.until(event="connected")
        one = [{"id": "NoSuch", "value": 0.5}]
        assert await refused(peer, "injectParameterData", parameterValues=one) == 453
        assert await refused(peer, "injectParameterData", parameterValues=[]) == 450
        assert await refused(peer, "hotkeyTrigger", hotkeyID="No such") == 202
        assert await refused(peer, "modelLoad", modelID="nobody") == 152
        studio.rules.show(None)
        assert await refused(peer, "hotkeyTrigger", hotkeyID="Wave") == 201
        studio.rules.revoke()
        assert await refused(peer, "statistics") == 50


@pytest.mark.usefixtures("needs_node")
async def test_a_foreign_client_is_denied_and_comes_in_with_its_token() -> None:
    async with VTubeStudioDouble(popup="deny") as studio:
        async with node_peer("vts_peer.mjs", {"port": studio.port}) as peer:
            await peer.until(event="error", code=50)
        studio.rules.tokens["kept"] = ("Foreign Plugin", "Somebody Else")
        async with node_peer("vts_peer.mjs", {"port": studio.port, "token": "kept"}) as peer:
            await peer.until(event="connected")
        assert studio.asked == 1


def ask(rules: Rules, message: Any) -> Any:
    session = Session(1, lambda _: None)
    return rules.handle(session, message if isinstance(message, str) else json.dumps(message))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"apiName": "Other"}, 3),
        ({"apiVersion": "2.0"}, 4),
        ({"requestID": ""}, 5),
        ({"requestID": "x" * 65}, 5),
        ({"requestID": "ü"}, 5),
        ({"messageType": ""}, 6),
        ({"messageType": "NoSuchRequest"}, 7),
        ({"messageType": "StatisticsRequest"}, 8),
        ({"messageType": "AuthenticationRequest"}, 100),
        ({"messageType": "AuthenticationTokenRequest", "data": {"pluginName": "x"}}, 52),
    ],
)
def test_envelopes_are_enforced(changed: dict[str, Any], code: int) -> None:
    good = {
        "apiName": "VTubeStudioPublicAPI",
        "apiVersion": "1.0",
        "requestID": "mine",
        "messageType": "APIStateRequest",
    }
    rules = Rules(Clock())
    assert ask(rules, good)["messageType"] == "APIStateResponse"
    answer = ask(rules, good | changed)
    assert (answer["messageType"], answer["data"]["errorID"]) == ("APIError", code)
    assert answer["requestID"] == ("mine" if "requestID" not in changed else answer["requestID"])
    assert ask(rules, "{")["data"]["errorID"] == 2


def test_values_lapse_and_belong_to_one_plugin() -> None:
    clock = Clock()
    rules = Rules(clock)
    rules.tokens["t"] = ("Plugin", "Me")
    first, second = (
        Session(number, lambda _: None, plugin="Plugin", authenticated=True) for number in (1, 2)
    )

    def inject(session: Session) -> int:
        message = {
            "apiName": "VTubeStudioPublicAPI",
            "apiVersion": "1.0",
            "messageType": "InjectParameterDataRequest",
            "data": {"parameterValues": [{"id": "MouthOpen", "value": 1}]},
        }
        answer = rules.handle(session, json.dumps(message))
        assert answer is not None
        return int(answer["data"].get("errorID", 0))

    assert inject(first) == 0
    assert inject(second) == 454
    assert rules.value("MouthOpen") == 1
    clock.s += LAPSE_S + 0.01
    assert rules.value("MouthOpen") == 0
    assert inject(second) == 0


async def test_a_killed_server_says_nothing_and_its_port_is_free_again(
    studio: VTubeStudioDouble,
) -> None:
    port = studio.port
    async with connect(f"ws://127.0.0.1:{port}") as client:
        await studio.kill()
        await client.wait_closed()
        assert client.close_code == 1006
    await studio.start()
    assert studio.port == port


async def test_broadcasts_reach_everybody_who_listens(studio: VTubeStudioDouble) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("", 0))
        listener.settimeout(5)
        studio.broadcast(listener.getsockname()[1])
        told = json.loads(listener.recv(4096))
    assert told["messageType"] == "VTubeStudioAPIStateBroadcast"
    assert told["data"]["port"] == studio.port
