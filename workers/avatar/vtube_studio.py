"""One avatar in one VTube Studio: finds it, is let in, keeps its face moving, and comes back.

``run`` never ends by itself and lets out no exception but those of a fault in the program:
that VTube Studio is not there, says no or goes away is told to the Listener, and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ipc.errors import PeerUnavailable, RequestFailed
from workers.avatar.discovery import Discovery
from workers.avatar.pacing import Pacer, Sleep
from workers.avatar.report import Listener, Report
from workers.avatar.settings import VtsSettings
from workers.avatar.values import Frames
from workers.avatar.vts_acting import Acting
from workers.avatar.vts_errors import API_OFF, DENIED, NEEDS_AUTHENTICATION, explain
from workers.avatar.vts_login import Denied, Login
from workers.avatar.vts_model import Body, load_model
from workers.avatar.vts_protocol import Envelope, Refused
from workers.avatar.vts_session import Dropped, Session, dial, first
from workers.avatar.vts_token import TokenFile

TOLD_S = 60.0  # a connection that comes and goes is told of once in this time
_EVENTS = ("ModelLoadedEvent", "ModelConfigChangedEvent")


class Phase(StrEnum):
    """How far we are with VTube Studio."""

    AWAY = "away"  # not there, or not letting us in for a reason that may pass
    ENTERING = "entering"  # connected; perhaps a person has to click
    DENIED = "denied"  # nothing is tried until somebody asks for it
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Status:
    """For screens."""

    phase: Phase
    model: str
    hotkeys: list[str]
    left_out: list[str]  # parameters that are wanted and cannot be driven
    frames: int  # sent since the start


class VTubeStudio:
    """Owned by a worker that runs ``run`` and calls the rest at any time.

    ``frames`` tells the face at a moment; it is asked ``rate_hz`` times a second while
    ``speaking`` is set. ``sent`` is told, for every frame, when it was due and when its bytes
    were handed to the system (CLOCK_MONOTONIC ns).
    """

    def __init__(
        self,
        settings: VtsSettings,
        frames: Frames,
        state_dir: Path,
        listener: Listener,
        discovery: Discovery | None = None,
        *,
        sent: Callable[[int, int], None] | None = None,
        rng: random.Random | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.phase = Phase.AWAY
        self._settings = settings
        self._frames = frames
        self._discovery = discovery
        self._sent = sent
        self._rng = rng or random.Random()
        self._now_ns = now_ns
        self._sleep = sleep
        name = f"avatar {settings.name}"
        self._report = Report(listener, name, TOLD_S, self._now_s)
        self._acting = Acting(settings, self._report, self._now_s)
        self._body = Body(settings, self._report, self._acting, self._now_s)
        self._login = Login(settings, TokenFile(state_dir, settings.name), self._report, sleep)
        self._pacer = Pacer(settings.rate_hz, settings.idle_hz, now_ns, sleep)
        self._session: Session | None = None  # while it is ready
        self._told = asyncio.Event()  # by the operator: ask again
        self._nudged = asyncio.Event()  # by the network: something has changed
        self._frames_sent = 0

    # --- for the owner ---

    @property
    def speaking(self) -> bool:
        """Whether the face has to follow a voice: then frames come at the full rate."""
        return self._pacer.lively

    @speaking.setter
    def speaking(self, speaking: bool) -> None:
        self._pacer.lively = speaking

    def feel(self, feeling: str) -> None:
        """The face of this feeling, until another is named; "" is none."""
        self._acting.feel(feeling)

    def press(self, hotkey: str) -> None:
        """A hotkey of the model, by name or id."""
        self._acting.press(hotkey)

    def ask_again(self) -> None:
        """After a denial: show the question in VTube Studio once more."""
        self._told.set()
        self._nudged.set()

    async def load_model(self, name: str) -> str:
        """Change the model, by name or id; the name of the new one. Raises RequestFailed, and
        PeerUnavailable while VTube Studio is away."""
        session = self._session
        if session is None:
            raise PeerUnavailable(
                f"avatar {self._settings.name}: VTube Studio is {self.phase.value}"
            )
        try:
            return await load_model(session, name, self._sleep)
        except Refused as refused:
            raise RequestFailed(refused.text, refused.hint) from None
        except Dropped as dropped:
            raise RequestFailed(dropped.why, dropped.hint) from None

    def status(self) -> Status:
        """As of now."""
        body = self._body
        return Status(
            self.phase, body.model, self._acting.hotkeys, body.left_out, self._frames_sent
        )

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        with self._listening():
            while True:
                self._nudged.clear()
                try:
                    await self._connection()
                except Dropped as dropped:
                    failures = 0 if self.phase is Phase.READY else failures + 1
                    self.phase = Phase.AWAY
                    self._report.away(dropped.why, self._hint(dropped.hint))
                    await self._pause(failures)
                except Denied as denied:
                    self.phase = Phase.DENIED
                    self._report.waits("error", denied.text, denied.hint)
                    self._told.clear()
                    await self._told.wait()

    # --- one connection ---

    async def _connection(self) -> None:
        """From dialling to the end. Raises Dropped or Denied."""
        host, port = self._address()
        session = Session(await dial(host, port), self._heard, self._injected, self._now_s)
        try:
            await first(session.read(), self._use(session))
        except Refused as refused:
            raise _end(refused) from None
        finally:
            self._session = None
            await session.close()

    async def _use(self, session: Session) -> None:
        self.phase = Phase.ENTERING
        await self._login.enter(session)
        for event in _EVENTS:
            await self._subscribe(session, event)
        await self._body.create(session)
        await self._body.learn(session)
        self._session = session
        self.phase = Phase.READY
        self._report.back()
        await first(self._inject(session), self._acting.act(session), self._body.keep_up(session))

    async def _subscribe(self, session: Session, event: str) -> None:
        data = {"eventName": event, "subscribe": True, "config": {}}
        try:
            await session.call("EventSubscription", dict, data)
        except Refused as refused:
            if refused.code == DENIED:
                raise
            self._report.once("warning", refused.text, refused.hint)

    async def _inject(self, session: Session) -> None:
        while True:
            due_ns = await self._pacer.frame()
            request = self._body.parameters.encode(self._frames(self._now_ns()))
            if request and await session.inject(request):
                self._frames_sent += 1
                if self._sent is not None:
                    self._sent(due_ns, self._now_ns())

    def _heard(self, envelope: Envelope) -> None:
        if envelope.message_type in _EVENTS:
            self._body.changed()

    def _injected(self, request_id: str, refused: Refused | None) -> None:
        if refused is None:
            return
        if refused.code in (DENIED, API_OFF, NEEDS_AUTHENTICATION):
            raise _end(refused)
        self._body.refused(request_id, refused)

    # --- where it is, and when to try again ---

    def _address(self) -> tuple[str, int]:
        """What is configured, completed by what the network tells. Raises Dropped."""
        host, port = self._settings.host, self._settings.port
        if host and port:
            return host, port
        heard = None
        if self._discovery is not None:
            heard = self._discovery.find(host, self._settings.window)
        if heard is None:
            why = self._discovery.problem if self._discovery is not None else ""
            raise Dropped(
                "no VTube Studio is heard on the network" + (f": {why}" if why else ""),
                "start it, or set its host and port",
            )
        if port and heard.port != port:
            raise Dropped(
                f"the VTube Studio heard at {heard.host} has port {heard.port}, not {port}",
                "correct the port, or set it to 0 to take any",
            )
        if not heard.active:
            raise Dropped(*explain(API_OFF))
        return host or heard.host, port or heard.port

    def _hint(self, hint: str) -> str:
        """What the network tells is a better hint than a guess."""
        settings = self._settings
        heard = self._discovery.find(settings.host, settings.window) if self._discovery else None
        if heard is not None and not heard.active:
            return explain(API_OFF)[1]
        if heard is not None and settings.port and heard.port != settings.port:
            return f"VTube Studio says that its port is {heard.port}; set it here"
        return hint

    async def _pause(self, failures: int) -> None:
        """Full jitter; over at once when the network tells of a change."""
        ceiling = self._settings.retry_base_s * 2.0 ** min(failures, 16)
        pause_s = self._rng.uniform(0.0, min(self._settings.retry_max_s, ceiling))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._nudged.wait()

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """The network's news end a pause."""
        if self._discovery is None:
            yield
            return
        self._discovery.listeners.add(self._nudged.set)
        try:
            yield
        finally:
            self._discovery.listeners.discard(self._nudged.set)

    def _now_s(self) -> float:
        return self._now_ns() / 1e9


def _end(refused: Refused) -> Dropped | Denied:
    """What an error that ends a connection means for the next."""
    if refused.code == DENIED:
        return Denied(refused.text, refused.hint)
    return Dropped(refused.text, refused.hint)
