"""The model that is loaded: what it can be driven by, kept up to date while a connection lasts."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from workers.avatar.pacing import Sleep
from workers.avatar.report import Report
from workers.avatar.settings import VtsSettings
from workers.avatar.vts_acting import Acting
from workers.avatar.vts_errors import DENIED, INJECT_CONTROLLED, MODEL_LOAD_COOLDOWN
from workers.avatar.vts_parameters import Parameters, Track, nearest, parameters
from workers.avatar.vts_protocol import (
    Expressions,
    Hotkeys,
    InputParameters,
    Model,
    Models,
    Refused,
    printable,
)
from workers.avatar.vts_session import Nothing, Session

LAPSE_S = 1.5  # VTube Studio forgets what it was told last after a second
_NAMED = 4
PROBE_S = 5.0  # shortest time between two searches for the parameter that spoils the others
WIN_BACK_S = 30.0  # so often a parameter of another plugin is tried again
_COOLDOWN_S = 2.0  # between two models
_NO_MODEL = "no model is loaded in VTube Studio"


class Body:
    """What is injected, and everything that changes it."""

    def __init__(
        self,
        settings: VtsSettings,
        report: Report,
        acting: Acting,
        now_s: Callable[[], float],
    ) -> None:
        self.parameters = Parameters(face_found=settings.face_found)
        self.model = ""
        self._settings = settings
        self._report = report
        self._acting = acting
        self._now_s = now_s
        self._known: list[str] = []
        self._taken: dict[str, Track] = {}  # other plugins have them
        self._spoilt: list[str] = []  # listed, and refused all the same
        self._stale = asyncio.Event()
        self._reread = False
        self._probed_s = -math.inf
        self._learned_s = -math.inf

    @property
    def left_out(self) -> list[str]:
        """Parameters that are wanted and not driven."""
        return [*self.parameters.missing, *self._taken, *self._spoilt]

    # --- told by the connection ---

    def changed(self) -> None:
        """Another model, or other hotkeys: read all again."""
        self._reread = True
        self._stale.set()

    def refused(self, request_id: str, refused: Refused) -> None:
        """A frame was refused as a whole: find out for which parameter."""
        if request_id != self.parameters.request_id:
            return  # of a former set
        if refused.code == INJECT_CONTROLLED and self._now_s() - self._learned_s < LAPSE_S:
            return  # what we injected ourselves before a restart has yet to lapse
        if self._now_s() - self._probed_s >= PROBE_S:
            self._stale.set()
        else:
            self._report.once("warning", refused.text, refused.hint)

    # --- tasks of the connection ---

    async def create(self, session: Session) -> None:
        """The parameters that the configuration wants VTube Studio to have."""
        for name, custom in self._settings.create.items():
            data = {
                "parameterName": name,
                "explanation": custom.explanation,
                "min": custom.low,
                "max": custom.high,
                "defaultValue": custom.default,
            }
            try:
                await session.call("ParameterCreation", Nothing, data)
            except Refused as refused:
                self._passable(refused)
                self._report.once("warning", f"parameter {name!r}: {refused.text}", refused.hint)

    async def learn(self, session: Session) -> None:
        """Read what there is. Raises Dropped, Refused."""
        self._reread = False
        told = await session.call("InputParameterList", InputParameters)
        known = [*told.default, *told.custom]
        self.model = printable(told.model) if told.loaded else ""
        self._known = [parameter.name for parameter in known]
        self._taken, self._spoilt = {}, []
        self._learned_s = self._now_s()
        self._probed_s = -math.inf
        self.parameters = parameters(
            self._settings.drives, known, self.parameters, face_found=self._settings.face_found
        )
        for name in self.parameters.missing:
            self._unknown(name)
        hotkeys = await session.call("HotkeysInCurrentModel", Hotkeys)
        states = await session.call("ExpressionState", Expressions, {"details": False})
        self._acting.know(hotkeys.hotkeys, states.expressions)
        self._report.lacks("model", "" if told.loaded else _NO_MODEL)
        self._tell_what_is_left()

    async def keep_up(self, session: Session) -> None:
        """Read again and sort out, whenever there is a reason. Raises Dropped, Refused."""
        while True:
            try:
                async with asyncio.timeout(WIN_BACK_S if self._taken else None):
                    await self._stale.wait()
            except TimeoutError:
                await self._win_back(session)
                continue
            self._stale.clear()
            if self._reread:
                await self.learn(session)
            else:
                await self._sort_out(session)

    async def _sort_out(self, session: Session) -> None:
        """Try every parameter alone and go on without those that are refused."""
        refused: dict[str, Track] = {}
        errors: dict[tuple[str, str], list[str]] = {}
        for track in self.parameters.tracks:
            error = await self._try(session, track)
            if error is None:
                continue
            refused[track.parameter] = track
            if error.code == INJECT_CONTROLLED:
                self._taken[track.parameter] = track
            else:
                self._spoilt.append(track.parameter)
            errors.setdefault((error.text, error.hint), []).append(track.parameter)
        for (text, hint), names in errors.items():
            self._report.once("warning", f"{_listed(names)}: {text}", hint)
        self._probed_s = self._now_s()
        self.parameters = self.parameters.without(refused)
        self._tell_what_is_left()

    async def _win_back(self, session: Session) -> None:
        """Other plugins end; what they controlled is ours again."""
        for track in tuple(self._taken.values()):
            if await self._try(session, track) is None:
                self._reread = True
        if self._reread:
            self._stale.set()

    async def _try(self, session: Session, track: Track) -> Refused | None:
        try:
            await session.call("InjectParameterData", Nothing, self.parameters.probe(track))
        except Refused as refused:
            self._passable(refused)
            return refused
        return None

    def _passable(self, refused: Refused) -> None:
        """An error about one thing, or raised: it is about all."""
        if refused.code <= DENIED:
            raise refused

    def _unknown(self, name: str) -> None:
        self._report.once(
            "warning",
            f"VTube Studio has no parameter {name!r}; the others are driven without it",
            nearest(name, self._known) or "check the avatar's list of parameters",
        )

    def _tell_what_is_left(self) -> None:
        none = not self.parameters.tracks
        self._report.lacks("parameters", "no parameter can be driven" if none else "")


def _listed(names: list[str]) -> str:
    """Parameters for a sentence."""
    if len(names) == 1:
        return f"parameter {names[0]!r}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"parameters {', '.join(names[:_NAMED])}{more}"


async def load_model(session: Session, name: str, sleep: Sleep = asyncio.sleep) -> str:
    """Another model, by name or id; its name. Raises Refused, Dropped."""
    models = (await session.call("AvailableModels", Models)).models
    folded = name.casefold()
    by_id = next((model for model in models if model.id == name), None)
    model = by_id or next((model for model in models if model.name.casefold() == folded), None)
    data = {"modelID": model.id if model is not None else name}
    try:
        await session.call("ModelLoad", Model, data)
    except Refused as refused:
        if refused.code != MODEL_LOAD_COOLDOWN:
            raise
        await sleep(_COOLDOWN_S)
        await session.call("ModelLoad", Model, data)
    return printable(model.name) if model is not None else name
