"""The state of one turn, from the line it answers to the last sound heard.

Plain data and arithmetic: ``core`` drives it, nothing here sends anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from ipc.protocol import MemoryHit, Playback
from ipc.states import ChatKind, TurnOutcome
from ipc.trace import Stamps
from workers.director.clauses import ClauseSplitter
from workers.director.history import CUT_MARK, Exchange
from workers.director.prompt import happened
from workers.director.queue import Pick
from workers.director.speech import heard_text

_VOICE_LOST_NS = 2_000_000_000  # sound that does not go on after tts was lost never will


class Phase(Enum):
    """How far the text of a turn has come. Its sound is told by its clauses."""

    RECALLING = auto()
    WAITING = auto()  # for the language model to come back
    GENERATING = auto()
    WRITTEN = auto()  # every clause is cut


@dataclass(slots=True)
class Clause:
    """One clause that passed the gate."""

    caption: str
    speech: str  # empty: nothing to say, the caption is only shown
    emotion: str
    verdict: str
    why: str = ""  # what the gate found
    sent: bool = False
    voiced: bool = False  # with tts, or was
    made: bool = False  # tts has confirmed it
    audio_s: float = 0.0
    started_ns: int = 0
    heard: float = 0.0
    finished: bool = False


@dataclass(slots=True)
class Candidate:
    """What a turn may be about. ``source``: speech, chat, idle or operator."""

    source: str
    text: str
    received_ns: int
    pick: Pick | None = None  # what of chat it answers
    number: int = 0  # reserved for it, 0 for none
    words: str = ""  # say exactly this; no model is asked
    retried: bool = False  # the model was lost once already
    persona: str = ""  # bound to this one (a retry), otherwise whoever is on air
    item: str = ""  # id of the approval it comes from
    answered: bool = False  # what became of its lines was told already
    draft: bool = False  # of words that are not final: never heard as long as this is so

    @property
    def literal(self) -> bool:
        return bool(self.words)

    @classmethod
    def of(cls, pick: Pick) -> Candidate:
        """What chat asks, to be answered by the model."""
        return cls("chat", pick.text, pick.first.received_ns, pick)


@dataclass(slots=True)
class Ending:
    """How a turn will be closed once the stage has said what was heard."""

    outcome: TurnOutcome
    reason: str
    deadline_ns: int
    soon: bool = False  # still heard: until the stage has stopped, or the deadline cuts it
    clause: int | None = None  # or until this clause has been heard


@dataclass(slots=True)
class Turn:
    """One turn under way."""

    number: int
    candidate: Candidate
    persona: str
    splitter: ClauseSplitter
    stamps: Stamps
    phase: Phase
    progress_ns: int
    deadline_ns: int = 0  # of the recall
    hits: list[MemoryHit] = field(default_factory=list)
    history: list[Exchange] = field(default_factory=list)  # in its prompt
    whisper: str = ""  # the operator's note in its prompt
    clauses: list[Clause] = field(default_factory=list)
    tokens: int = 0
    fresh_text: str = ""  # generated, not yet published
    published_ns: int = 0
    end_sent: bool = False
    note: str = ""
    audio_s: float = 0.0
    ending: Ending | None = None
    voice_lost: bool = False
    unfinished: bool = False  # the model was lost in the middle of it
    forgotten: bool = False  # neither history nor memory may keep it
    disowned: bool = False  # its lines are no longer its own: settled, or to be answered anew
    air_ns: int = 0  # nothing of it is handed over before
    withheld: str = ""  # why what comes now waits for a person
    unsaid: list[str] = field(default_factory=list)  # and what has come since
    item: str = ""  # id of the approval that holds it
    begun_ns: int = 0  # when the first clause was handed over

    @property
    def cut(self) -> bool:
        """Whether it is over but for the report of what was heard."""
        return self.ending is not None and not self.ending.soon

    @property
    def sounding(self) -> int | None:
        """The number of the clause that is heard now."""
        found = (n for n, c in enumerate(self.clauses) if c.started_ns and not c.finished)
        return next(found, None)

    @property
    def sent_any(self) -> bool:
        return any(clause.sent for clause in self.clauses)

    @property
    def handed_over(self) -> bool:
        """Whether everything there will be is with tts and the stage."""
        return self.phase is Phase.WRITTEN and all(clause.sent for clause in self.clauses)

    @property
    def outstanding(self) -> int:
        """Credits of tts this turn holds."""
        return sum(clause.voiced and not clause.made for clause in self.clauses)

    @property
    def audible(self) -> bool:
        return any(clause.started_ns for clause in self.clauses)

    @property
    def generated(self) -> str:
        """The reply as the gate let it through."""
        return " ".join(clause.caption for clause in self.clauses)

    def repeats(self, text: str) -> bool:
        """Whether a clause of this turn said the same already: small models get caught in loops."""
        words = _words(text)
        said = [*(clause.caption for clause in self.clauses), *self.unsaid]
        return len(words) > 1 and any(_words(one) == words for one in said)

    def played(self, report: Playback) -> Clause | None:
        """Note what the stage says; the clause it is about, if it is one of ours."""
        self.audio_s = max(self.audio_s, report.audio_s)
        if not 0 <= report.clause < len(self.clauses) or report.kind == "done":
            return None
        clause = self.clauses[report.clause]
        if report.kind == "started":
            clause.started_ns = report.at_ns
        elif report.kind == "finished":
            clause.heard, clause.finished = 1.0, True
        elif report.kind == "stopped":
            if clause.started_ns:  # what never began was not heard
                clause.heard = max(clause.heard, report.heard)
            clause.finished = True
        return clause

    def estimate_heard(self, now_ns: int) -> None:
        """The stage is silent: what must have been audible of the clause that was sounding."""
        for clause in self.clauses:
            if clause.started_ns and not clause.finished:
                spent_s = (now_ns - clause.started_ns) / 1e9
                clause.heard = min(1.0, spent_s / clause.audio_s) if clause.audio_s else 0.0
                clause.finished = True

    def reply(self) -> str:
        """What was heard; a reply that was cut ends with a dash."""
        parts: list[str] = []
        for clause in self.clauses:
            part = heard_text(clause.caption, clause.heard)
            if part:
                parts.append(part)
            if clause.heard < 1.0:
                break
        text = " ".join(parts)
        complete = self.phase is Phase.WRITTEN and not (self.unfinished or self.unsaid)
        whole = complete and all(c.heard >= 1.0 for c in self.clauses)
        return text if whole or not text else text.rstrip(" .,;:") + CUT_MARK

    def exchange(self, reply: str) -> Exchange:
        """With the ids of everybody whose words may be in it, memories included."""
        pick = self.candidate.pick
        lines = pick.lines if pick else ()
        quotes = [one for hit in self.hits for one in (hit.message_id, hit.author_id) if one]
        told = pick is not None and len(lines) == 1 and pick.first.kind is not ChatKind.LINE
        return Exchange(
            persona=self.persona,
            author=pick.author if pick else "",
            text=lines[0].text if told else self.candidate.text,
            reply=reply,
            source=self.candidate.source,
            event=happened(lines[0]) if len(lines) == 1 else "",
            crowd=pick.crowd if pick else False,
            message_ids=[line.id for line in lines],
            author_ids=list(dict.fromkeys(line.author_id for line in lines)),
            quotes=quotes,
        )

    def quiet_until_ns(self, limit_ns: int) -> int:
        """Until when it is in order that nothing is heard about this turn."""
        if self.voice_lost and self.handed_over:
            limit_ns = min(limit_ns, _VOICE_LOST_NS)
        sounding = [clause for clause in self.clauses if clause.started_ns and not clause.finished]
        audio_ns = int(sounding[-1].audio_s * 1e9) if sounding else 0
        return max(self.progress_ns, self.air_ns) + limit_ns + audio_ns

    def left_s(self, now_ns: int, words_per_s: float) -> float | None:
        """Seconds until the turn is silent; None while that cannot be known yet."""
        if not self.handed_over or not self.audible:
            return None
        left = 0.0
        for clause in self.clauses:
            if clause.finished:
                continue
            if clause.voiced and not clause.made:
                return None
            length = clause.audio_s if clause.voiced else len(clause.caption.split()) / words_per_s
            if clause.started_ns:
                length = max(0.0, length - (now_ns - clause.started_ns) / 1e9)
            left += length
        return left


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
