"""What the test VTube Studio has to begin with: tracking parameters, models, hotkeys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Input:
    """A tracking parameter."""

    name: str
    low: float
    high: float
    default: float = 0.0
    added_by: str = "VTube Studio"
    value: float = 0.0
    until_s: float = 0.0  # injected until then
    owner: int = 0  # session that sets it

    def told(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "addedBy": self.added_by,
            "value": self.value,
            "min": self.low,
            "max": self.high,
            "defaultValue": self.default,
        }


@dataclass
class Model:
    name: str
    id: str
    hotkeys: list[dict[str, Any]] = field(default_factory=list)
    expressions: dict[str, bool] = field(default_factory=dict)  # file: whether it is on


def hotkey(name: str, kind: str = "TriggerAnimation", file: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "description": "",
        "file": file,
        "hotkeyID": f"id-{name.lower()}",
        "keyCombination": [],
        "onScreenButtonID": -1,
    }


def default_inputs() -> dict[str, Input]:
    zero_one = [
        "MouthOpen",
        "MouthSmile",
        "Brows",
        "BrowLeftY",
        "BrowRightY",
        "EyeOpenLeft",
        "EyeOpenRight",
        "CheekPuff",
        "TongueOut",
        "FaceAngry",
        "VoiceVolume",
        "VoiceFrequency",
        "VoiceVolumePlusMouthOpen",
        "VoiceFrequencyPlusMouthSmile",
        "VoiceA",
        "VoiceI",
        "VoiceU",
        "VoiceE",
        "VoiceO",
        "VoiceSilence",
    ]
    one = ["EyeLeftX", "EyeLeftY", "EyeRightX", "EyeRightY", "MouthX"]
    ranges = dict.fromkeys(zero_one, (0.0, 1.0)) | dict.fromkeys(one, (-1.0, 1.0))
    ranges |= {"FaceAngleX": (-30, 30), "FaceAngleY": (-30, 30), "FaceAngleZ": (-90, 90)}
    ranges |= {"FacePositionX": (-15, 15), "FacePositionY": (-15, 15), "FacePositionZ": (-10, 10)}
    return {name: Input(name, low, high) for name, (low, high) in ranges.items()}


def default_models() -> list[Model]:
    nova = Model(
        "Nova",
        "model-nova",
        [
            hotkey("Wave"),
            hotkey("Wink"),
            hotkey("Smile", "ToggleExpression", "smile.exp3.json"),
        ],
        {"smile.exp3.json": False, "cry.exp3.json": False},
    )
    return [nova, Model("Umbra", "model-umbra", [hotkey("Bow")], {"glare.exp3.json": False})]
