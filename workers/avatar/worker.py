"""The avatar worker: what the stage plays becomes what the bodies show.

The stage sends the mouth for every stretch of sound, stamped on the playout clock; each body
asks its animator what the face looks like now. The body of who is silent listens.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from ipc.errors import ConfigError, RequestFailed
from ipc.protocol import Command, Feel, Message, MouthStop, MouthTrack
from workers.avatar.bodies import check_personas, vmc_settings, vts_settings
from workers.avatar.discovery import Discovery
from workers.avatar.faces import told
from workers.avatar.values import Frame
from workers.avatar.vmc import Vmc
from workers.avatar.vtube_studio import VTubeStudio
from workers.face import EVENTS, Animator
from workers.runtime import Link, Worker

_CALM_S = 1.0  # after the last sound the full frame rate goes on for this long
_ROW_BYTES = 6 * 4


@dataclass(slots=True)
class Body:
    """One application, and the animator that says what its face does."""

    name: str
    persona: str
    animator: Animator
    delay_s: float = 0.0
    client: VTubeStudio | Vmc | None = None
    feeling: str = ""

    def frame(self, now_ns: int) -> Frame:
        """The face at this moment."""
        at_s = now_ns / 1e9 - self.delay_s  # what is heard now left the stage that much earlier
        self.animator.track.forget(at_s - 1.0)
        face = self.animator.at(at_s)
        if isinstance(self.client, VTubeStudio):
            self._feel(self.client, face.expressions)
        return told(face)

    def _feel(self, client: VTubeStudio, expressions: dict[str, float]) -> None:
        """The strongest feeling, if there is one that shows."""
        name, weight = max(expressions.items(), key=lambda item: item[1], default=("", 0.0))
        feeling = name if weight > 0.35 else self.feeling if weight > 0.2 else ""
        if feeling != self.feeling:
            self.feeling = feeling
            client.feel(feeling)


class _Ear:
    """What a client tells, under its name. Its Listener."""

    def __init__(self, worker: AvatarWorker, name: str) -> None:
        self._worker = worker
        self._name = name

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self._worker.link.notice(level, text, hint)

    def problem(self, text: str) -> None:
        self._worker.trouble(self._name, text)


class AvatarWorker(Worker):
    """Every body of [avatar]."""

    name = "avatar"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._bodies: dict[str, Body] = {}
        self._problems: dict[str, str] = {}
        self._discovery: Discovery | None = None
        self._calm: asyncio.TimerHandle | None = None

    async def load(self) -> dict[str, str]:
        """Bodies connect later, whenever they are there. Raises ConfigError."""
        section = self.link.config.avatar
        check_personas(section, self.link.config.personas)
        if not (section.vts or section.vmc):
            raise ConfigError(
                "avatar.enabled is true, but there is no body",
                "add a table [avatar.vts.NAME] or [avatar.vmc.NAME], or set it to false",
            )
        # numpy is wanted with the first sound, and takes a moment to load
        await asyncio.to_thread(__import__, "numpy")
        if any(not (body.host and body.port) or body.window for body in section.vts.values()):
            self._discovery = await Discovery().__aenter__()
        for name, vts in section.vts.items():
            body = self._body(name, vts.persona)
            settings = vts_settings(name, vts, section)
            body.client = VTubeStudio(
                settings, body.frame, self.link.state_dir, _Ear(self, name), self._discovery
            )
            self.link.spawn(body.client.run(), f"avatar {name}")
        for name, vmc in section.vmc.items():
            body = self._body(name, vmc.persona)
            body.client = Vmc(vmc_settings(name, section), body.frame, _Ear(self, name))
            self.link.spawn(body.client.run(), f"avatar {name}")
        return {"bodies": ", ".join(self._bodies)}

    def receive(self, message: Message, payload: bytes) -> None:
        now_s = time.monotonic()
        if isinstance(message, MouthTrack):
            self._speaks(message, payload)
        elif isinstance(message, MouthStop):
            for body in self._bodies.values():
                body.animator.track.cut(now_s)
        elif isinstance(message, Feel):
            for body in self._of(message.persona):
                if message.emotion in EVENTS:
                    body.animator.expressions.event(message.emotion, now_s)
                else:
                    body.animator.expressions.emotion(message.emotion, now_s, message.strength)

    async def command(self, command: Command) -> Any:
        if command.verb != "avatar":
            return await super().command(command)
        name, hotkey = str(command.args["name"]), str(command.args.get("hotkey") or "")
        body = self._bodies.get(name)
        if body is None:
            raise RequestFailed(f"there is no body {name!r}", f"there is {', '.join(self._bodies)}")
        if not isinstance(body.client, VTubeStudio):
            raise RequestFailed(f"{name} is no VTube Studio", "VMC has no hotkeys")
        if hotkey:
            body.client.press(hotkey)
        else:
            body.client.ask_again()
        status = body.client.status()
        return {"phase": status.phase, "model": status.model, "hotkeys": status.hotkeys}

    async def close(self) -> None:
        if self._calm is not None:
            self._calm.cancel()
        if self._discovery is not None:
            await self._discovery.__aexit__(None, None, None)

    def trouble(self, name: str, text: str) -> None:
        """A body is missing or misses something; empty when it no longer does."""
        if text:
            self._problems[name] = text
        else:
            self._problems.pop(name, None)
        self.link.problem = "; ".join(self._problems.values())

    # --- inside ---

    def _body(self, name: str, persona: str) -> Body:
        if name in self._bodies:
            raise ConfigError(
                f"[avatar.vmc.{name}]: a VTube Studio has this name already", "take another name"
            )
        delay_s = self.link.config.avatar.delay_ms / 1000
        body = Body(name, persona, Animator(seed=len(self._bodies) + 1), delay_s)
        self._bodies[name] = body
        return body

    def _of(self, persona: str) -> list[Body]:
        return [
            b for b in self._bodies.values() if not (b.persona and persona) or b.persona == persona
        ]

    def _speaks(self, track: MouthTrack, payload: bytes) -> None:
        import numpy as np  # noqa: PLC0415  # loaded with the worker, off the event loop

        rows = np.frombuffer(payload[: len(payload) // _ROW_BYTES * _ROW_BYTES], "<f4")
        start_s = track.at_ns / 1e9
        speaking = self._of(track.persona)
        for body in self._bodies.values():
            speaks = body in speaking
            body.animator.listen(not speaks, start_s)
            if speaks:
                body.animator.track.place(start_s, rows.reshape(-1, 6).astype(np.float64))
                if track.emotion:
                    body.animator.expressions.emotion(track.emotion, start_s)
            if body.client is not None:
                body.client.speaking = True
        ends_s = start_s + len(rows) / 6 / track.rate_hz
        if self._calm is not None:
            self._calm.cancel()
        delay_s = max(0.0, ends_s - time.monotonic()) + _CALM_S
        self._calm = asyncio.get_running_loop().call_later(delay_s, self._silent)

    def _silent(self) -> None:
        self._calm = None
        for body in self._bodies.values():
            body.animator.listen(False, time.monotonic())
            if body.client is not None:
                body.client.speaking = False
