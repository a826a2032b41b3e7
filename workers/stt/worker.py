"""Hearing as a process of the show: messages out to the director, what she says in."""

from __future__ import annotations

from ipc.protocol import Message, Playing
from workers.runtime import Link, Worker
from workers.stt.ears import Told
from workers.stt.hearing import Hearing


class SttWorker(Worker):
    """Owns one ``Hearing``."""

    name = "stt"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._hearing = Hearing(link.config.stt, link, self._tell)

    async def load(self) -> dict[str, str]:
        return await self._hearing.load()

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002  (no sound comes)
        if isinstance(message, Playing):
            self._hearing.playing(message.text)

    async def close(self) -> None:
        await self._hearing.close()

    def _tell(self, message: Told) -> None:
        self.link.progressed()
        if self.link.serves("director"):
            self.link.send("director", message)
