"""What the playout knows of one turn: its clauses, and what of them the sinks hold."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ipc.protocol import Caption, Playback

SECOND = 1_000_000_000
MIN_READING_S = 1.0


@dataclass(slots=True)
class Clause:
    """Sound and caption of one clause, and how far each has come."""

    caption: Caption | None = None
    pcm: bytearray = field(default_factory=bytearray)
    rate: int = 0  # 0: no chunk has come
    next_seq: int = 0
    complete: bool = False  # no more samples will come
    whole: int = 0  # of a clause that ends early: the samples it would have had
    handed: int = 0
    heard: int = 0
    started: bool = False
    silent: bool = False  # begun as a caption to read
    made_ns: int = 0
    engine_ns: int = 0

    @property
    def samples(self) -> int:
        return len(self.pcm) // 2

    @property
    def mute(self) -> bool:
        """Without sound: to be read instead."""
        unvoiced = self.caption is not None and not self.caption.voiced
        return self.samples == 0 and (unvoiced or self.complete)

    def cut(self, start: int, count: int) -> bytes:
        return bytes(self.pcm[2 * start : 2 * (start + count)])

    def expected(self, seconds_per_char: float) -> int:
        """Its samples, all of them; a guess while they are still being made."""
        if self.whole:
            return self.whole
        if self.complete or self.caption is None:
            return self.samples
        # too short a guess would make the history claim too much
        return max(self.samples, int(len(self.caption.text) * seconds_per_char * self.rate))

    def reading_ns(self, words_per_s: float) -> int:
        """How long its caption takes to read."""
        words = len(self.caption.text.split()) if self.caption is not None else 0
        return int(max(MIN_READING_S, words / words_per_s) * SECOND)


@dataclass(slots=True)
class Segment:
    """A stretch handed to the sinks: ``count`` samples, or a reading time."""

    clause: int
    offset: int
    count: int
    start_ns: int
    end_ns: int
    heard: int = 0


@dataclass(slots=True)
class Turn:
    """Clauses in order; ``handing`` runs ahead of ``hearing``."""

    number: int
    clauses: dict[int, Clause] = field(default_factory=dict)
    end: int | None = None  # number of clauses, once known
    ending: int | None = None  # clause with which it ends early
    stopped: bool = False  # ... and has
    handing: int = 0  # clause being given to the sinks
    hearing: int = 0  # clause the clock is in (or waits for)
    segments: deque[Segment] = field(default_factory=deque)
    consumed: int = 0
    credited: int = 0
    received: int = 0
    audio_s: float = 0.0
    begun: bool = False

    def clause(self, number: int) -> Clause:
        return self.clauses.setdefault(number, Clause())

    @property
    def over(self) -> bool:
        return self.end is not None and self.hearing >= self.end

    @property
    def sounding(self) -> Clause | None:
        """The clause of which the sinks are playing sound."""
        if not self.segments or self.segments[0].clause != self.hearing:
            return None
        clause = self.clauses[self.hearing]
        return clause if clause.started and not clause.silent else None

    def pass_complete(self) -> None:
        """Go to the next clause when this one is wholly with the sinks."""
        clause = self.clauses.get(self.handing)
        while clause is not None and clause.complete and 0 < clause.samples == clause.handed:
            self.handing += 1
            clause = self.clauses.get(self.handing)

    def take_back(self, sample: int) -> int | None:
        """Of the clause that sounds, the sinks keep what is before ``sample`` and nothing else.

        Until when they have sound then; None if they had no more than that.
        """
        keep: deque[Segment] = deque()
        until_ns: int | None = None
        rate = self.clauses[self.hearing].rate
        for segment in self.segments:
            if segment.clause == self.hearing and segment.offset < sample:
                if segment.offset + segment.count > sample:
                    segment.count = sample - segment.offset
                    segment.end_ns = segment.start_ns + segment.count * SECOND // rate
                    until_ns = segment.end_ns
                keep.append(segment)
            else:
                until_ns = until_ns if until_ns is not None else keep[-1].end_ns
        self.segments = keep
        return until_ns

    def playback(self, number: int, kind: str, at_ns: int, heard: float = 1.0) -> Playback:
        """A report about one of its clauses."""
        clause = self.clauses.get(number, _NO_CLAUSE)
        return Playback(
            turn=self.number,
            clause=number,
            kind=kind,
            at_ns=at_ns,
            heard=heard,
            audio_s=round(self.audio_s, 6),
            made_ns=clause.made_ns,
            engine_ns=clause.engine_ns,
        )

    def cut_short(self, at_ns: int, seconds_per_char: float) -> Playback:
        """The report of a turn that ends here, before its time."""
        clause = self.clauses.get(self.hearing)
        if clause is None or not clause.started:
            if not self.begun:
                return self.playback(0, "stopped", at_ns, 0.0)
            # between two clauses: the one before, whole
            return self.playback(max(0, self.hearing - 1), "stopped", at_ns)
        if clause.silent:
            segment = self.segments[0]
            part = (at_ns - segment.start_ns) / (segment.end_ns - segment.start_ns)
        else:
            whole = clause.expected(seconds_per_char)
            part = clause.heard / whole if whole else 0.0
        return self.playback(self.hearing, "stopped", at_ns, min(1.0, max(0.0, part)))


_NO_CLAUSE = Clause()
