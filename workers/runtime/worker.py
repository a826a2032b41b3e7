"""The interface a worker implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from ipc.errors import RequestFailed
from ipc.protocol import Cancel, Command, Message, Peer
from workers.runtime.link import Link


class Worker(ABC):
    """One process of the show. All methods are called on the event loop.

    ``load`` may raise a SparkError: the worker exits with its exit code, and 78 (a
    configuration error) is not retried. Whatever else is raised, here or in a task of
    ``link.spawn``, ends the process with 1, and the supervisor starts another one.
    """

    name: ClassVar[str]
    hears_fenced: ClassVar[tuple[type[Message], ...]] = ()
    """Messages that are received although their turn is fenced: reports about its end."""

    def __init__(self, link: Link) -> None:
        self.link = link

    @abstractmethod
    async def load(self) -> dict[str, str]:
        """Load, warm up with one tiny inference, and return details for people.

        Long loading belongs into ``asyncio.to_thread``; say how far it is with
        ``link.loading``.
        """

    @abstractmethod
    def receive(self, message: Message, payload: bytes) -> None:
        """A pipeline message whose turn the fence allows, or of ``hears_fenced``.

        Must not block.
        """

    def cancelled(self, cancel: Cancel) -> None:
        """Turns were fenced (``link.fence`` knows already): stop working on them now."""

    def peer_changed(self, peer: Peer) -> None:
        """Another worker changed its state (``link.peers`` knows already)."""

    async def command(self, command: Command) -> Any:
        """Carry out an operator request this worker owns and return its result.

        Runs as a task of its own. A SparkError becomes the operator's answer.
        """
        raise RequestFailed(f"{self.name} does not know {command.verb!r}")

    async def drain(self) -> None:
        """Finish or write what is under way; nothing new arrives any more."""

    async def close(self) -> None:
        """Release what load opened. Called once, also after a failure."""
