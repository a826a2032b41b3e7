"""The obs worker: listens to the show's events, and keeps OBS in line with them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ipc.config import ObsSection
from ipc.errors import ConfigError, RequestFailed
from ipc.events import EventStream
from ipc.operator import OperatorClient
from ipc.protocol import Cancel, ClauseEvent, Message, Peer, ShowEvent, TraceEvent
from ipc.secrets import Secrets, SecretStr
from workers.obs.client import Obs, ObsSettings
from workers.obs.programme import Air, Programme
from workers.obs.sentences import SECRET
from workers.runtime import Link, Worker

TOPICS = ("ShowEvent", "ClauseEvent", "TraceEvent")


class ObsWorker(Worker):
    """Also the Listener of its Obs."""

    name = "obs"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._programme = Programme()
        self._last_password = SecretStr("")
        self._stream: EventStream | None = None
        self._operator: OperatorClient | None = None
        self._obs = Obs(_settings(link.config.obs), self._programme, self._password, self)

    async def load(self) -> dict[str, str]:
        """Connects later: OBS may be started at any time. Raises ConfigError for secrets that
        cannot be read."""
        section = self.link.config.obs
        self._last_password = Secrets.load(self.link.state_dir).get(SECRET.name)
        self._stream = EventStream(self.link.endpoints, self._heard, TOPICS)
        self._operator = OperatorClient(self.link.endpoints, readonly=True, who=self.name)
        self._programme.director(serves=self.link.serves("director"), now_s=time.monotonic())
        self.link.spawn(self._ask_how_it_is(self._operator), "status")
        self.link.spawn(self._obs.run(), "obs")
        return {"OBS": f"looked for at {section.host}:{section.port}"}

    def receive(self, message: Message, payload: bytes) -> None:
        """Nobody sends it anything."""

    def cancelled(self, cancel: Cancel) -> None:
        self._programme.cut(cancel)
        self._obs.changed()

    def peer_changed(self, peer: Peer) -> None:
        if peer.name == "director":
            self._programme.director(serves=peer.state.serves, now_s=time.monotonic())
            self._obs.changed()

    async def drain(self) -> None:
        self._programme.end(over=self.link.show_ends)
        await self._obs.settled()

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._operator is not None:
            self._operator.close()

    # --- what OBS tells (report.Listener) ---

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.link.notice(level, text, hint)

    def problem(self, text: str) -> None:
        self.link.problem = text

    def details(self, details: Mapping[str, str]) -> None:
        self.link.details = dict(details)

    # --- what the show tells ---

    def _heard(self, topic: str, sequence: int, event: Message) -> None:  # noqa: ARG002 of EventStream
        if isinstance(event, ShowEvent | TraceEvent) or (
            isinstance(event, ClauseEvent) and self.link.fence.allows(event.turn)
        ):
            self._programme.hear(event)
            self._obs.changed()
            self.link.progressed()

    async def _ask_how_it_is(self, operator: OperatorClient) -> None:
        """What the director told before we listened."""
        try:
            status = await operator.request("status")
        except RequestFailed:
            return  # the next event tells
        if not self._programme.known:
            self._programme.show(held=bool(status["show"]["held"]))
            self._obs.changed()

    def _password(self) -> SecretStr:
        """As it is now: a person may have corrected it. While the file cannot be used (it is
        being written, say), as it was."""
        try:
            self._last_password = Secrets.load(self.link.state_dir).get(SECRET.name)
        except ConfigError:
            return self._last_password
        return self._last_password


def _settings(section: ObsSection) -> ObsSettings:
    return ObsSettings(
        host=section.host,
        port=section.port,
        scenes={
            Air.ON_AIR: section.scene_on_air,
            Air.HELD: section.scene_held,
            Air.BREAK: section.scene_break,
        },
        caption_source=section.caption_source,
        poll_s=section.poll_s,
        retry_base_s=section.retry_base_s,
        retry_max_s=section.retry_max_s,
    )
