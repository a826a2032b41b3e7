"""Pipeline plane, chat: what viewers write, and what must not be heard any more."""

from __future__ import annotations

from ipc.protocol.base import Amount, Message, Nanoseconds, Seconds
from ipc.states import ChatKind


class ChatMessage(Message, frozen=True):
    """One line of a viewer, or something a platform tells of one (``kind``): bounded, without
    control characters, and let through by the gate. Travels in ChatLines."""

    id: str  # the same for the same line, however often and by whichever way it came
    platform: str
    author: str
    author_id: str  # "platform:id", what bans and memories go by
    text: str  # what the viewer wrote; may be empty if ``kind`` is not a line
    received_ns: Nanoseconds  # when the platform (or the operator's request) handed it to us
    at: float
    kind: ChatKind = ChatKind.LINE
    count: Amount = 0  # months of a sub, gifts given, viewers of a raid
    notice: str = ""  # the platform's own sentence about a kind that is not a line
    roles: list[str] = []  # of ipc.states.Role
    first: bool = False  # the first line of this viewer in this channel
    paid: Seconds = 0.0  # about how many US dollars it cost
    paid_text: str = ""  # as the platform shows it: "500 bits", "5,00 €"
    reply_to: str = ""  # name of whom it answers
    emotes_only: bool = False
    held_why: str = ""  # not empty: the gate wants a person to look at it first


class ChatLines(Message, frozen=True):
    """chat -> director: what arrived together. Thousands a minute cost one frame a moment."""

    lines: list[ChatMessage]


class Removed(Message, frozen=True):
    """chat -> director: nothing of these lines may be heard any more, at whatever stage they are.

    By id (deleted), by author (timed out or banned), or everything of a platform (the room
    was wiped). ``forget``: banned, so history and memory lose the author too.
    """

    platform: str
    message_ids: list[str] = []
    author_id: str = ""
    everything: bool = False
    forget: bool = False
    reason: str = ""


class GateHit(Message, frozen=True):
    """chat -> director: the gate stopped lines on their way in. Many make the show careful."""

    hits: Amount
    why: str


class Taken(Message, frozen=True):
    """director -> chat: these lines have their turn, or were passed over. Until then chat keeps
    them, so that a director that dies loses none."""

    message_ids: list[str]
