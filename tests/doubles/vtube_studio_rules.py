"""What VTube Studio's plugin API answers: its state and its rules, without sockets.

Written from the protocol notes, checked with a foreign client. A request is bytes, the answer a
dict; ``now_s`` is injected, so that values lapse and cooldowns pass when a test says so.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from doubles.vtube_studio_world import Input, Model, default_inputs, default_models

FRAME_S = 1 / 60
COOLDOWN_FRAMES = 5
QUEUE = 32
LAPSE_S = 1.0  # injected values last so long
LIMIT = 1_000_000.0
_WITHOUT_LOGIN = {"APIState", "AuthenticationToken", "Authentication"}
_EVENTS = {"TestEvent", "ModelLoadedEvent", "ModelConfigChangedEvent", "HotkeyTriggeredEvent"}


class ApiError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass
class Injected:
    """One InjectParameterDataRequest that was accepted."""

    at_s: float
    session: int
    values: dict[str, float]
    face_found: bool | None
    mode: str


@dataclass(eq=False)
class Session:
    """One connection. ``push`` sends it a message that it did not ask for."""

    number: int
    push: Callable[[dict[str, Any]], None]
    plugin: str = ""
    authenticated: bool = False
    events: set[str] = field(default_factory=set)


class Rules:
    """All of VTube Studio that plugins see. Requests are carried out one after another."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.api_on = True
        self.tokens: dict[str, tuple[str, str]] = {}  # token: plugin, developer
        self.inputs = default_inputs()
        self.models = default_models()
        self.model: Model | None = self.models[0]
        self.injected: list[Injected] = []
        self.triggered: list[str] = []  # hotkey ids
        self.requests: list[str] = []  # message types, as they came
        self.errors: list[int] = []  # error numbers, as they were answered
        self.config_window = False
        self.sessions: dict[int, Session] = {}
        self._now_s = now_s
        self._last_load_s = -1e9
        self._cooling: dict[str, float] = {}  # hotkey id: free again at
        self._queue_until_s = 0.0

    # --- what a test does ---

    def revoke(self) -> None:
        """The user takes the permission away, from all plugins."""
        self.tokens.clear()

    def value(self, name: str) -> float:
        """Of a parameter, now: injected values last a second."""
        parameter = self.inputs[name]
        return parameter.value if self._now_s() <= parameter.until_s else parameter.default

    def show(self, model: Model | None) -> None:
        """The user loads a model, or unloads it."""
        self.model = model
        data = {
            "modelLoaded": model is not None,
            "modelName": model.name if model else "",
            "modelID": model.id if model else "",
        }
        self.tell("ModelLoadedEvent", data)

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """An event, to those who subscribed."""
        for session in self.sessions.values():
            if event in session.events:
                session.push(envelope(event, str(uuid.uuid4()), data))

    # --- requests ---

    def handle(self, session: Session, raw: str | bytes) -> dict[str, Any] | None:
        """The answer; None for a pop-up, which is answered later."""
        request_id, kind = str(uuid.uuid4()), ""
        try:
            try:
                message = json.loads(raw)
            except ValueError:
                raise ApiError(2, "JSON invalid") from None
            if not isinstance(message, dict):
                raise ApiError(2, "JSON invalid")
            if "requestID" in message:
                given = message["requestID"]
                if not isinstance(given, str) or not 1 <= len(given) <= 64 or not given.isascii():
                    raise ApiError(5, "Request ID invalid")
                request_id = given
            if message.get("apiName") != "VTubeStudioPublicAPI":
                raise ApiError(3, "API name invalid")
            if message.get("apiVersion") != "1.0":
                raise ApiError(4, "API version invalid")
            kind = message.get("messageType", "")
            if not isinstance(kind, str) or not kind:
                raise ApiError(6, "Request type missing")
            self.requests.append(kind)
            return self._carry_out(session, kind, request_id, message.get("data") or {})
        except ApiError as error:
            self.errors.append(error.code)
            return envelope(
                "APIError", request_id, {"errorID": error.code, "message": error.message}
            )

    def _carry_out(
        self, session: Session, kind: str, request_id: str, data: Any
    ) -> dict[str, Any] | None:
        name = kind.removesuffix("Request")
        method = _KINDS.get(name) if kind.endswith("Request") else None
        if method is None:
            raise ApiError(7, "Request type unknown")
        if not self.api_on and name != "APIState":
            raise ApiError(1, "API access deactivated")
        if name not in _WITHOUT_LOGIN:
            if not session.authenticated:
                raise ApiError(8, "Request requires authentication")
            if session.plugin not in {plugin for plugin, _ in self.tokens.values()}:
                raise ApiError(50, "User has denied API access for your plugin.")
        if name == "AuthenticationToken":
            self.check_names(data)
            return None
        return envelope(f"{name}Response", request_id, method(self, session, data))

    def check_names(self, data: dict[str, Any]) -> tuple[str, str]:
        plugin, developer = data.get("pluginName"), data.get("pluginDeveloper")
        for code, text in ((52, plugin), (53, developer)):
            if not isinstance(text, str) or not 3 <= len(text) <= 32:
                raise ApiError(code, "Name invalid")
        assert isinstance(plugin, str)
        assert isinstance(developer, str)
        return plugin, developer

    def _api_state(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "active": self.api_on,
            "vTubeStudioVersion": "1.32.0",
            "currentSessionAuthenticated": session.authenticated,
        }

    def _authentication_token(self, session: Session, data: dict[str, Any]) -> None:
        """Answered by a person; see the server."""

    def _authentication(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        needed = ((100, "authenticationToken"), (101, "pluginName"), (102, "pluginDeveloper"))
        for code, key in needed:
            if not isinstance(data.get(key), str):
                raise ApiError(code, f"{key} missing")
        names = data["pluginName"], data["pluginDeveloper"]
        good = self.tokens.get(data["authenticationToken"]) == names
        session.authenticated = good
        session.plugin = names[0] if good else ""
        reason = "Token valid." if good else "Token invalid or revoked by user."
        return {"authenticated": good, "reason": reason}

    def _event_subscription(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        name, wanted = data.get("eventName", ""), data.get("subscribe", False)
        if not name and not wanted:
            session.events.clear()
        elif name not in _EVENTS:
            raise ApiError(950, "Event unknown")
        elif wanted:
            session.events.add(name)
        else:
            session.events.discard(name)
        return {"subscribedEventCount": len(session.events), "subscribedEvents": [*session.events]}

    def _input_parameter_list(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        told = [
            parameter.told() | {"value": self.value(parameter.name)}
            for parameter in self.inputs.values()
        ]
        return self._model_told() | {
            "customParameters": [one for one in told if one["addedBy"] != "VTube Studio"],
            "defaultParameters": [one for one in told if one["addedBy"] == "VTube Studio"],
        }

    def _parameter_value(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        name = data.get("name")
        if name not in self.inputs:
            raise ApiError(500, "Parameter not found")
        return self.inputs[name].told() | {"value": self.value(name)}

    def _parameter_creation(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        name = data.get("parameterName", "")
        if not re.fullmatch(r"[A-Za-z0-9]{4,32}", name):
            raise ApiError(350, "Name invalid")
        numbers = [data.get(key) for key in ("min", "max", "defaultValue")]
        if not all(isinstance(number, int | float) and abs(number) <= LIMIT for number in numbers):
            raise ApiError(351, "Values invalid")
        if len(data.get("explanation", "")) >= 256:
            raise ApiError(353, "Explanation too long")
        before = self.inputs.get(name)
        if before is not None and before.added_by == "VTube Studio":
            raise ApiError(354, "Default parameter")
        if before is not None and before.added_by != session.plugin:
            raise ApiError(352, "Created by other plugin")
        custom = [one for one in self.inputs.values() if one.added_by != "VTube Studio"]
        if before is None and sum(one.added_by == session.plugin for one in custom) >= 100:
            raise ApiError(355, "Limit per plugin")
        if before is None and len(custom) >= 300:
            raise ApiError(356, "Limit")
        low, high, default = (float(number) for number in numbers if number is not None)
        self.inputs[name] = Input(name, low, high, default, session.plugin)
        return {"parameterName": name}

    def _inject_parameter_data(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        values, mode = data.get("parameterValues"), data.get("mode", "set")
        if not isinstance(values, list) or not values:
            raise ApiError(450, "No data")
        if mode not in ("set", "add"):
            raise ApiError(455, "Mode unknown")
        now_s = self._now_s()
        for one in values:
            number, weight = one.get("value"), one.get("weight", 1)
            if not isinstance(number, int | float) or not abs(number) <= LIMIT:
                raise ApiError(451, "Value invalid")
            if not isinstance(weight, int | float) or not 0 <= weight <= 1:
                raise ApiError(452, "Weight invalid")
            parameter = self.inputs.get(one.get("id"))
            if parameter is None:
                raise ApiError(453, "Parameter not found")
            foreign = parameter.owner not in (0, session.number) and now_s <= parameter.until_s
            if mode == "set" and foreign:
                raise ApiError(454, "Controlled by other plugin")
        for one in values:
            parameter = self.inputs[one["id"]]
            parameter.value, parameter.until_s = float(one["value"]), now_s + LAPSE_S
            if mode == "set":
                parameter.owner = session.number
        shown = {one["id"]: float(one["value"]) for one in values}
        self.injected.append(Injected(now_s, session.number, shown, data.get("faceFound"), mode))
        return {}

    def _hotkeys_in_current_model(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        return self._model_told() | {"availableHotkeys": self.model.hotkeys if self.model else []}

    def _hotkey_trigger(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        wanted, now_s = data.get("hotkeyID", ""), self._now_s()
        if self.model is None:
            raise ApiError(201, "No model loaded")
        if self.config_window:
            raise ApiError(205, "Bad state")
        found = next(
            (
                one
                for one in self.model.hotkeys
                if wanted and (one["hotkeyID"] == wanted or one["name"].lower() == wanted.lower())
            ),
            None,
        )
        if found is None:
            raise ApiError(202, "Hotkey not found")
        if now_s < self._cooling.get(found["hotkeyID"], 0.0):
            raise ApiError(203, "Cooldown")
        gap_s = COOLDOWN_FRAMES * FRAME_S
        if self._queue_until_s - now_s > QUEUE * gap_s:
            raise ApiError(200, "Queue full")
        self._queue_until_s = max(self._queue_until_s, now_s) + gap_s
        self._cooling[found["hotkeyID"]] = now_s + gap_s
        self.triggered.append(found["hotkeyID"])
        if found["type"] == "ToggleExpression":
            self.model.expressions[found["file"]] ^= True
        return {"hotkeyID": found["hotkeyID"]}

    def _expression_state(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        file, known = data.get("expressionFile", ""), self.model.expressions if self.model else {}
        if file and not file.endswith(".exp3.json"):
            raise ApiError(600, "Invalid filename")
        if file and file not in known:
            raise ApiError(601, "Not found")
        shown = [
            {
                "name": name.removesuffix(".exp3.json"),
                "file": name,
                "active": active,
                "deactivateWhenKeyIsLetGo": False,
                "autoDeactivateAfterSeconds": False,
                "secondsRemaining": 0,
                "usedInHotkeys": [],
                "parameters": [],
            }
            for name, active in known.items()
            if file in ("", name)
        ]
        return self._model_told() | {"expressions": shown}

    def _expression_activation(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        file = data.get("expressionFile", "")
        if not file.endswith(".exp3.json"):
            raise ApiError(650, "Invalid filename")
        if self.model is None:
            raise ApiError(652, "No model loaded")
        if file not in self.model.expressions:
            raise ApiError(651, "Not found")
        self.model.expressions[file] = bool(data.get("active"))
        return {}

    def _available_models(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        shown = [
            {
                "modelLoaded": one is self.model,
                "modelName": one.name,
                "modelID": one.id,
                "vtsModelName": f"{one.name}.vtube.json",
                "vtsModelIconName": "",
            }
            for one in self.models
        ]
        return {"numberOfModels": len(shown), "availableModels": shown}

    def _model_load(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        if "modelID" not in data:
            raise ApiError(150, "Model ID missing")
        wanted, now_s = data["modelID"], self._now_s()
        model = next((one for one in self.models if one.id == wanted), None)
        if wanted and model is None:
            raise ApiError(152, "Model not found")
        if now_s - self._last_load_s < 2.0:
            raise ApiError(153, "Cooldown")
        if self.config_window:
            raise ApiError(154, "Cannot currently change model")
        self._last_load_s = now_s
        self.show(model)
        return {"modelID": wanted}

    def _statistics(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "uptime": int(self._now_s() * 1000),
            "framerate": 60,
            "vTubeStudioVersion": "1.32.0",
            "allowedPlugins": len(self.tokens),
            "connectedPlugins": len(self.sessions),
            "startedWithSteam": False,
            "windowWidth": 1280,
            "windowHeight": 720,
            "windowIsFullscreen": False,
        }

    def _model_told(self) -> dict[str, Any]:
        return {
            "modelLoaded": self.model is not None,
            "modelName": self.model.name if self.model else "",
            "modelID": self.model.id if self.model else "",
        }


def envelope(kind: str, request_id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiName": "VTubeStudioPublicAPI",
        "apiVersion": "1.0",
        "timestamp": 1_790_000_000_000,
        "messageType": kind,
        "requestID": request_id,
        "data": data,
    }


_KINDS: dict[str, Callable[[Rules, Session, dict[str, Any]], Any]] = {
    "APIState": Rules._api_state,
    "AuthenticationToken": Rules._authentication_token,
    "Authentication": Rules._authentication,
    "EventSubscription": Rules._event_subscription,
    "InputParameterList": Rules._input_parameter_list,
    "ParameterValue": Rules._parameter_value,
    "ParameterCreation": Rules._parameter_creation,
    "InjectParameterData": Rules._inject_parameter_data,
    "HotkeysInCurrentModel": Rules._hotkeys_in_current_model,
    "HotkeyTrigger": Rules._hotkey_trigger,
    "ExpressionState": Rules._expression_state,
    "ExpressionActivation": Rules._expression_activation,
    "AvailableModels": Rules._available_models,
    "ModelLoad": Rules._model_load,
    "Statistics": Rules._statistics,
}
