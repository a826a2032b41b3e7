"""An OBS for tests: the WebSocket server of obs-websocket 5, on loopback.

It holds its clients to the protocol: subprotocols and their kind of frame, nothing but Identify
before Identified, the proof of the password, the version, required fields and their types, and
the status codes of requests. What a user keeps (scenes, sources, the password) stays over
``kill`` and ``start``. Source: docs/generated/protocol.md of obsproject/obs-websocket.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

JSON, MSGPACK = "obswebsocket.json", "obswebsocket.msgpack"
SCENES, OUTPUTS, ALL = 1 << 2, 1 << 6, 0x3FF


class Misuse(Exception):
    """The client is sent away with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Refusal(Exception):
    """A request is answered with this status."""

    def __init__(self, code: int, comment: str = "") -> None:
        super().__init__(comment)
        self.code = code
        self.comment = comment


class Client:
    """One connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.binary = connection.subprotocol == MSGPACK
        self.identified = False
        self.events = 0
        self.challenge = base64.b64encode(secrets.token_bytes(32)).decode()

    async def send(self, op: int, data: dict[str, Any]) -> None:
        body = {"op": op, "d": data}
        if self.binary:
            await self.connection.send(msgspec.msgpack.encode(body))
        else:
            await self.connection.send(json.dumps(body))

    def read(self, raw: str | bytes) -> dict[str, Any]:
        """Raises Misuse for the wrong kind of frame and for what does not decode."""
        if isinstance(raw, bytes) is not self.binary:
            raise Misuse(4002, "this subprotocol has another kind of frame")
        try:
            body = msgspec.msgpack.decode(raw) if isinstance(raw, bytes) else json.loads(raw)
        except (msgspec.DecodeError, json.JSONDecodeError):
            raise Misuse(4002, "cannot be decoded") from None
        if not isinstance(body, dict):
            raise Misuse(4002, "not an object")
        return body


class ObsDouble:
    """``async with`` starts it. What happened is in ``requests``, ``closed`` and ``texts``."""

    def __init__(self, password: str = "") -> None:
        self.password = password
        self.scenes = ["Scene", "Live", "Pause", "Soon"]
        self.current: str | None = "Live"
        self.inputs = {"Caption": "text_ft2_source_v2", "Camera": "v4l2_input"}
        self.texts: list[str] = []  # written into Caption
        self.shown: list[str] = []  # scenes a client changed to
        self.requests: list[str] = []
        self.closed: list[int] = []  # codes clients were sent away with
        self.proofs: list[str] = []  # as clients sent them
        self.stream: dict[str, Any] = {
            "outputActive": False,
            "outputReconnecting": False,
            "outputTimecode": "00:00:00.000",
            "outputDuration": 0,
            "outputCongestion": 0.0,
            "outputBytes": 0,
            "outputSkippedFrames": 0,
            "outputTotalFrames": 0,
        }
        self.not_ready = 0  # so many requests more are answered with 207
        self.mute = False  # hangs: reads, and answers nothing
        self.rpc_version = 1
        self.connected = 0  # connections ever
        self.clients: list[Client] = []
        self.port = 0
        self._salt = base64.b64encode(secrets.token_bytes(32)).decode()
        self._server: Server | None = None
        self._changed = asyncio.Event()
        self._known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetVersion": self._version,
            "GetSceneList": self._scene_list,
            "GetCurrentProgramScene": self._current_scene,
            "SetCurrentProgramScene": self._set_scene,
            "GetInputList": self._input_list,
            "SetInputSettings": self._set_input,
            "GetStreamStatus": lambda _: dict(self.stream),
        }

    async def __aenter__(self) -> ObsDouble:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """On the port of before, if there was one."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            subprotocols=[Subprotocol(JSON), Subprotocol(MSGPACK)],
            select_subprotocol=_select,
            compression=None,
            ping_interval=None,
            close_timeout=0.1,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def kill(self) -> None:
        """As a process that is killed: no farewell on any connection."""
        server, self._server = self._server, None
        if server is None:
            return
        self.drop()
        server.close(close_connections=False)
        await server.wait_closed()

    def drop(self) -> None:
        """Every connection breaks, the server stays."""
        for client in list(self.clients):
            client.connection.transport.abort()

    async def kick(self) -> None:
        """A person presses Kick in OBS."""
        for client in list(self.clients):
            await client.connection.close(4011, "Your session has been invalidated.")

    async def event(self, kind: str, intent: int, data: dict[str, Any]) -> None:
        """To every client that subscribed to it."""
        for client in list(self.clients):
            if client.identified and client.events & intent:
                body = {"eventType": kind, "eventIntent": intent, "eventData": data}
                await client.send(5, body)

    async def until(self, condition: Callable[[], Any], within_s: float = 20.0) -> None:
        """Until it holds; looked at after every frame and connection."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    # --- the socket ---

    async def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection)
        self.clients.append(client)
        self.connected += 1
        self._changed.set()
        try:
            hello: dict[str, Any] = {"obsWebSocketVersion": "5.7.3", "rpcVersion": 1}
            if self.password:
                hello["authentication"] = {"challenge": client.challenge, "salt": self._salt}
            await client.send(0, hello)
            async for raw in connection:
                if not self.mute:
                    await self._frame(client, client.read(raw))
                self._changed.set()
        except Misuse as misuse:
            self.closed.append(misuse.code)
            await connection.close(misuse.code, misuse.reason)
        except ConnectionClosed:
            pass
        finally:
            self.clients.remove(client)
            self._changed.set()

    async def _frame(self, client: Client, body: dict[str, Any]) -> None:
        if "request-type" in body:
            raise Misuse(4010, "this is the protocol before 5.0.0")
        op = body.get("op")
        if type(op) is not int:
            raise Misuse(4006, "no op")
        data = body.get("d")
        if not client.identified and op != 1:
            raise Misuse(4007, "not identified")
        if not isinstance(data, dict):
            raise Misuse(4003, "no d")
        if op == 1:
            if client.identified:
                raise Misuse(4008, "identified already")
            await self._identify(client, data)
        elif op == 3:
            client.events = _number(data, "eventSubscriptions", ALL)
            await client.send(2, {"negotiatedRpcVersion": 1})
        elif op == 6:
            answer = self._answer(data)
            await client.send(7, {"requestId": _text(data, "requestId"), **answer})
            if answer["requestStatus"]["result"] and data["requestType"].startswith("Set"):
                await self._tell(data["requestType"])
        elif op == 8:
            await client.send(9, self._batch(data))
        else:
            raise Misuse(4006, f"unknown op {op}")

    async def _identify(self, client: Client, data: dict[str, Any]) -> None:
        version = data.get("rpcVersion")
        if version is None:
            raise Misuse(4003, "no rpcVersion")
        if type(version) is not int:
            raise Misuse(4004, "rpcVersion is no number")
        if self.password:
            proof = str(data.get("authentication", ""))
            self.proofs.append(proof)
            secret = _digest(self.password + self._salt)
            if proof != _digest(secret + client.challenge):
                raise Misuse(4009, "Authentication failed.")
        if version != self.rpc_version:
            raise Misuse(4010, "Your requested RPC version is not supported.")
        client.events = _number(data, "eventSubscriptions", ALL)
        client.identified = True
        await client.send(2, {"negotiatedRpcVersion": self.rpc_version})

    async def _tell(self, kind: str) -> None:
        if kind == "SetCurrentProgramScene":
            await self.event("CurrentProgramSceneChanged", SCENES, {"sceneName": self.current})

    def _batch(self, data: dict[str, Any]) -> dict[str, Any]:
        results = []
        for one in data.get("requests", []):
            results.append(self._answer(one))
            if data.get("haltOnFailure") and not results[-1]["requestStatus"]["result"]:
                break
        return {"requestId": _text(data, "requestId"), "results": results}

    # --- requests ---

    def _answer(self, data: dict[str, Any]) -> dict[str, Any]:
        kind = _text(data, "requestType")
        self.requests.append(kind)
        status: dict[str, Any] = {"result": True, "code": 100}
        answer: dict[str, Any] = {"requestType": kind, "requestStatus": status}
        try:
            if self.not_ready > 0:
                self.not_ready -= 1
                raise Refusal(207, "OBS is not ready to perform the request.")
            if kind not in self._known:
                raise Refusal(204, "Your request type is not valid.")
            if found := self._known[kind](data.get("requestData") or {}):
                answer["responseData"] = found
        except Refusal as refusal:
            status |= {"result": False, "code": refusal.code}
            if refusal.comment:
                status["comment"] = refusal.comment
        return answer

    def _version(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "obsVersion": "32.0.1",
            "obsWebSocketVersion": "5.7.3",
            "rpcVersion": 1,
            "availableRequests": list(self._known),
            "supportedImageFormats": ["png"],
            "platform": "linux",
            "platformDescription": "test",
        }

    def _scene_list(self, _: dict[str, Any]) -> dict[str, Any]:
        scenes = [{"sceneIndex": i, "sceneName": n} for i, n in enumerate(reversed(self.scenes))]
        return {
            "currentProgramSceneName": self.current,
            "currentPreviewSceneName": None,
            "scenes": scenes,
        }

    def _current_scene(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"sceneName": self.current, "currentProgramSceneName": self.current}

    def _set_scene(self, data: dict[str, Any]) -> dict[str, Any]:
        name = _wanted(data, "sceneName")
        if name not in self.scenes:
            raise Refusal(600, f"No source was found by the name of `{name}`.")
        self.current = name
        self.shown.append(name)
        return {}

    def _input_list(self, data: dict[str, Any]) -> dict[str, Any]:
        kind = data.get("inputKind")
        inputs = [
            {"inputName": n, "inputKind": k, "unversionedInputKind": k.removesuffix("_v2")}
            for n, k in self.inputs.items()
            if kind in (None, k)
        ]
        return {"inputs": inputs}

    def _set_input(self, data: dict[str, Any]) -> dict[str, Any]:
        name = _wanted(data, "inputName")
        settings = data.get("inputSettings")
        if settings is None:
            raise Refusal(300, "Your request is missing the `inputSettings` field.")
        if not isinstance(settings, dict):
            raise Refusal(401, "The field value of `inputSettings` must be an object.")
        if name not in self.inputs:
            raise Refusal(600, f"No source was found by the name of `{name}`.")
        if "text" in settings:
            self.texts.append(settings["text"])
        return {}


def _select(_: ServerConnection, offered: Any) -> Subprotocol | None:
    """The first one offered that is known; JSON for a client that offers none."""
    return next((one for one in offered if one in (JSON, MSGPACK)), None)


def _text(data: dict[str, Any], name: str) -> str:
    if name not in data:
        raise Misuse(4003, f"no {name}")
    if not isinstance(data[name], str):
        raise Misuse(4004, f"{name} is no string")
    return str(data[name])


def _number(data: dict[str, Any], name: str, default: int) -> int:
    value = data.get(name, default)
    if type(value) is not int:
        raise Misuse(4004, f"{name} is no number")
    return value


def _wanted(data: dict[str, Any], name: str) -> str:
    if name not in data:
        raise Refusal(300, f"Your request is missing the `{name}` field.")
    value = data[name]
    if not isinstance(value, str):
        raise Refusal(401, f"The field value of `{name}` must be a string.")
    if not value:
        raise Refusal(403, f"The field value of `{name}` must not be empty.")
    return value


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
