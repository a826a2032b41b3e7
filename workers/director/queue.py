"""Chat lines that wait. What is passed over is passed over here, before it costs anything.

``score`` says what a line is worth, ``group`` keeps lines together that say the same,
``pick`` words what was chosen, ``pace`` counts. All in memory that does not grow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import msgspec

from ipc.config import DirectorSection
from ipc.protocol import ChatMessage
from ipc.states import ChatKind
from workers.director.group import PEOPLE, Group, Rank, Waiting
from workers.director.pace import Pace, Recent
from workers.director.pick import CROWD_LINES, Commands, Pick, crowd_text, who
from workers.director.score import Scorer, special
from workers.director.words import Folded, fold

__all__ = ["ChatQueue", "Pick"]

A_COMMAND = "a command"
SAID_ALREADY = "the same viewer said so already"
SAME = "the same as others that wait"
NEWER = "a newer line of the same viewer"
FULL = "the queue is full"
TOO_OLD = "it waited too long"

_CONSOLE = "console"
_CROWD_OF = 8  # groups that are looked at for a crowd's one line
_WRITERS = 4096  # viewers whose lines of the last minute are counted
_REPLIED = 1024  # viewers, and questions, whose replies are remembered
_LATELY_S = 30.0  # a line counts half after this: about a minute is felt
_REPLIED_S = 60.0
_CROWD_REPLY = 0.5  # she spoke to all of them, and maybe not of this one

Passed = tuple[ChatMessage, str]


class ChatQueue:
    """The best line first, and the oldest of equals. ``len`` counts what would get a reply
    of its own: lines that say the same are one.

    Methods that may pass lines over return them with the reason, a sentence.
    """

    def __init__(self, settings: DirectorSection, names: Iterable[str] = ()) -> None:
        self._size = settings.queue_size
        self._viewer_lines = settings.viewer_lines
        self._max_age_ns = int(settings.queue_max_age_s * 1e9)
        self._commands = Commands(settings.commands)
        self._scorer = Scorer(settings.score, [*names, *settings.called])
        self._groups: dict[str, Group] = {}
        self._of: dict[str, Group] = {}  # message id -> where it waits
        self._by_author: dict[str, list[str]] = {}  # message ids, oldest first
        self._back = count(1)  # order of groups that came ...
        self._front = count(-1, -1)  # ... and of those put before all others
        self._weakest: Group | None = None  # known until something changes
        self._given_way: list[Passed] = []  # not told yet
        self._no_older_ns = 0  # every line that can expire was received then or later
        self._pace = Pace(settings.crowd_per_minute)
        self._writers = Recent(_LATELY_S, _WRITERS)
        self._viewers = Recent(_REPLIED_S, _REPLIED)
        self._questions = Recent(_REPLIED_S, _REPLIED)
        self.merged = 0  # lines that joined one that said the same
        self.passed_over: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._groups)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._of

    @property
    def crowd(self) -> bool:
        """Whether chat is so busy that it is answered as a whole."""
        return self._pace.crowd

    def per_minute(self, now_ns: int) -> int:
        """Lines offered in the last minute."""
        return self._pace.per_minute(now_ns)

    # --- in ---

    def offer(self, line: ChatMessage, now_ns: int | None = None) -> list[Passed]:
        """A new line. Returns what had to give way (``line`` itself, if it is worth least)."""
        if line.id in self._of:
            return []
        now = line.received_ns if now_ns is None else now_ns
        if line.received_ns > now:  # a clock elsewhere: it must not wait for ever
            line = msgspec.structs.replace(line, received_ns=now)
        passed = self._place(line, now)
        self._count(passed)
        return passed

    def _place(self, line: ChatMessage, now: int) -> list[Passed]:
        command = self._commands.of(line)
        if command is not None and command[0] not in self._commands:
            self._pace.note(now, of_crowd=False)
            return [(line, A_COMMAND)]
        alone = _alone(line)
        lately = 1.0 if alone else self._writers.note(line.author_id, now)
        self._pace.note(now, of_crowd=lately <= self._viewer_lines)
        folded = fold(line.text)
        key = self._key(line, folded)
        group = self._groups.get(key)
        if group is not None and not alone and group.said_by(line.author_id):
            return [(line, SAID_ALREADY)]
        factors = self._scorer.factors(line, folded, lately)
        if group is None:
            group = self._add(
                key, Rank.CONSOLE if line.platform == _CONSOLE else Rank.CHAT, next(self._back)
            )
        else:
            self.merged += 1
        self._enter(group, Waiting(line, factors, sum(factors.values())))
        passed = self._overflow(group)
        if not alone:
            passed += self._spare(line.author_id)
        return passed + self._shed(group)

    def put_back(self, pick: Pick) -> None:
        """Its reply was prepared in vain: it is next again (a crowd waits with all others).

        What gives way to it is among what ``expire`` returns next.
        """
        lines_of: dict[str, list[ChatMessage]] = {}
        for line in pick.lines:
            lines_of.setdefault(self._key(line, fold(line.text)), []).append(line)
        for key, lines in reversed(lines_of.items()):
            rank = Rank.CHAT if pick.crowd else Rank.AGAIN
            newer: list[Waiting] = []
            if (later := self._groups.get(key)) is not None:
                rank, newer = max(rank, later.rank), later.lines
                self._remove(later)
            group = self._add(key, rank, next(self._front))
            for line in lines:
                factors = self._scorer.factors(line, fold(line.text), 1.0)
                self._enter(group, Waiting(line, factors, sum(factors.values())))
            for waiting in newer:
                self._enter(group, waiting)
            self._given_way += self._overflow(group) + self._shed(group)

    # --- out ---

    def take(self, now_ns: int) -> Pick | None:
        """What to answer next. Call ``expire`` first."""
        if not self._groups:
            return None
        self._pace.per_minute(now_ns)
        ranked = self._ranked(now_ns)
        best = ranked[0]
        if self.crowd and best.rank is Rank.CHAT and not special(best.first):
            return self._take_crowd(ranked)
        self._remove(best)
        author, text = self._words_of(best)
        return Pick(tuple(waiting.line for waiting in best.lines), author, text)

    def _take_crowd(self, ranked: list[Group]) -> Pick:
        """One line of the best that anybody wrote, of each viewer one."""
        chosen: list[Group] = []
        heard: set[str] = set()
        room = CROWD_LINES
        for group in ranked:
            author = group.first.author_id if group.people == 1 else ""
            if group.rank is not Rank.CHAT or special(group.first) or author in heard:
                continue
            if len(group.lines) <= room:
                chosen.append(group)
                room -= len(group.lines)
                heard |= {author} - {""}
            if len(chosen) == _CROWD_OF:
                break
        text, fitted = crowd_text([self._words_of(group) for group in chosen])
        author, whole = self._words_of(chosen[0])
        lines = [waiting.line for group in chosen[:fitted] for waiting in group.lines]
        for group in chosen[:fitted]:
            self._remove(group)
        if fitted == 1:
            return Pick(tuple(lines), author, whole)
        return Pick(tuple(lines), "chat", text, crowd=True)

    def answered(self, pick: Pick, now_ns: int) -> None:
        """A reply to these viewers was opened: others come first for a while."""
        amount = _CROWD_REPLY if pick.crowd else 1.0
        usual = [line for line in pick.lines if line.platform != _CONSOLE]
        for author_id in dict.fromkeys(line.author_id for line in usual):
            self._viewers.note(author_id, now_ns, amount)
        for key in dict.fromkeys(self._key(line, fold(line.text)) for line in usual):
            self._questions.note(hash(key), now_ns, amount)  # a number, however long the line

    def expire(self, now_ns: int) -> list[Passed]:
        """Lines nobody would connect with their answer any more."""
        passed, self._given_way = self._given_way, []
        oldest = now_ns - self._max_age_ns
        if self._groups and self._no_older_ns < oldest:
            for group in self._can_expire():
                old = self._take_out(group, lambda line: line.received_ns < oldest)
                passed += [(line, TOO_OLD) for line in old]
            left = [group.oldest_ns for group in self._can_expire()]
            self._no_older_ns = min(left, default=now_ns)
        self._count(passed)
        return passed

    def next_expiry_ns(self) -> int | None:
        """When ``expire`` may have something to do."""
        if self._given_way:
            return 0
        if all(group.rank is Rank.OPERATOR for group in self._groups.values()):
            return None
        return self._no_older_ns + self._max_age_ns + 1

    def remove(self, gone: Callable[[ChatMessage], bool]) -> list[ChatMessage]:
        """Take out every line for which ``gone`` is true."""
        return [
            line for group in list(self._groups.values()) for line in self._take_out(group, gone)
        ]

    def clear(self) -> list[ChatMessage]:
        """Everything that waited."""
        return self.remove(lambda _line: True)

    # --- by hand ---

    def pick_next(self, message_id: str) -> bool:
        """The operator wants this line answered next, with all who say the same."""
        group = self._of.get(message_id)
        if group is None:
            return False
        group.move(Rank.OPERATOR, next(self._front))
        self._weakest = None
        return True

    def drop(self, message_id: str) -> ChatMessage | None:
        """The operator passes this line over."""
        group = self._of.get(message_id)
        if group is None:
            return None
        (line,) = self._take_out(group, lambda line: line.id == message_id)
        return line

    def listing(self, now_ns: int) -> list[dict[str, Any]]:
        """What waits, in the order it would be answered; ``score`` is the product of
        ``factors``."""
        rows: list[dict[str, Any]] = []
        for group in self._ranked(now_ns):
            factors = dict(group.best.factors)
            factors["repeated"] = self._scorer.repeated(group.people)
            factors["answered"] = self._fairness(group, now_ns)
            factors["fresh"] = self._scorer.fresh(group.newest_ns, now_ns)
            author, text = self._words_of(group)
            rows.append(
                {
                    "id": group.first.id,
                    "ids": [waiting.line.id for waiting in group.lines],
                    "platform": group.first.platform,
                    "author": author,
                    "text": text,
                    "rank": group.rank.name.lower(),
                    "score": _number(sum(factors.values())),
                    "factors": {name: _number(log) for name, log in factors.items() if log},
                    "people": group.people,
                    "age_s": max(0, now_ns - group.oldest_ns) / 1e9,
                }
            )
        return rows

    # --- the tables ---

    def _key(self, line: ChatMessage, folded: Folded) -> str:
        """Equal for lines that are answered together."""
        if line.platform == _CONSOLE or line.paid > 0:
            return f"\0{line.id}"
        if special(line):  # a hundred gifts of one viewer are one thing
            return f"\0{line.kind} {line.author_id}"
        if line.kind is ChatKind.OTHER:
            return f"\0{line.kind} {line.author_id} {line.notice}"
        return ("!" if self._commands.of(line) else "") + folded.same

    def _words_of(self, group: Group) -> tuple[str, str]:
        return who(group.first, group.people, PEOPLE), self._commands.said(group.first)

    def _ranked(self, now_ns: int) -> list[Group]:
        """Best first, with what only counts now: who was answered lately."""

        def standing(group: Group) -> tuple[int, float, int]:
            rank, worth, seq = group.order
            return rank, worth + self._fairness(group, now_ns), seq

        return sorted(self._groups.values(), key=standing, reverse=True)

    def _fairness(self, group: Group, now_ns: int) -> float:
        """The factor of recent replies to the one who wrote it, and to the same words."""
        if group.rank is not Rank.CHAT:
            return 0.0
        replies = self._questions.count(hash(group.key), now_ns)
        if group.people == 1:
            replies += self._viewers.count(group.first.author_id, now_ns)
        return self._scorer.answered(replies)

    def _shed(self, new: Group) -> list[Passed]:
        """The least gives way, most often ``new`` itself: then nothing else is looked at."""
        passed: list[Passed] = []
        while len(self._groups) > self._size:
            if self._weakest is None:
                others = (group for group in self._groups.values() if group is not new)
                self._weakest = min(others, key=_order, default=new)
            least = min(self._weakest, new, key=_order)
            passed += [(line, FULL) for line in self._remove(least)]
            if least is new:
                return passed
        if self._weakest is not None and _order(new) < _order(self._weakest):
            self._weakest = new
        return passed

    def _can_expire(self) -> list[Group]:
        return [group for group in self._groups.values() if group.rank is not Rank.OPERATOR]

    def _add(self, key: str, rank: Rank, seq: int) -> Group:
        group = self._groups[key] = Group(key, rank, seq, self._scorer)
        return group

    def _enter(self, group: Group, waiting: Waiting) -> None:
        line = waiting.line
        if not self._of or line.received_ns < self._no_older_ns:
            self._no_older_ns = line.received_ns
        group.join(waiting)
        self._of[line.id] = group
        if not _alone(line):
            self._by_author.setdefault(line.author_id, []).append(line.id)
        if group is self._weakest:
            self._weakest = None

    def _overflow(self, group: Group) -> list[Passed]:
        """A group keeps a few of its lines; the others are answered with them."""
        old = group.overflow()
        for line in old:
            self._left(line)
        if old:
            self._weakest = None
        return [(line, SAME) for line in old]

    def _spare(self, author_id: str) -> list[Passed]:
        """One viewer has no more than a few lines here: the oldest give way."""
        passed: list[Passed] = []
        while len(self._by_author[author_id]) > self._viewer_lines:
            line = self.drop(self._by_author[author_id][0])
            passed += [(line, NEWER)] if line is not None else []
        return passed

    def _take_out(self, group: Group, gone: Callable[[ChatMessage], bool]) -> list[ChatMessage]:
        lines = group.leave(gone)
        for line in lines:
            self._left(line)
        if lines and (group.lines or group is self._weakest):
            self._weakest = None
        if not group.lines:
            del self._groups[group.key]
        return lines

    def _remove(self, group: Group) -> list[ChatMessage]:
        """A group as it is, to be answered or passed over."""
        lines = [waiting.line for waiting in group.lines]
        for line in lines:
            self._left(line)
        del self._groups[group.key]
        if group is self._weakest:
            self._weakest = None
        return lines

    def _left(self, line: ChatMessage) -> None:
        del self._of[line.id]
        if not _alone(line):
            mine = self._by_author[line.author_id]
            mine.remove(line.id)
            if not mine:
                del self._by_author[line.author_id]

    def _count(self, passed: list[Passed]) -> None:
        self.passed_over.update(reason for _line, reason in passed)


def _alone(line: ChatMessage) -> bool:
    """Whether a line counts for itself, however many others there are."""
    return line.platform == _CONSOLE or special(line)


def _order(group: Group) -> tuple[int, float, int]:
    return group.order


def _number(log: float) -> float:
    """From a power of two, for people."""
    return round(float(2.0 ** max(-60.0, min(60.0, log))), 4)
