"""What is audible when. Pure: every method takes ``now_ns`` and returns what is due.

Sound is *handed* to the sinks a little ahead of the clock, and becomes *heard* when the
clock passes it. Between the two lie at most LEAD_NS, which is also all that a flush has
to take back.
"""

from __future__ import annotations

from collections.abc import Callable

from ipc.protocol import AudioChunk, AudioCredit, Caption, StopSoon, TurnEnd
from workers.stage.outputs import (
    FADE_S,
    Clear,
    Flush,
    Heard,
    Length,
    Output,
    Show,
    Sound,
    Truncate,
)
from workers.stage.turn import SECOND, Clause, Segment, Turn
from workers.stage.wordend import fade_out, word_end

# A sink holds this much sound: enough to ride out a busy moment of the event loop or of a
# browser tab, little enough that a flush which a sink is late to obey is short.
LEAD_NS = 400_000_000
# Refill when this much of the lead is used up: few wakes, and 150 ms are left for a late one.
REFILL_NS = 250_000_000
CREDIT_NS = 500_000_000  # at most two credits a second; four seconds of sound may be out
MAX_TURN_BYTES = 64 * 1024 * 1024  # far beyond any credit: only a broken sender gets here
_SECONDS_PER_CHAR = 0.065  # English speech, until a clause of this show has been measured
_RATES = range(8_000, 192_001)


class Playout:
    """Turns in ascending order, clauses in order, one clock.

    ``words_per_s`` is the reading speed for captions without sound. After every call
    ask ``deadline_ns``: call ``advance`` then, or earlier.
    """

    def __init__(self, words_per_s: float) -> None:
        self._words_per_s = words_per_s
        self._turns: dict[int, Turn] = {}
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
            self.dropped += not clause.whole  # what is missing on purpose is no loss
            return []
        if clause.rate == 0:
            clause.rate = message.sample_rate
            clause.made_ns = message.made_ns
            clause.engine_ns = message.engine_ns
        clause.next_seq = message.seq + 1
        clause.pcm += pcm[: len(pcm) // 2 * 2]
        turn.received += len(pcm) // 2
        return self._complete(turn, message.clause, message.last) + self.advance(now_ns)

    def caption(self, message: Caption, now_ns: int) -> list[Output]:
        """Proof that a clause may be played. A second one with ``voiced`` false ends its sound."""
        turn = self._turn(message.turn)
        if turn is None:
            return []
        clause = turn.clause(message.clause)
        clause.caption = message
        ended = self._complete(turn, message.clause, not message.voiced)
        return ended + self.advance(now_ns)

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
                out.append(turn.cut_short(now_ns, self._seconds_per_char))
                self._cursor_ns = now_ns
            self._forget(turn, out)
        return out + self.advance(now_ns)

    def stop_soon(self, message: StopSoon, now_ns: int) -> list[Output]:
        """End a turn at the next end of a word, or at once if it is not sounding.

        Playback ``stopped`` comes at that moment. The caller must fence the turn then.
        """
        out = self.advance(now_ns)
        turn = self._turns.get(message.turn)
        if turn is None:
            if message.turn > self._past:  # nothing of it is here yet, nor may it come
                out.append(Turn(message.turn).cut_short(now_ns, self._seconds_per_char))
            return out
        clause = turn.sounding
        if clause is None:
            if not turn.begun:
                out.append(turn.cut_short(now_ns, self._seconds_per_char))
            return out + self._stop_now(turn, now_ns)
        within = int(message.within_s * clause.rate)
        last = min(clause.samples, clause.heard + within)
        final = clause.complete and last == clause.samples
        at = word_end(clause.pcm, clause.rate, clause.heard, last, final=final)
        if at <= clause.heard:
            return out + self._stop_now(turn, now_ns)
        clause.whole = clause.expected(self._seconds_per_char)
        clause.complete = True
        del clause.pcm[2 * at :]
        fade_out(clause.pcm, min(int(FADE_S * clause.rate), at - clause.heard))
        clause.handed = min(clause.handed, at)
        turn.ending = turn.handing = turn.hearing
        until_ns = turn.take_back(at)
        if until_ns is not None:
            self._cursor_ns = until_ns
            out.append(Truncate(turn.number, until_ns))
        return out + self.advance(now_ns)

    # --- the clock ---

    def advance(self, now_ns: int) -> list[Output]:
        """Everything due up to now."""
        out: list[Output] = []
        while (turn := self._current()) is not None:
            self._hear(turn, now_ns, out)
            self._hand(turn, now_ns, out)
            self._hear(turn, now_ns, out)  # what was handed may begin at this instant
            if turn.over:
                last = max(0, turn.hearing - 1)
                out.append(turn.playback(last, "done", now_ns))
            elif not turn.stopped:
                self._credit(turn, now_ns, out)
                break
            out.append(Clear(turn.number, cut=turn.stopped))
            turn.begun = True  # even if it had nothing to say
            self._forget(turn, out)
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

    def _turn(self, number: int) -> Turn | None:
        """The turn, unless it is over or a later one has begun."""
        current = self._current()
        begun = current.number if current is not None and current.begun else 0
        if number <= self._past or number < begun:
            return None
        return self._turns.setdefault(number, Turn(number))

    def _current(self) -> Turn | None:
        return self._turns[min(self._turns)] if self._turns else None

    def _complete(self, turn: Turn, number: int, complete: bool) -> list[Output]:
        """Note that no more samples will come; what is shown learns how long it takes."""
        clause = turn.clauses[number]
        if not complete or clause.complete:
            return []
        clause.complete = True
        if not clause.started or clause.silent or number != turn.hearing:
            return []
        return [Length(turn.number, number, clause.samples * SECOND // clause.rate)]

    def _forget(self, turn: Turn, out: list[Output]) -> None:
        """The turn is over; its sender gets back all the room it took."""
        if turn.received > turn.credited:
            out.append(AudioCredit(turn=turn.number, consumed=turn.received))
        del self._turns[turn.number]
        if turn.begun:
            self._past = max(self._past, turn.number)

    def _stop_now(self, turn: Turn, now_ns: int) -> list[Output]:
        return self.cancel(lambda number: number != turn.number, now_ns)

    def _handable(self, turn: Turn) -> Clause | None:
        """The clause from which more may go to the sinks."""
        clause = turn.clauses.get(turn.handing)
        if clause is None or clause.caption is None:
            return None
        if turn.end is not None and turn.handing >= turn.end:
            return None
        if turn.ending is not None and turn.handing > turn.ending:
            return None
        return clause if clause.samples > clause.handed or clause.mute else None

    def _hand(self, turn: Turn, now_ns: int, out: list[Output]) -> None:
        turn.pass_complete()
        while self._cursor_ns - now_ns <= LEAD_NS - REFILL_NS:
            clause = self._handable(turn)
            if clause is None or clause.caption is None:
                return
            start_ns = max(self._cursor_ns, now_ns)
            if not turn.begun:
                turn.begun = True
                self._credit_ns = now_ns
            number = turn.handing
            if clause.mute:
                clause.silent = True
                length_ns = clause.reading_ns(self._words_per_s)
                count = 0
                turn.handing += 1
            else:
                room_ns = now_ns + LEAD_NS - start_ns
                count = min(clause.samples - clause.handed, -(-room_ns * clause.rate // SECOND))
                length_ns = count * SECOND // clause.rate
                out.append(
                    Sound(
                        turn=turn.number,
                        clause=number,
                        offset=clause.handed,
                        rate=clause.rate,
                        pcm=clause.cut(clause.handed, count),
                        at_ns=start_ns,
                        lead_ns=start_ns - now_ns,
                        last=clause.complete and clause.handed + count == clause.samples,
                        persona=clause.caption.persona,
                        emotion=clause.caption.emotion,
                    )
                )
            self._cursor_ns = start_ns + length_ns
            turn.segments.append(Segment(number, clause.handed, count, start_ns, self._cursor_ns))
            clause.handed += count
            turn.pass_complete()

    def _hear(self, turn: Turn, now_ns: int, out: list[Output]) -> None:
        while turn.segments and turn.segments[0].start_ns <= now_ns:
            segment = turn.segments[0]
            clause = turn.clauses[segment.clause]
            if not clause.started:
                clause.started = True
                self._show(clause, segment, out)
                out.append(turn.playback(segment.clause, "started", segment.start_ns))
            ended = segment.end_ns <= now_ns
            passed_ns = now_ns - segment.start_ns
            passed = segment.count if ended else passed_ns * clause.rate // SECOND
            if (fresh := min(segment.count, passed) - segment.heard) > 0:
                start = segment.offset + segment.heard
                at_ns = segment.start_ns + segment.heard * SECOND // clause.rate
                out.append(Heard(turn.number, clause.rate, clause.cut(start, fresh), at_ns))
                segment.heard += fresh
                clause.heard += fresh
                turn.consumed += fresh
                turn.audio_s += fresh / clause.rate
            if not ended:
                return
            turn.segments.popleft()
            self._settle(turn, segment.end_ns, out)
        self._settle(turn, now_ns, out)

    def _show(self, clause: Clause, segment: Segment, out: list[Output]) -> None:
        if clause.caption is None:
            return
        length_ns = segment.end_ns - segment.start_ns
        if not clause.silent:
            length_ns = clause.expected(self._seconds_per_char) * SECOND // clause.rate
        exact = clause.silent or clause.complete
        out.append(Show(clause.caption, segment.start_ns, length_ns, exact))

    def _settle(self, turn: Turn, at_ns: int, out: list[Output]) -> None:
        """Finish the clause the clock is in, if all of it was heard."""
        clause = turn.clauses.get(turn.hearing)
        if turn.stopped or clause is None or not clause.started or not clause.complete:
            return
        if clause.heard < clause.samples or any(s.clause == turn.hearing for s in turn.segments):
            return
        if turn.hearing == turn.ending:
            turn.stopped = True
            out.append(turn.cut_short(at_ns, self._seconds_per_char))
            return
        if clause.samples and clause.caption is not None and clause.caption.text:
            self._seconds_per_char = clause.samples / clause.rate / len(clause.caption.text)
        out.append(turn.playback(turn.hearing, "finished", at_ns))
        clause.pcm = bytearray()  # heard and recorded
        clause.heard = clause.handed = 0
        turn.hearing += 1
        turn.handing = max(turn.handing, turn.hearing)

    def _credit(self, turn: Turn, now_ns: int, out: list[Output]) -> None:
        if turn.consumed > turn.credited and now_ns >= self._credit_ns + CREDIT_NS:
            self._credit_ns = now_ns
            turn.credited = turn.consumed
            out.append(AudioCredit(turn=turn.number, consumed=turn.consumed))
