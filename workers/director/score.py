"""What a chat line is worth: one factor for each thing that speaks for or against it.

docs/chat.md explains the formula. Factors are kept as powers of two (1.0 doubles, -1.0
halves), so that they are added and a half-life is one: the order of two lines never changes
while they wait, and nothing needs to be weighed twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import log2

from ipc.config import ScoreSection
from ipc.protocol import ChatMessage
from ipc.states import ChatKind
from workers.director.words import Folded, fold

_S = 1_000_000_000
_SLOTS = 5  # in a half-life; within one, lines are equally fresh and the oldest goes first
_LOUD = 20.0  # more lines a minute than this change nothing more
_ASKED = re.compile(r"[?？؟⸮\u037e](?!\w)|¿")  # not the one in the address of a page


def _folded(words: str) -> frozenset[str]:
    return frozenset(fold(words).words.split())


_ASKS = _folded("what whats who whos whose how hows why whys when where wheres which")
_VERBS = _folded("can could does did is are am was were will would should has may shall")
_ORDERS = _folded("do have")  # "do it" asks nothing, "do you" does
_SOMEBODY = _folded("you u ya we i they he she anyone someone")
_SOMETHING = _folded("it this that there")
_EVENTS = frozenset({ChatKind.SUB, ChatKind.GIFT, ChatKind.RAID})

Factors = dict[str, float]


def special(line: ChatMessage) -> bool:
    """Whether somebody did more than write: always worth an answer of its own."""
    return line.paid > 0 or line.kind in _EVENTS


class Scorer:
    """Weighs lines. ``names``: what she is called, also by the platforms."""

    def __init__(self, weights: ScoreSection, names: Iterable[str]) -> None:
        self._log = {name: log2(getattr(weights, name)) for name in weights.__struct_fields__}
        self._slot_ns = max(1, int(weights.half_life_s * _S / _SLOTS))
        folded = sorted({fold(name).words for name in names} - {""})
        # scripts without spaces: a name may stand in the middle of what looks like a word
        self._names = tuple(name if name.isascii() else name.strip() for name in folded)

    def factors(self, line: ChatMessage, folded: Folded, lately: float) -> Factors:
        """What speaks for and against this line.

        ``folded``: its text. ``lately``: lines of this viewer within a minute.
        """
        log = self._log
        found: Factors = {}
        if line.kind in _EVENTS:
            found["event"] = log["event"]
        elif line.kind is ChatKind.OTHER:
            found["other"] = log["other"]
        elif line.emotes_only or not folded.words:
            found["emotes_only"] = log["emotes_only"]
        if self._named(folded.words):
            found["mention"] = log["mention"]
        if line.reply_to and self._named(fold(line.reply_to).words):
            found["reply"] = log["reply"]
        elif "mention" not in found and (line.reply_to or line.text.startswith("@")):
            found["aside"] = log["aside"]
        if folded.words and _question(line.text, folded.words):
            found["question"] = log["question"]
        if line.first:
            found["first"] = log["first"]
        if line.roles:
            found["member"] = log["member"]
        if line.paid > 0:
            found["paid"] = log["paid"] * log2(1 + line.paid)
        if lately > 1 and not special(line):
            found["busy"] = log["busy"] * (min(lately, _LOUD) - 1)
        return found

    def repeated(self, people: int) -> float:
        """The factor of what so many people wrote."""
        return self._log["repeated"] * log2(people)

    def answered(self, replies: float) -> float:
        """The factor of a line whose viewer had so many replies lately."""
        return self._log["answered"] * replies

    def fresh(self, received_ns: int, now_ns: int = 0) -> float:
        """The factor of a line's age. Without ``now_ns``: up to a constant, the same for all."""
        return (received_ns // self._slot_ns - now_ns // self._slot_ns) / _SLOTS

    def _named(self, folded: str) -> bool:
        return any(name in folded for name in self._names)


def _question(text: str, folded: str) -> bool:
    if _ASKED.search(text):
        return True
    verb, about, *_ = [*folded.split(" ", 3)[1:], ""]
    if verb in _ASKS:
        return True  # many do not bother with the mark
    if verb in _VERBS:
        return about in _SOMEBODY or about in _SOMETHING
    return verb in _ORDERS and about in _SOMEBODY
