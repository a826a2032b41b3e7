"""The same face for VRM applications: VMC, which is OSC over UDP.

One datagram a frame: a bundle of every blend shape and of Apply, which makes them count
together. Nobody answers, so nobody can be missed: frames go out whether somebody listens or
not, and only an address that cannot be sent to is a problem. Source: the specification of
sh-akira/VirtualMotionCaptureProtocol; blend shapes have the names of VRM 0.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from workers.avatar.pacing import Pacer, Sleep
from workers.avatar.report import Listener, Report
from workers.avatar.settings import VmcSettings
from workers.avatar.values import Frame, Frames, number

BLENDS: dict[str, str] = {
    "A": "mouth_a",
    "I": "mouth_i",
    "U": "mouth_u",
    "E": "mouth_e",
    "O": "mouth_o",
    "Joy": "joy",
    "Angry": "anger",
    "Sorrow": "sorrow",
    "Fun": "fun",
}
"""Blend shapes of VRM 0 that are one of our values."""

_LIDS = {"Blink_L": "eye_open_left", "Blink_R": "eye_open_right"}
_GLANCES = {"LookLeft": ("gaze_x", -1), "LookRight": ("gaze_x", 1)} | {
    "LookDown": ("gaze_y", -1),
    "LookUp": ("gaze_y", 1),
}
_VOWELS = ("mouth_a", "mouth_i", "mouth_u", "mouth_e", "mouth_o")
_ALIVE_S = 1.0  # between two words that we are there
_RETRY_S = 5.0  # between two tries to have a socket
_LOADED = 1


class Vmc:
    """Owned by a worker that runs ``run``, which never ends by itself and lets nothing out.

    ``frames`` and ``sent`` are as for VTube Studio.
    """

    def __init__(
        self,
        settings: VmcSettings,
        frames: Frames,
        listener: Listener,
        *,
        sent: Callable[[int, int], None] | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._frames = frames
        self._sent = sent
        self._now_ns = now_ns
        self._sleep = sleep
        self._pacer = Pacer(settings.rate_hz, settings.idle_hz, now_ns, sleep)
        self._report = Report(listener, f"avatar {settings.name}", math.inf, lambda: now_ns() / 1e9)

    @property
    def speaking(self) -> bool:
        """Whether the face has to follow a voice: then frames come at the full rate."""
        return self._pacer.lively

    @speaking.setter
    def speaking(self, speaking: bool) -> None:
        self._pacer.lively = speaking

    async def run(self) -> None:
        """Until cancelled."""
        place = f"{self._settings.host}:{self._settings.port}"
        while True:
            try:
                await self._send()
            except (OSError, UnicodeError) as error:
                why = getattr(error, "strerror", None) or type(error).__name__
                self._report.away(
                    f"VMC cannot be sent to {place} ({why})", "correct the host and the port"
                )
                await self._sleep(_RETRY_S)

    async def _send(self) -> None:
        """Until the socket fails: OSError."""
        loop = asyncio.get_running_loop()
        out, sending = await loop.create_datagram_endpoint(
            _Sending, remote_addr=(self._settings.host, self._settings.port)
        )
        started_ns = self._now_ns()
        alive_s = -math.inf
        try:
            while True:
                due_ns = await self._pacer.frame()
                now_ns = self._now_ns()
                at_s = (now_ns - started_ns) / 1e9
                alive = at_s - alive_s >= _ALIVE_S
                alive_s = at_s if alive else alive_s
                if sending.error is not None:
                    raise sending.error
                face = self._frames(now_ns)
                out.sendto(datagram(face, at_s, self._settings, alive=alive))
                self._report.back()
                if self._sent is not None:
                    self._sent(due_ns, self._now_ns())
        finally:
            out.close()
            await sending.closed


class _Sending(asyncio.DatagramProtocol):
    """A socket that only sends. ``closed`` is done when it is gone."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: OSError | None = None

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError) and not isinstance(exc, ConnectionRefusedError):
            self.error = exc  # refused: the application is not there yet

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError):
            self.error = exc
        if not self.closed.done():
            self.closed.set_result(None)


def blends(face: Frame) -> dict[str, float]:
    """Blend shapes of VRM 0, each 0..1, for what ``face`` tells."""
    found: dict[str, float] = {}
    for name, value in BLENDS.items():
        if (shown := number(face, value)) is not None:
            found[name] = shown
    if not any(face.get(vowel) for vowel in _VOWELS):
        # whoever tells how far a mouth is open and not how: it is A, the plain one
        opened = number(face, "mouth_open")
        if opened is not None:
            found["A"] = opened
    for name, value in _LIDS.items():
        if (shown := number(face, value)) is not None:
            found[name] = 1.0 - shown
    for name, (value, sign) in _GLANCES.items():
        if (shown := number(face, value)) is not None:
            found[name] = max(0.0, sign * shown)
    return found


def datagram(face: Frame, at_s: float, settings: VmcSettings, *, alive: bool = False) -> bytes:
    """The bundle of one frame. ``at_s``: since the start. ``alive``: say that we are there too."""
    bundle = OscBundleBuilder(IMMEDIATELY)
    if alive:
        bundle.add_content(_message("/VMC/Ext/OK", _LOADED))
    bundle.add_content(_message("/VMC/Ext/T", at_s))
    for name, value in blends(face).items():
        bundle.add_content(_message("/VMC/Ext/Blend/Val", name, value))
    bundle.add_content(_message("/VMC/Ext/Blend/Apply"))
    if settings.head:
        turn = rotation(face, math.radians(settings.head_degrees))
        bundle.add_content(_message("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.0, 0.0, *turn))
    return bundle.build().dgram


def rotation(face: Frame, most: float) -> tuple[float, float, float, float]:
    """The head's quaternion x y z w in Unity's axes: x nods, y turns, z leans. ``most``: radians
    at 1."""
    nod, turn, lean = (
        (number(face, name) or 0.0) * most / 2 for name in ("head_pitch", "head_yaw", "head_roll")
    )
    nod = -nod  # Unity's axes are left-handed: up is negative
    (sx, cx), (sy, cy), (sz, cz) = ((math.sin(half), math.cos(half)) for half in (nod, turn, -lean))
    return (
        cy * sx * cz + sy * cx * sz,
        sy * cx * cz - cy * sx * sz,
        cy * cx * sz - sy * sx * cz,
        cy * cx * cz + sy * sx * sz,
    )


def _message(address: str, *values: str | float | int) -> OscMessage:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()
