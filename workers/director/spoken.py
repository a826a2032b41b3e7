"""What people at the microphone said and she has not answered yet.

An utterance travels as a line of the platform ``voice``, so that history, memory, approvals
and reports know it like any other; only nobody keeps it but this.
"""

from __future__ import annotations

import re
import time
import unicodedata

from ipc.protocol import ChatMessage, SpeechFinal
from workers.director.bargein import Utterance
from workers.director.pick import VOICE, Pick

CROWDED_OUT = "too much was said before it was answered"
STALE = "it was said too long ago"

_WAITING = 8  # utterances
_STALE_NS = 30_000_000_000  # nobody expects an answer any more
_TEXT_MAX = 500  # characters, the last ones: that is where the question is
_NAME_MAX = 40
_SPACE = re.compile(r"\s+")


def tidy(text: str) -> str:
    """One line without control characters; of a long one the end."""
    text = unicodedata.normalize("NFC", text[-4 * _TEXT_MAX :])
    text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    text = _SPACE.sub(" ", text).strip()
    if len(text) <= _TEXT_MAX:
        return text
    text = text[1 - _TEXT_MAX :]
    return "…" + text[text.find(" ") + 1 :]


def name_of(source: str) -> str:
    """Who speaks, to be shown and prompted with."""
    return tidy(source)[:_NAME_MAX] or "Somebody"


def line_of(utterance: Utterance, received_ns: int) -> ChatMessage:
    """An utterance as a line. Two of one source never have the same id."""
    name = name_of(utterance.source)
    return ChatMessage(
        id=f"{VOICE}:{name}:{utterance.began_ns}:{utterance.number}",
        platform=VOICE,
        author=name,
        author_id=f"{VOICE}:{name.casefold()}",
        text=tidy(utterance.text),
        received_ns=received_ns,
        at=time.time(),
    )


def ended_ns(final: SpeechFinal, now_ns: int) -> int:
    """When the voice ended, by a clock that is believed only if it can be right."""
    return final.ended_ns if 0 < final.ended_ns <= now_ns else now_ns


class Spoken:
    """Oldest first. What one person said in several goes is answered at once."""

    def __init__(self) -> None:
        self._lines: list[ChatMessage] = []

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, message_id: str) -> bool:
        return any(line.id == message_id for line in self._lines)

    @property
    def authors(self) -> set[str]:
        """The author ids of all that waits."""
        return {line.author_id for line in self._lines}

    def add(self, line: ChatMessage) -> list[ChatMessage]:
        """Returns what had to give way."""
        self._lines.append(line)
        gone = self._lines[:-_WAITING]
        self._lines = self._lines[-_WAITING:]
        return gone

    def put_back(self, pick: Pick) -> None:
        """Its reply was prepared in vain: it is next again."""
        self._lines = [*(line for line in pick.lines if line.id not in self), *self._lines]

    def take(self) -> Pick | None:
        """What to answer next."""
        if not self._lines:
            return None
        author_id = self._lines[0].author_id
        lines = tuple(line for line in self._lines if line.author_id == author_id)
        self._lines = [line for line in self._lines if line.author_id != author_id]
        return pick_of(lines)

    def expire(self, now_ns: int) -> list[ChatMessage]:
        """What is too old to be answered."""
        old = [line for line in self._lines if line.received_ns + _STALE_NS <= now_ns]
        self._lines = [line for line in self._lines if line not in old]
        return old

    def next_expiry_ns(self) -> int | None:
        """When ``expire`` will have something to do."""
        return min((line.received_ns + _STALE_NS for line in self._lines), default=None)

    def clear(self) -> list[ChatMessage]:
        """Everything that waited."""
        gone, self._lines = self._lines, []
        return gone


def pick_of(lines: tuple[ChatMessage, ...]) -> Pick:
    """What one person said."""
    return Pick(lines, lines[0].author, tidy(" ".join(line.text for line in lines)))
