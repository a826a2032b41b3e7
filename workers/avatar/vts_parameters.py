"""Which parameter gets which number: our values laid over the ranges VTube Studio tells."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from msgspec import Struct

from workers.avatar.settings import Drive
from workers.avatar.values import VALUES, Frame, number
from workers.avatar.vts_protocol import INJECTION, VALUE_MAX, InputParameter, encode, printable

_DIGITS = 4  # of a number on the wire; finer than any model moves


class Parameter(Struct):
    """One number of a frame on the wire."""

    id: str
    value: float


class Injection(Struct, rename="camel"):
    """InjectParameterData. Mode ``set``: nobody else moves these parameters meanwhile."""

    face_found: bool
    mode: str
    parameter_values: list[Parameter]


@dataclass(frozen=True, slots=True)
class Track:
    """One parameter: ``rest + value * reach`` is what it gets, within what the API takes."""

    parameter: str
    value: str
    rest: float
    reach: float

    def at(self, value: float) -> float:
        """What the parameter gets for this value."""
        return round(_bounded(self.rest + value * self.reach), _DIGITS)

    @classmethod
    def over(cls, drive: Drive, parameter: InputParameter) -> Track:
        """A signed value is centred on the parameter's range; any other begins at its 0, or at
        its lower end if there is no 0 in it."""
        low, high = sorted((_bounded(parameter.low), _bounded(parameter.high)))
        if low == high:
            low, high = 0.0, 1.0
        if VALUES[drive.value].signed:
            return cls(
                parameter.name, drive.value, (low + high) / 2, (high - low) / 2 * drive.scale
            )
        rest = min(max(0.0, low), high)
        return cls(parameter.name, drive.value, rest, (high - rest) * drive.scale)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is injected now. ``number`` tells one set from the next: an answer about a former
    set says nothing about this one."""

    tracks: tuple[Track, ...] = ()
    number: int = 0
    face_found: bool = True
    missing: tuple[str, ...] = field(default=())  # wanted, and VTube Studio has them not

    @property
    def request_id(self) -> str:
        """Of every frame of this set."""
        return f"{INJECTION}{self.number}"

    def encode(self, frame: Frame) -> bytes:
        """The request with what ``frame`` tells of these parameters; empty if that is nothing."""
        values: list[Parameter] = []
        for track in self.tracks:
            value = number(frame, track.value)
            if value is not None:
                values.append(Parameter(track.parameter, track.at(value)))
        if not values:
            return b""
        return encode("InjectParameterData", self.request_id, self._injection(values))

    def probe(self, track: Track) -> Injection:
        """A frame with this parameter alone, to find the one that spoils the others."""
        return self._injection([Parameter(track.parameter, track.at(VALUES[track.value].rest))])

    def without(self, refused: Collection[str]) -> Parameters:
        """The same without these parameters."""
        kept = tuple(track for track in self.tracks if track.parameter not in refused)
        return Parameters(kept, self.number + 1, self.face_found, self.missing)

    def _injection(self, values: list[Parameter]) -> Injection:
        return Injection(self.face_found, "set", values)


def parameters(
    drives: Mapping[str, Drive],
    known: Collection[InputParameter],
    former: Parameters,
    *,
    face_found: bool,
) -> Parameters:
    """Everything of ``drives`` that VTube Studio knows, at the ranges it tells."""
    by_name = {parameter.name: parameter for parameter in known}
    tracks = tuple(
        Track.over(drive, by_name[name]) for name, drive in drives.items() if name in by_name
    )
    missing = tuple(
        name for name, drive in drives.items() if name not in by_name and not drive.optional
    )
    return Parameters(tracks, former.number + 1, face_found, missing)


def nearest(name: str, known: Collection[str]) -> str:
    """A question with the name that was probably meant; "" if none is near."""
    folded = {other.casefold(): other for other in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {printable(folded[near[0]])!r}?" if near else ""


def _bounded(limit: float) -> float:
    return min(VALUE_MAX, max(-VALUE_MAX, limit)) if math.isfinite(limit) else 0.0
