"""What is audible when. Pure: every method takes ``now_ns`` and returns what is due.

Sound is *handed* to the sinks a little ahead of the clock, and becomes *heard* when the
clock passes it. Between the two lie at most LEAD_NS, which is also all that a flush has
to take back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ipc.protocol import AudioChunk, AudioCredit, Caption, Playback, TurnEnd

# A sink holds this much sound: enough to ride out a busy moment of the event loop or of a
# browser tab, little enough that a flush which a sink is late to obey is short.
LEAD_NS = 400_000_000
# Refill when this much of the lead is used up: few wakes, and 150 ms are left for a late one.
REFILL_NS = 250_000_000
CREDIT_NS = 500_000_000  # at most two credits a second; four seconds of sound may be out
MIN_READING_S = 1.0
MAX_TURN_BYTES = 64 * 1024 * 1024  # far beyond any credit: only a broken sender gets here
_SECONDS_PER_CHAR = 0.065  # English speech, until a clause of this show has been measured
_RATES = range(8_000, 192_001)
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sound:
    """For the sinks: 16-bit mono ``pcm`` whose first sample is audible at ``at_ns``.

    ``offset`` is that sample's number within the clause; ``lead_ns`` how far ahead it is.
    """

    turn: int
    clause: int
    offset: int
    rate: int
    pcm: bytes
    at_ns: int
    lead_ns: int


@dataclass(frozen=True, slots=True)
class Heard:
    """For the records: the clock has passed these samples."""

    turn: int
    rate: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Clear:
    """The turn is over; its caption may go."""

    turn: int


@dataclass(frozen=True, slots=True)
class Flush:
    """Nothing of this turn may sound any more, not even what the sinks hold."""

    turn: int


Output = Sound | Heard | Caption | Clear | Flush | Playback | AudioCredit
"""In the order in which it must be carried out. A Caption means: show it now."""


@dataclass(slots=True)
class _Clause:
    caption: Caption | None = None
    pcm: bytearray = field(default_factory=bytearray)
    rate: int = 0  # 0: no chunk has come
    next_seq: int = 0
    complete: bool = False  # no more samples will come
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


@dataclass(slots=True)
class _Segment:
    """A stretch handed to the sinks: ``count`` samples, or a reading time."""

    clause: int
    offset: int
    count: int
    start_ns: int
    end_ns: int
    heard: int = 0


@dataclass(slots=True)
class _Turn:
    number: int
    clauses: dict[int, _Clause] = field(default_factory=dict)
    end: int | None = None  # number of clauses, once known
    handing: int = 0  # clause being given to the sinks
    hearing: int = 0  # clause the clock is in (or waits for)
    segments: deque[_Segment] = field(default_factory=deque)
    consumed: int = 0
    credited: int = 0
    received: int = 0
    audio_s: float = 0.0
    begun: bool = False

    def clause(self, number: int) -> _Clause:
        return self.clauses.setdefault(number, _Clause())

    @property
    def over(self) -> bool:
        return self.end is not None and self.hearing >= self.end


class Playout:
    """Turns in ascending order, clauses in order, one clock.

    ``words_per_s`` is the reading speed for captions without sound. After every call
    ask ``deadline_ns``: call ``advance`` then, or earlier.
    """

    def __init__(self, words_per_s: float) -> None:
        self._words_per_s = words_per_s
        self._turns: dict[int, _Turn] = {}
        self._past = 0  # turns up to this one are done
        self._cursor_ns = 0  # where the sound handed so far ends
        self._credit_ns = 0
        self._seconds_per_char = _SECONDS_PER_CHAR
        self.dropped = 0  # chunks that could not be used

    # --- what arrives ---

    def chunk(self, message: AudioChunk, pcm: bytes, now_ns: int) -> list[Output]:
        """Sound of a clause. Repeated ``seq`` numbers are dropped."""
        turn = self._turn(message.turn)
        if turn is None:
            return []
        clause = turn.clause(message.clause)
        usable = (
            message.sample_rate in _RATES
            and clause.rate in (0, message.sample_rate)
            and message.seq >= clause.next_seq
            and not clause.complete
            and turn.received * 2 + len(pcm) <= MAX_TURN_BYTES
        )
        if not usable:
            self.dropped += 1
            return []
        if clause.rate == 0:
            clause.rate = message.sample_rate
            clause.made_ns = message.made_ns
            clause.engine_ns = message.engine_ns
        clause.next_seq = message.seq + 1
        clause.pcm += pcm[: len(pcm) // 2 * 2]
        clause.complete = message.last
        turn.received += len(pcm) // 2
        return self.advance(now_ns)

    def caption(self, message: Caption, now_ns: int) -> list[Output]:
        """Proof that a clause may be played. A second one with ``voiced`` false ends its sound."""
        turn = self._turn(message.turn)
        if turn is None:
            return []
        clause = turn.clause(message.clause)
        clause.caption = message
        if not message.voiced:
            clause.complete = True
        return self.advance(now_ns)

    def turn_end(self, message: TurnEnd, now_ns: int) -> list[Output]:
        """The turn has this many clauses and no more."""
        turn = self._turn(message.turn)
        if turn is None:
            return []
        turn.end = message.clauses
        return self.advance(now_ns)

    def cancel(self, allows: Callable[[int], bool], now_ns: int) -> list[Output]:
        """Forget every turn that ``allows`` refuses; says how much of it was heard."""
        out: list[Output] = []
        for number in sorted(n for n in self._turns if not allows(n)):
            turn = self._turns[number]
            if turn.begun:
                self._hear(turn, now_ns, out)
                out.append(Flush(number))
                out.append(self._stopped(turn, now_ns))
                self._cursor_ns = now_ns
            if turn.received > turn.credited:
                out.append(AudioCredit(turn=number, consumed=turn.received))
            del self._turns[number]
            if turn.begun:
                self._past = max(self._past, number)
        return out + self.advance(now_ns)

    # --- the clock ---

    def advance(self, now_ns: int) -> list[Output]:
        """Everything due up to now."""
        out: list[Output] = []
        while (turn := self._current()) is not None:
            self._hear(turn, now_ns, out)
            self._hand(turn, now_ns, out)
            self._hear(turn, now_ns, out)  # what was handed may begin at this instant
            if not turn.over:
                self._credit(turn, now_ns, out)
                break
            last = max(0, turn.hearing - 1)
            out.append(self._playback(turn, last, "done", now_ns))
            out.append(Clear(turn.number))
            if turn.received > turn.credited:
                out.append(AudioCredit(turn=turn.number, consumed=turn.received))
            self._past = turn.number
            del self._turns[turn.number]
        return out

    def deadline_ns(self) -> int | None:
        """When ``advance`` has something to do by itself; None while waiting for messages."""
        turn = self._current()
        if turn is None:
            return None
        due: list[int] = []
        if turn.segments:
            begin = (s.start_ns for s in turn.segments if not turn.clauses[s.clause].started)
            due.append(min(begin, default=turn.segments[-1].end_ns))
            if self._handable(turn) is not None:
                due.append(self._cursor_ns - LEAD_NS + REFILL_NS)
        elif turn.consumed > turn.credited:
            due.append(self._credit_ns + CREDIT_NS)
        return min(due, default=None)

    # --- inside ---

    def _turn(self, number: int) -> _Turn | None:
        """The turn, unless it is over or a later one has begun."""
        current = self._current()
        begun = current.number if current is not None and current.begun else 0
        if number <= self._past or number < begun:
            return None
        return self._turns.setdefault(number, _Turn(number))

    def _current(self) -> _Turn | None:
        return self._turns[min(self._turns)] if self._turns else None

    def _handable(self, turn: _Turn) -> _Clause | None:
        """The clause from which more may go to the sinks."""
        clause = turn.clauses.get(turn.handing)
        if clause is None or clause.caption is None:
            return None
        if turn.end is not None and turn.handing >= turn.end:
            return None
        return clause if clause.samples > clause.handed or clause.mute else None

    def _hand(self, turn: _Turn, now_ns: int, out: list[Output]) -> None:
        self._pass_complete(turn)
        while self._cursor_ns - now_ns <= LEAD_NS - REFILL_NS:
            clause = self._handable(turn)
            if clause is None or clause.caption is None:
                return
            start_ns = max(self._cursor_ns, now_ns)
            if not turn.begun:
                turn.begun = True
                self._credit_ns = now_ns
            if clause.mute:
                clause.silent = True
                words = len(clause.caption.text.split())
                length_ns = int(max(MIN_READING_S, words / self._words_per_s) * _SECOND)
                count = 0
                turn.handing += 1
            else:
                room_ns = now_ns + LEAD_NS - start_ns
                count = min(clause.samples - clause.handed, -(-room_ns * clause.rate // _SECOND))
                length_ns = count * _SECOND // clause.rate
                out.append(
                    Sound(
                        turn=turn.number,
                        clause=turn.handing,
                        offset=clause.handed,
                        rate=clause.rate,
                        pcm=clause.cut(clause.handed, count),
                        at_ns=start_ns,
                        lead_ns=start_ns - now_ns,
                    )
                )
            self._cursor_ns = start_ns + length_ns
            number = turn.handing - 1 if clause.silent else turn.handing
            turn.segments.append(_Segment(number, clause.handed, count, start_ns, self._cursor_ns))
            clause.handed += count
            self._pass_complete(turn)

    @staticmethod
    def _pass_complete(turn: _Turn) -> None:
        """Go to the next clause when this one is wholly with the sinks."""
        clause = turn.clauses.get(turn.handing)
        while clause is not None and clause.complete and 0 < clause.samples == clause.handed:
            turn.handing += 1
            clause = turn.clauses.get(turn.handing)

    def _hear(self, turn: _Turn, now_ns: int, out: list[Output]) -> None:
        while turn.segments and turn.segments[0].start_ns <= now_ns:
            segment = turn.segments[0]
            clause = turn.clauses[segment.clause]
            if not clause.started:
                clause.started = True
                if clause.caption is not None:
                    out.append(clause.caption)
                out.append(self._playback(turn, segment.clause, "started", segment.start_ns))
            ended = segment.end_ns <= now_ns
            passed_ns = now_ns - segment.start_ns
            passed = segment.count if ended else passed_ns * clause.rate // _SECOND
            if (fresh := min(segment.count, passed) - segment.heard) > 0:
                start = segment.offset + segment.heard
                out.append(Heard(turn.number, clause.rate, clause.cut(start, fresh)))
                segment.heard += fresh
                clause.heard += fresh
                turn.consumed += fresh
                turn.audio_s += fresh / clause.rate
            if not ended:
                return
            turn.segments.popleft()
            self._settle(turn, segment.end_ns, out)
        self._settle(turn, now_ns, out)

    def _settle(self, turn: _Turn, at_ns: int, out: list[Output]) -> None:
        """Finish the clause the clock is in, if all of it was heard."""
        clause = turn.clauses.get(turn.hearing)
        if clause is None or not clause.started or not clause.complete:
            return
        if clause.heard < clause.samples or any(s.clause == turn.hearing for s in turn.segments):
            return
        if clause.samples and clause.caption is not None and clause.caption.text:
            self._seconds_per_char = clause.samples / clause.rate / len(clause.caption.text)
        out.append(self._playback(turn, turn.hearing, "finished", at_ns))
        clause.pcm = bytearray()  # heard and recorded
        clause.heard = clause.handed = 0
        turn.hearing += 1
        turn.handing = max(turn.handing, turn.hearing)

    def _credit(self, turn: _Turn, now_ns: int, out: list[Output]) -> None:
        if turn.consumed > turn.credited and now_ns >= self._credit_ns + CREDIT_NS:
            self._credit_ns = now_ns
            turn.credited = turn.consumed
            out.append(AudioCredit(turn=turn.number, consumed=turn.consumed))

    def _playback(
        self, turn: _Turn, number: int, kind: str, at_ns: int, heard: float = 1.0
    ) -> Playback:
        clause = turn.clauses.get(number, _NO_CLAUSE)
        return Playback(
            turn=turn.number,
            clause=number,
            kind=kind,
            at_ns=at_ns,
            heard=heard,
            audio_s=round(turn.audio_s, 6),
            made_ns=clause.made_ns,
            engine_ns=clause.engine_ns,
        )

    def _stopped(self, turn: _Turn, now_ns: int) -> Playback:
        clause = turn.clauses.get(turn.hearing)
        if clause is None or not clause.started:  # between two clauses: the one before, whole
            return self._playback(turn, max(0, turn.hearing - 1), "stopped", now_ns)
        if clause.silent:
            segment = turn.segments[0]
            part = (now_ns - segment.start_ns) / (segment.end_ns - segment.start_ns)
        else:
            whole = clause.samples
            if not clause.complete and clause.caption is not None:
                # the rest is not made yet: guess its length, or the history would claim too much
                guess_s = len(clause.caption.text) * self._seconds_per_char
                whole = max(whole, int(guess_s * clause.rate))
            part = clause.heard / whole if whole else 0.0
        return self._playback(turn, turn.hearing, "stopped", now_ns, min(1.0, max(0.0, part)))


_NO_CLAUSE = _Clause()
