"""What a client has to know: where its application is, and what drives what there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from ipc.errors import ConfigError
from workers.avatar.values import VALUES

VTS_PORT = 8001
VMC_PORT = 39539


@dataclass(frozen=True, slots=True)
class Drive:
    """A parameter of the application follows one of our values.

    The value's range is laid over the parameter's, as the application tells it; ``scale`` 0.5
    uses half of it, a negative one turns it round. ``optional``: that the application does not
    have the parameter is not worth a word.
    """

    value: str
    scale: float = 1.0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Custom:
    """A parameter that VTube Studio is asked to create. ``low`` and ``high`` are hints for it."""

    explanation: str = ""
    low: float = 0.0
    high: float = 1.0
    default: float = 0.0


DRIVES: dict[str, Drive] = {
    "MouthOpen": Drive("mouth_open"),
    "MouthSmile": Drive("smile"),
    # models differ in which of these opens their mouth
    "VoiceVolumePlusMouthOpen": Drive("mouth_open", optional=True),
    "VoiceFrequencyPlusMouthSmile": Drive("smile", optional=True),
    "VoiceA": Drive("mouth_a", optional=True),
    "VoiceI": Drive("mouth_i", optional=True),
    "VoiceU": Drive("mouth_u", optional=True),
    "VoiceE": Drive("mouth_e", optional=True),
    "VoiceO": Drive("mouth_o", optional=True),
    "EyeOpenLeft": Drive("eye_open_left"),
    "EyeOpenRight": Drive("eye_open_right"),
    "EyeLeftX": Drive("gaze_x", scale=-1.0),
    "EyeLeftY": Drive("gaze_y"),
    "EyeRightX": Drive("gaze_x", scale=-1.0),
    "EyeRightY": Drive("gaze_y"),
    "BrowLeftY": Drive("brow"),
    "BrowRightY": Drive("brow"),
    "FaceAngleX": Drive("head_yaw", scale=-1.0),
    "FaceAngleY": Drive("head_pitch"),
    "FaceAngleZ": Drive("head_roll", scale=-1 / 3),  # its range is three times that of the others
}
"""What is driven unless the configuration says otherwise. To the right is positive for us, as
she sees it, and for Live2D as the viewer does: hence the signs."""


@dataclass(frozen=True, slots=True)
class VtsSettings:
    """One VTube Studio. Raises ConfigError for values, rates and names that cannot be.

    ``host`` "" takes whichever is heard on the network; ``port`` 0 takes the port that is told
    there. ``window`` is the title of its window ("VTube Studio Window 2"), for two of them on
    one computer. ``feelings`` maps what she feels to an expression file of the model
    (``smile.exp3.json``) or to a hotkey (by name or id).
    """

    name: str
    host: str = "localhost"
    port: int = VTS_PORT
    window: str = ""
    plugin: str = "Spark VTuber"
    developer: str = "Spark VTuber"
    drives: Mapping[str, Drive] = field(default_factory=lambda: DRIVES)
    create: Mapping[str, Custom] = field(default_factory=dict)
    feelings: Mapping[str, str] = field(default_factory=dict)
    face_found: bool = True  # VTube Studio does not play its "tracking lost" animation
    rate_hz: float = 60.0
    idle_hz: float = 30.0  # while she is silent
    fade_s: float = 0.25  # how long an expression takes to come; VTube Studio allows 2 s
    retry_base_s: float = 0.5
    retry_max_s: float = 5.0

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise ConfigError(
                f"{self.name!r} cannot be the name of an avatar", "use letters, digits, - and _"
            )
        check_rates(self.name, self.rate_hz, self.idle_hz)
        for parameter, drive in self.drives.items():
            check_value(f"avatar {self.name}, parameter {parameter}", drive.value)
            if not math.isfinite(drive.scale):
                raise ConfigError(f"avatar {self.name}, parameter {parameter}: scale {drive.scale}")


@dataclass(frozen=True, slots=True)
class VmcSettings:
    """One VRM application. Raises ConfigError for values and rates that cannot be.

    ``head`` also turns the head bone; its place in the model is sent as 0, which most
    applications pass over and some do not.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = VMC_PORT
    head: bool = False
    head_degrees: float = 15.0  # how far the head turns at 1
    rate_hz: float = 60.0
    idle_hz: float = 30.0

    def __post_init__(self) -> None:
        check_rates(self.name, self.rate_hz, self.idle_hz)


def check_rates(name: str, *rates_hz: float) -> None:
    """VTube Studio takes back what it has not been told for a second: 2 leaves room."""
    for rate_hz in rates_hz:
        if not 2.0 <= rate_hz <= 240.0:
            raise ConfigError(f"avatar {name}: {rate_hz:g} frames a second", "use 2 to 240")


def check_value(place: str, name: str) -> None:
    """Raises ConfigError unless ``name`` is one of ours."""
    if name not in VALUES:
        near = get_close_matches(name, VALUES, n=1)
        raise ConfigError(
            f"{place}: there is no value {name!r}",
            f"did you mean {near[0]!r}?" if near else f"there is {', '.join(VALUES)}",
        )
