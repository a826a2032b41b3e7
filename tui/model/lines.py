"""What the show consists of on screen: a chat line, a clause, a reply, an entry of the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from ipc.states import ChatKind, TurnOutcome


@dataclass
class ChatLine:
    """One line of chat, or what a platform told of a viewer, and what became of it."""

    id: str
    platform: str
    author: str
    text: str
    at: float
    author_id: str = ""
    kind: ChatKind = ChatKind.LINE
    notice: str = ""
    roles: tuple[str, ...] = ()
    first: bool = False
    paid_text: str = ""
    reply_to: str = ""
    held_why: str = ""
    outcome: TurnOutcome | None = None
    reason: str = ""
    turn: int = 0
    removed: bool = False

    @property
    def viewer(self) -> str:
        """What operator verbs call its author; the name where the platform gave no id."""
        return self.author_id or self.author

    @property
    def content(self) -> str:
        """What the platform says of it and what the viewer typed, as one text."""
        return " · ".join(part for part in (self.notice, self.text) if part)


@dataclass
class Clause:
    """A piece of what she says. ``heard`` 0..1; ``over`` once it will not grow any more."""

    turn: int
    clause: int
    speaker: str
    text: str
    heard: float
    verdict: str
    at: float
    why: str = ""
    over: bool = False


@dataclass(frozen=True)
class LogEntry:
    """One line of the log. ``level``: info, warning or error."""

    at: float
    level: str
    source: str
    text: str
    hint: str = ""


@dataclass
class Turn:
    """Who or what a reply answers, and how it went."""

    turn: int
    source: str
    persona: str
    author: str = ""
    text: str = ""
    message_ids: list[str] = field(default_factory=list)
    outcome: TurnOutcome | None = None
