"""What a reply answers, in the words of the prompt: a line, many that agree, or all of chat."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ipc.protocol import ChatMessage
from ipc.states import ChatKind

VOICE = "voice"  # the platform of what people at a microphone say
CROWD_LINES = 64  # each of them gets its outcome
CROWD_CHARS = 300  # a small model makes nothing of more, and every token delays the first
_ENTRY_CHARS = 75
_AUTHOR_CHARS = 24
_BETWEEN = " / "
_COMMAND = re.compile(r"!(\w+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pick:
    """What a reply answers: one line, the same line of several people, or chat as a crowd.

    ``lines`` is never empty and its first is the one shown; ``author`` and ``text`` are what
    the prompt says ("12 viewers", what they ask).
    """

    lines: tuple[ChatMessage, ...]
    author: str
    text: str
    crowd: bool = False

    @classmethod
    def of(cls, line: ChatMessage) -> Pick:
        return cls((line,), line.author, said(line))

    @property
    def first(self) -> ChatMessage:
        return self.lines[0]

    @property
    def spoken(self) -> bool:
        """Whether it was said, not written."""
        return self.first.platform == VOICE

    @property
    def ids(self) -> list[str]:
        return [line.id for line in self.lines]


class Commands:
    """``!name`` lines. ``known``: name to what she is asked to do then."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = {name.lstrip("!").casefold(): text for name, text in known.items()}

    def of(self, line: ChatMessage) -> tuple[str, str] | None:
        """Name and the rest of the line; None if it is no command. A paid one that nobody
        knows is just a line: it is not ignored."""
        if not line.text.startswith("!") or line.kind is not ChatKind.LINE:
            return None
        match = _COMMAND.fullmatch(line.text)
        if match is None or (line.paid > 0 and match[1].casefold() not in self._known):
            return None
        return match[1].casefold(), match[2].strip()

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def said(self, line: ChatMessage) -> str:
        """What the prompt says of a line: for a command the instruction, then what was typed."""
        command = self.of(line)
        if command is None or command[0] not in self._known:
            return said(line)
        name, rest = command
        typed = f" ({line.author} typed: !{name} {rest})" if rest else ""
        return self._known[name].strip() + typed


def said(line: ChatMessage) -> str:
    """A viewer's words, behind what the platform tells of them."""
    told = line.notice or line.paid_text
    return f"({told}) {line.text}".strip() if told else line.text


def who(line: ChatMessage, people: int, at_most: int) -> str:
    """The author of what ``people`` wrote, who are counted up to ``at_most``."""
    if people == 1:
        return line.author
    return f"{people} viewers" if people < at_most else f"more than {people - 1} viewers"


def crowd_text(entries: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """One line for many, from (author, text), the most important first. How many fitted."""
    parts: list[str] = []
    length = 0
    for author, text in entries:
        part = _shorten(f"{_shorten(author, _AUTHOR_CHARS)}: {text}", _ENTRY_CHARS)
        length += len(part) + len(_BETWEEN)
        if length > CROWD_CHARS + len(_BETWEEN):
            break
        parts.append(part)
    return _BETWEEN.join(parts), len(parts)


def _shorten(text: str, limit: int) -> str:
    """Cut between words where there are any."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return cut[: space if space > limit // 2 else None].rstrip() + "…"
