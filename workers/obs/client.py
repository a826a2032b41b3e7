"""One OBS, if it is there: brought in line with the programme, and come back to for ever.

``run`` lets out no exception but those of a fault in the program: that OBS is not there, says
no or goes away is told to the Listener.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct, field

from ipc.secrets import SecretStr
from workers.obs.programme import Air, Captions, Programme, Scenes
from workers.obs.protocol import Status
from workers.obs.report import Listener, Report
from workers.obs.session import Denied, Dropped, Nothing, Refused, Session, Sleep, enter
from workers.obs.stream import StreamStatus, describe

STABLE_S = 10.0  # connected for this long, and the next pause is the first one again
SECRET_S = 5.0  # how often a refused password is looked up again
_LISTED = 12  # names of scenes or sources in one sentence

_RENAMED = {
    "SceneCreated", "SceneRemoved", "SceneNameChanged", "InputCreated", "InputRemoved",
    "InputNameChanged", "CurrentSceneCollectionChanged",
}  # fmt: skip
_STREAM = "StreamStateChanged"


@dataclass(frozen=True, slots=True)
class ObsSettings:
    """Of one OBS. Empty names: nothing is done there."""

    host: str
    port: int
    scenes: dict[Air, str]
    caption_source: str
    poll_s: float
    retry_base_s: float
    retry_max_s: float


class Version(Struct, rename="camel"):
    obs_version: str = "?"


class CurrentScene(Struct, rename="camel"):
    current_program_scene_name: str | None = None  # none while scenes are loaded


class Scene(Struct, rename="camel"):
    scene_name: str


class SceneList(Struct, rename="camel"):
    scenes: list[Scene] = field(default_factory=list)


class Input(Struct, rename="camel"):
    input_name: str
    input_kind: str | None = None


class InputList(Struct, rename="camel"):
    inputs: list[Input] = field(default_factory=list)


class Obs:
    """Owned by a worker that runs ``run``; ``programme`` may change whenever ``changed`` is
    called afterwards. ``password`` is asked before every connection."""

    def __init__(
        self,
        settings: ObsSettings,
        programme: Programme,
        password: Callable[[], SecretStr],
        listener: Listener,
        *,
        rng: random.Random | None = None,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._programme = programme
        self._password = password
        self._rng = rng or random.Random()
        self._now_s = now_s
        self._sleep = sleep
        self._report = Report(listener, f"{settings.host}:{settings.port}", now_s)
        self._scenes = Scenes(settings.scenes)
        self._captions = Captions()
        self._news = asyncio.Event()
        self._connected = False
        self._in_line = asyncio.Event()  # OBS shows what it should, or is not there
        self._look_again = True
        self._caption_there = True
        self._poll_at_s = -math.inf
        self._since_s = math.inf

    def changed(self) -> None:
        """The programme has changed."""
        self._news.set()

    async def settled(self) -> None:
        """Until OBS shows what the programme wants; at once if it is not there."""
        if self._connected:
            self._in_line.clear()
            self._news.set()
            await self._in_line.wait()

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            self._since_s = math.inf
            password = self._password()
            try:
                await self._connection(password)
            except Dropped as dropped:
                self._report.away(dropped.why, dropped.hint)
                stable = self._now_s() - self._since_s >= STABLE_S
                failures = 0 if stable else failures + 1
                await self._sleep(self._pause_s(failures))
            except Denied as denied:
                self._report.denied(denied.why, denied.hint)
                while self._password() == password:
                    await self._sleep(SECRET_S)

    # --- one connection ---

    async def _connection(self, password: SecretStr) -> None:
        """From dialling to the end. Raises Dropped or Denied."""
        settings = self._settings
        session = await enter(settings.host, settings.port, password, self._heard, self._sleep)
        try:
            version = await session.call("GetVersion", Version)
            self._report.here(version.obs_version)
            self._since_s = self._now_s()
            self._connected = True
            self._look_again, self._poll_at_s = True, -math.inf
            while True:
                self._news.clear()
                await self._bring_in_line(session)
                await self._pause()
                session.check()
        except Refused as refused:
            raise Dropped(refused.why, refused.hint) from None
        finally:
            self._connected = False
            self._in_line.set()
            await session.close()

    async def _bring_in_line(self, session: Session) -> None:
        """All that is due now."""
        if self._look_again:
            self._look_again = False
            await self._look(session)
        await self._show_scene(session)
        await self._show_caption(session)
        if self._now_s() >= self._poll_at_s:
            await self._poll(session)

    async def _pause(self) -> None:
        """Until there is news, or something is due."""
        if self._news.is_set():
            return
        now_s = self._now_s()
        caption_s = math.inf
        if self._caption_there and self._settings.caption_source:
            caption_s = self._captions.due_s(self._programme.caption)
        if caption_s == math.inf:
            self._in_line.set()
        due_s = min(self._poll_at_s, self._programme.due_s(now_s), caption_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due_s - now_s)):
                await self._news.wait()

    def _heard(self, event: str) -> None:
        """An event of OBS, or the end of the connection."""
        if event in _RENAMED:
            self._look_again = True
        elif event == _STREAM:
            self._poll_at_s = -math.inf
        elif event:
            return
        self._news.set()

    # --- deeds ---

    async def _show_scene(self, session: Session) -> None:
        state = self._programme.state(self._now_s())
        wanted = self._scenes.wanted(state)
        if wanted:
            current = await session.call("GetCurrentProgramScene", CurrentScene)
            name = current.current_program_scene_name
            if name is None:
                return  # the next look at the stream comes back to it
            if name not in self._scenes.ours:
                self._report.once(
                    "info",
                    f"OBS shows the scene {name!r}, which is none of the show's: it stays",
                    f"change to one of {_names(self._scenes.ours)}, and the show takes over",
                )
            elif name != wanted:
                await self._set_scene(session, wanted)
        self._scenes.done(state)

    async def _set_scene(self, session: Session, name: str) -> None:
        try:
            await session.call("SetCurrentProgramScene", Nothing, {"sceneName": name})
        except Refused as refused:
            if refused.code == Status.NOT_FOUND:
                await self._look(session)
            else:
                self._report.once("warning", f"scene {name!r}: {refused.why}", refused.hint)

    async def _show_caption(self, session: Session) -> None:
        source, text = self._settings.caption_source, self._programme.caption
        if not (source and self._caption_there and self._captions.wanted(text, self._now_s())):
            return
        data = {"inputName": source, "inputSettings": {"text": text}, "overlay": True}
        try:
            await session.call("SetInputSettings", Nothing, data)
            self._captions.sent(text, self._now_s())
        except Refused as refused:
            self._caption_there = False
            if refused.code == Status.NOT_FOUND:
                await self._look(session)
            else:
                self._report.lacks("caption", f"caption source: {refused.why}", refused.hint)

    async def _poll(self, session: Session) -> None:
        self._poll_at_s = self._now_s() + self._settings.poll_s
        status = await session.call("GetStreamStatus", StreamStatus)
        self._report.stream(describe(status))
        reconnecting = status.output_active and status.output_reconnecting
        self._report.lacks("stream", "OBS lost the stream and reconnects" if reconnecting else "")

    async def _look(self, session: Session) -> None:
        """Whether all that is configured is there."""
        if self._scenes.ours:
            listed = await session.call("GetSceneList", SceneList)
            there = [scene.scene_name for scene in listed.scenes]
            missing = sorted(self._scenes.ours - set(there))
            self._report.lacks(
                "scenes",
                f"OBS has no scene {_names(missing)}" if missing else "",
                f"there is {_names(there)}; correct obs.scene_*, or make it in OBS",
            )
        if source := self._settings.caption_source:
            inputs = (await session.call("GetInputList", InputList)).inputs
            kinds = {one.input_name: one.input_kind or "" for one in inputs}
            texts = [name for name, kind in kinds.items() if kind.startswith("text_")]
            self._caption_there = source in texts
            wrong = ""
            if source not in kinds:
                wrong = f"OBS has no source {source!r} for captions"
            elif not self._caption_there:
                wrong = f"the source {source!r} in OBS is no text"
            self._report.lacks(
                "caption",
                wrong,
                f"there is {_names(texts)}; correct obs.caption_source, or make a text source",
            )
            self._captions.forget()

    def _pause_s(self, failures: int) -> float:
        """Full jitter."""
        ceiling = self._settings.retry_base_s * 2.0 ** min(failures - 1, 16)
        return self._rng.uniform(0.0, min(self._settings.retry_max_s, ceiling))


def _names(names: list[str] | set[str]) -> str:
    """``'Live', 'Pause'``."""
    shown = [repr(name[:60]) for name in list(names)[:_LISTED]]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more > 0 else "")
