"""What a source says first, and whether it sends what it said. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from workers.stt.audio import BadSound, check_format

_NAME = re.compile(r"[\w][\w .'-]{0,31}")
_WATCH_S = 4.0  # a judgement needs this long; a burst at the start is the network's
_BURST_S = 2.0
_FAST = 1.25  # more sound than time: the rate is not the one that was said
EXAMPLE = '{"name": "mic", "rate": 48000, "channels": 1, "format": "s16le"}'


@dataclass(frozen=True)
class Hello:
    """``hears_her`` is None where the source does not know."""

    name: str
    rate: int
    channels: int
    format: str
    hears_her: bool | None


def read_hello(text: str) -> Hello:
    """Raises BadSound."""
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadSound("the first message is no JSON object", f"begin with: {EXAMPLE}")
    if "rate" not in said:
        raise BadSound("the first message names no rate", f"begin with: {EXAMPLE}")
    name = said.get("name", "mic")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadSound(
            f"{str(name)[:40]!r} cannot be the name of a source",
            "use at most 32 letters, digits, spaces, - and _",
        )
    hears = said.get("hears_her")
    if hears is not None and not isinstance(hears, bool):
        raise BadSound("hears_her is neither true nor false", "leave it out, or send true or false")
    rate, channels, format_ = check_format(
        said["rate"], said.get("channels", 1), said.get("format", "s16le")
    )
    return Hello(name, rate, channels, format_, hears)


class Pace:
    """Watches whether sound comes as fast as its rate says. Times in seconds."""

    def __init__(self, rate: int, now_s: float) -> None:
        self._rate = rate
        self._since_s = now_s
        self._samples = 0

    def came(self, samples: int, now_s: float) -> None:
        """Raises BadSound when more comes than the rate allows."""
        self._samples += samples
        took_s = now_s - self._since_s
        sound_s = self._samples / self._rate
        if sound_s > took_s * _FAST + _BURST_S and (took_s >= _WATCH_S or sound_s > 10 * _BURST_S):
            really = f", about {round(self._samples / took_s)} a second" if took_s >= 1 else ""
            raise BadSound(
                f"more sound comes than {self._rate} samples a second{really}",
                "say the rate that is sent, and send sound as it happens",
            )
        if took_s >= 5 * _WATCH_S:
            self._since_s, self._samples = now_s, 0
