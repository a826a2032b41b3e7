"""What a chat platform is to the show: one class, one coroutine, and what it lets us do.

To add a platform, write a class with what ``Platform`` has and name it in
``sources.configured``. ``run`` connects, tells its Feed what happens and reconnects by itself;
it is cancelled when the show ends. It does not clean, bound or judge the text, and it does
not remove duplicates: the worker does, by ``Line.id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ipc.errors import RequestFailed
from ipc.states import ChatKind, Role

CONSOLE = "console"  # the platform of ``spark-tui ask`` and ``ctl chat``


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the platform gave it. Ids are the platform's own, without its name before them.

    ``id`` is the same however often and by whichever way the same line comes (in Twitch's
    shared chat: the source id); ``delete_id`` is what deletes it here, if that is another.
    """

    platform: str
    author: str
    author_id: str
    text: str
    received_ns: int  # CLOCK_MONOTONIC when its bytes were read from the socket
    id: str = ""  # empty: the platform has none, nothing is removed by it
    delete_id: str = ""
    login: str = ""  # the name that is typed, if another than the one shown
    kind: ChatKind = ChatKind.LINE
    count: int = 0  # months, gifts, viewers of a raid
    notice: str = ""  # the platform's own sentence
    roles: tuple[Role, ...] = ()
    first: bool = False
    paid: float = 0.0  # about how many US dollars
    paid_text: str = ""
    reply_to: str = ""
    emotes_only: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """The platform took something back: lines by id, all of one author, or everything."""

    ids: tuple[str, ...] = ()  # ``Line.id`` or ``Line.delete_id``
    author_id: str = ""
    everything: bool = False
    banned: bool = False  # for good, not for a while
    seconds: int = 0  # how long a timeout lasts; 0: not told, or none
    reason: str = ""


class Feed(Protocol):
    """What a platform tells the show. Nothing of it waits or raises."""

    def lines(self, lines: Sequence[Line]) -> None:
        """Lines that came together."""

    def removed(self, removal: Removal) -> None:
        """From now on nothing of this may be heard."""

    def notice(self, level: str, text: str, hint: str = "") -> None:
        """A sentence for the operator, said once. ``level``: info, warning or error."""

    def problem(self, text: str) -> None:
        """The platform is away or misses something, until it is called with "" again."""


class PlatformRefused(RequestFailed):
    """The platform (or what we are allowed there) says no; the hint says how to mend it."""


class Platform(Protocol):
    """A source of lines, and a place to act. Every deed raises PlatformRefused."""

    name: str

    @property
    def numbered_viewers(self) -> bool:
        """Whether ``Line.author_id`` always is a number: then a name that nobody here has is not
        taken for an id, of which no line would ever come."""

    @property
    def self_id(self) -> str:
        """``Line.author_id`` of the account we write under: what it writes is shown, but not
        answered. Empty while unknown, or if there is none."""

    async def run(self, feed: Feed) -> None:
        """Tell ``feed`` until cancelled, or until there is no more."""

    async def delete(self, line_id: str) -> None:
        """Delete a line by its ``delete_id`` (or ``id``)."""

    async def timeout(self, author_id: str, seconds: int, reason: str) -> None:
        """Silence a viewer for a while."""

    async def ban(self, author_id: str, reason: str) -> None:
        """Silence a viewer for good."""

    async def unban(self, author_id: str) -> None:
        """End a ban or a timeout."""

    async def send(self, text: str, reply_to: str = "") -> None:
        """Write into the chat, as an answer to the line with this id if one is given."""


class ReadOnly:
    """Base of platforms on which nothing can be done."""

    name = ""
    numbered_viewers = False
    self_id = ""

    def _no(self) -> PlatformRefused:
        return PlatformRefused(f"{self.name} has no moderation", "it counts in this show only")

    async def delete(self, line_id: str) -> None:  # noqa: ARG002
        raise self._no()

    async def timeout(self, author_id: str, seconds: int, reason: str) -> None:  # noqa: ARG002
        raise self._no()

    async def ban(self, author_id: str, reason: str) -> None:  # noqa: ARG002
        raise self._no()

    async def unban(self, author_id: str) -> None:  # noqa: ARG002
        raise self._no()

    async def send(self, text: str, reply_to: str = "") -> None:  # noqa: ARG002
        raise PlatformRefused(f"nothing can be written to {self.name}")
