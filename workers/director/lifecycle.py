"""The life of the turns that are open: what happens to them, how they end, what is kept.

At most two are open: the one being heard, and the one prepared while its last words sound.
``recovery`` adds what goes wrong, ``moderation`` what must not be said, ``steering`` the
operator, and ``core`` decides which turn is opened next, and when.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from pathlib import Path

from ipc.config import Config
from ipc.protocol import (
    Generated,
    MemoryHit,
    Playback,
    Recalled,
    Synthesised,
    Tokens,
)
from ipc.states import Finish, TurnOutcome, WorkerState
from ipc.trace import Stamps
from workers.director.asking import Asker
from workers.director.clauses import ClauseSplitter, Piece
from workers.director.history import History
from workers.director.idle import IdleTimer
from workers.director.keeping import Keeper, Problems
from workers.director.personas import Personas
from workers.director.port import Port
from workers.director.queue import ChatQueue, Pick
from workers.director.reports import Reports
from workers.director.show import ShowState
from workers.director.spoken import Spoken
from workers.director.turn import Candidate, Ending, Phase, Turn
from workers.director.voice import Speaker
from workers.gate import Gate

SHOW, HISTORY = "show.json", "history.jsonl"
_TOGETHER_S = 0.05  # exchanges that are removed in waves are written so far apart
_STOPPED_WITHIN_NS = 500_000_000  # the stage says within this what was heard of a cut turn


class Turns(ABC):
    """State and steps of the open turns."""

    def __init__(self, config: Config, state_dir: Path, port: Port) -> None:
        now = port.now_ns()
        self._config = config
        self._port = port
        self.personas = Personas(config.personas)
        self._show_file = state_dir / SHOW
        self.show = ShowState.load(self._show_file, config.show.persona, self.personas.keys)
        settings = config.director
        self.history = History(state_dir / HISTORY, settings.history_turns, settings.history_trim)
        self._problems = Problems(port)
        self._keeper = Keeper(port, self._problems)
        self._keeper.add(SHOW, lambda: self.show.save(self._show_file), "what is set")
        self._keeper.add(HISTORY, self.history.save, "what was said", _TOGETHER_S)
        self._gate = Gate(config.gate, "output")
        self.reports = Reports(
            port.publish,
            {key: self.personas[key].name for key in self.personas.keys},
            port.now_ns,
        )
        self._asker = Asker(config, port, self.personas, self.history, self.show)
        self._speaker = Speaker(
            config,
            port,
            self._problems,
            self._gate,
            self.personas,
            self.reports,
            lambda: self.show.delay(settings),
            self._may_start,
        )
        called = [name for key in self.personas.keys for name in (key, self.personas[key].name)]
        self.queue = ChatQueue(settings, [*called, config.chat.twitch.channel])
        self.spoken = Spoken()
        self._says: deque[Candidate] = deque()
        self._approved: deque[Candidate] = deque()  # what a person let go on the air
        self._idle = IdleTimer(settings.idle_after_s, now)
        self.turns: list[Turn] = []
        self._newest = 0  # the highest number given out ...
        self._opened = 0  # ... and the highest a turn was opened with
        self._floor_free_ns = 0  # the last sound of the latest reply
        self._draining = False
        self._hold_line_said = False
        self._incarnations: dict[str, tuple[int, WorkerState]] = {}
        self._taken: list[str] = []  # lines that chat need not keep any longer
        self._replied_ns = 0  # when a turn of chat was opened last
        self.wake_ns: int | None = None

    # --- what the layers above add ---

    @abstractmethod
    def _advance(self) -> None:
        """Everything that follows from what is known now. Called after every input."""

    @abstractmethod
    def _may_start(self, turn: Turn) -> bool:
        """Whether its first clause may be handed over: nobody else speaks."""

    @abstractmethod
    def _gate_hit(self, hits: int, why: str) -> None:
        """The gate stopped something."""

    @abstractmethod
    def _for_a_person(self, turn: Turn) -> None:
        """The rest of a reply, ``turn.unsaid``, may only be said if a person approves it."""

    @abstractmethod
    def _had_its_turn(self, candidate: Candidate) -> None:
        """What a person may have approved needs no keeping any more."""

    @abstractmethod
    def _must_wait(self, candidate: Candidate) -> str:
        """Why all of this reply has to be approved; empty if it has not."""

    @abstractmethod
    def _is_gone(self, hit: MemoryHit) -> bool:
        """Whether a memory is of something that was removed."""

    # --- one turn ---

    def _allocate(self) -> int:
        self._newest = max(self._newest, self._port.fence.floor) + 1
        return self._newest

    def _number_for(self, candidate: Candidate) -> int:
        number = candidate.number
        if number <= self._opened or not self._port.fence.allows(number):
            number = self._allocate()
        self._opened = number
        return number

    def _open(self, candidate: Candidate, now: int) -> None:
        turn = self._turn_for(candidate, Phase.RECALLING, now)
        turn.withheld = self._must_wait(candidate)
        self.turns.append(turn)
        # memory may hear of the number before the supervisor does: it makes no sound of it
        recalling = not candidate.literal and self._asker.recall(turn)
        self._port.open_turn(turn.number)
        self.reports.opened(turn)
        if candidate.literal:
            pieces = turn.splitter.feed(candidate.words) + turn.splitter.finish()
            self._write(turn, pieces)
            turn.phase = Phase.WRITTEN
        elif not recalling:
            self._generate(turn)
        pick = candidate.pick
        if pick is not None and not pick.spoken:  # who waits for nothing is told last
            self._taken += pick.ids
            self.queue.answered(pick, now)
            self._replied_ns = now

    def _turn_for(self, candidate: Candidate, phase: Phase, now: int) -> Turn:
        settings = self._config.director
        return Turn(
            number=self._number_for(candidate),
            candidate=candidate,
            persona=candidate.persona or self.show.persona,
            splitter=ClauseSplitter(settings.first_clause_words, settings.first_clause_max_words),
            stamps=Stamps(received=candidate.received_ns, opened=now),
            phase=phase,
            progress_ns=now,
        )

    def _recalled(self, turn: Turn, message: Recalled) -> None:
        if turn.phase is Phase.RECALLING:
            turn.hits = [hit for hit in message.hits if not self._is_gone(hit)]
            turn.stamps.recalled = self._port.now_ns()
            turn.stamps.memory_engine = message.engine_ns
            self._asker.recalled(turn, late=False)
            self._generate(turn)

    def _generate(self, turn: Turn) -> None:
        head = self.turns[0]
        self._asker.generate(turn, head.exchange(head.generated) if head is not turn else None)
        self._speaker.check_gate()  # while the model reads: no look at files with its first words
        if turn.whisper:
            self._save()  # it is used

    def _tokens(self, turn: Turn, message: Tokens) -> None:
        if turn.phase is not Phase.GENERATING:
            return
        stamps = turn.stamps
        stamps.first_token = stamps.first_token or turn.progress_ns
        turn.tokens += message.count
        turn.fresh_text += message.text
        pieces = turn.splitter.feed(message.text)
        if pieces:
            stamps.llm_engine = stamps.llm_engine or message.engine_ns
            if turn.repeats(pieces[0].text):
                turn.phase = Phase.WRITTEN  # what still comes is ignored
                turn.note = turn.note or "she began to repeat herself"
                if turn.unsaid:
                    self._for_a_person(turn)
            else:
                self._write(turn, pieces)

    def _generated(self, turn: Turn, message: Generated) -> None:
        if turn.phase is not Phase.GENERATING:
            return
        turn.tokens = message.tokens or turn.tokens
        if message.finish in {Finish.ERROR, Finish.CANCELLED}:
            turn.note = f"the language model: {message.error or message.finish}"
        self._finish_text(turn, cut_short=message.finish is Finish.LENGTH)

    def _finish_text(self, turn: Turn, *, cut_short: bool) -> None:
        """No more tokens will come. Half a sentence is left out if whole ones are there."""
        pieces = turn.splitter.finish()
        if cut_short and pieces and (turn.clauses or len(pieces) > 1):
            last = pieces[-1].text.rstrip(" \n\"'”’)")
            if not last.endswith((".", "!", "?", "…", "。", "！", "？")):
                pieces.pop()
        self._write(turn, [piece for piece in pieces if not turn.repeats(piece.text)])
        turn.phase = Phase.WRITTEN  # only now: the stage is told how many clauses there are
        if turn.ending is None and turn.clauses:
            # the model is free until the next line: let it read what that prompt will begin with
            self._asker.prewarm(turn.persona, turn.exchange(turn.generated))
        if turn.ending is None and turn.unsaid:
            self._for_a_person(turn)

    def _write(self, turn: Turn, pieces: list[Piece]) -> None:
        before = turn.withheld
        blocked = self._speaker.write(turn, pieces, self.turns)
        if blocked:
            self._end(turn, TurnOutcome.BLOCKED, blocked)
            if not turn.candidate.literal:  # what a person writes says nothing about the show
                self._gate_hit(1, blocked)
        elif turn.withheld != before:
            self._gate_hit(1, turn.withheld)

    def _synthesised(self, turn: Turn, message: Synthesised) -> None:
        if 0 <= message.clause < len(turn.clauses):
            clause = turn.clauses[message.clause]
            clause.made, clause.audio_s = True, message.audio_s
            if message.error:
                turn.note = turn.note or f"the voice: {message.error}"

    def _played(self, turn: Turn, report: Playback) -> None:
        clause = turn.played(report)
        if report.kind == "started":
            stamps = turn.stamps
            if not stamps.audible:
                stamps.audible, stamps.floor_free = report.at_ns, self._floor_free_ns
                stamps.audio_made, stamps.tts_engine = report.made_ns, report.engine_ns
        if clause is not None:
            self.reports.clause(turn, report.clause, clause)
        if report.kind in {"stopped", "done"}:
            self._floor_free_ns = report.at_ns
        if report.kind == "stopped":
            turn.stamps.stopped = report.at_ns
        if report.kind == "stopped" and turn.ending is None:
            # cut by a fence we have not heard of yet
            turn.ending = self._ending(TurnOutcome.SKIPPED, "cancelled")
        ending = turn.ending
        if ending is not None and ending.soon:
            if report.kind == "stopped":  # what still is in the making need not be
                self._port.cancel(turn.number, reason=ending.reason)
            elif report.kind == "finished" and report.clause == ending.clause:
                self._end(turn, ending.outcome, ending.reason)
        # what was to stop soon and got to its end has been played
        over = report.kind == "stopped" or (report.kind == "done" and turn.cut)
        if ending is not None and over:
            self._close(turn, ending.outcome, ending.reason)
        elif report.kind == "done":
            for clause in turn.clauses:
                clause.heard = 1.0 if clause.started_ns else clause.heard
            heard = any(clause.heard for clause in turn.clauses)
            outcome = TurnOutcome.PLAYED if heard else TurnOutcome.FAILED
            self._close(turn, outcome, turn.note or ("" if heard else "nothing was audible"))

    def _wrap_up(self, turn: Turn, now: int) -> None:
        """Close what will hear nothing more; publish the tokens that wait."""
        if turn not in self.turns:
            return
        if turn.ending is not None:
            if turn.ending.soon:
                if now >= turn.ending.deadline_ns:
                    self._end(turn, turn.ending.outcome, turn.ending.reason)
            elif not turn.sent_any or now >= turn.ending.deadline_ns:
                turn.estimate_heard(now)
                self._close(turn, turn.ending.outcome, turn.ending.reason)
        elif turn.phase is Phase.WRITTEN and not turn.clauses:
            if turn.unsaid:
                self._end(turn, TurnOutcome.HELD, turn.withheld)
            self._end(turn, TurnOutcome.FAILED, turn.note or "the language model said nothing")
            self._wrap_up(turn, now)

    # --- endings ---

    def _ending(self, outcome: TurnOutcome, reason: str) -> Ending:
        return Ending(outcome, reason, self._port.now_ns() + _STOPPED_WITHIN_NS)

    def _end(self, turn: Turn, outcome: TurnOutcome, reason: str, *, fence: bool = True) -> None:
        """Cut a turn. It is closed when the stage has said what was heard of it."""
        if turn.cut:
            return
        turn.ending = self._ending(outcome, reason)
        if fence:
            self._port.cancel(turn.number, reason=reason)
        if turn is self.turns[0]:
            self._unprepare("prepared for a reply that was cut")

    def _unprepare(self, reason: str, as_what: TurnOutcome = TurnOutcome.SKIPPED) -> None:
        """The prepared turn was built on what is no longer so: its line is next again."""
        for turn in self.turns[1:]:
            self.turns.remove(turn)
            if self._port.fence.allows(turn.number):
                self._port.cancel(turn.number, reason=reason)
            again = turn.ending is None
            if again:
                self._put_back(turn)
            outcome = turn.ending.outcome if turn.ending else as_what
            why = turn.ending.reason if turn.ending else reason
            self._report(turn, outcome, why, "", final=not again)

    def _put_back(self, turn: Turn) -> None:
        """Nothing came of a turn: what it was about is next again."""
        turn.disowned = True
        candidate = turn.candidate
        if turn.whisper and not self.show.whisper:
            self.show.whisper = turn.whisper
            self._save()
        if candidate.literal:
            (self._approved if candidate.item else self._says).appendleft(candidate)
        elif candidate.pick is not None and not candidate.draft:
            self._ask_again(candidate.pick)
            if not candidate.pick.spoken:
                self._replied_ns = 0

    def _ask_again(self, pick: Pick) -> None:
        """It is next, where it came from."""
        if pick.spoken:
            self.spoken.put_back(pick)
        else:
            self.queue.put_back(pick)

    def _close(self, turn: Turn, outcome: TurnOutcome, reason: str) -> None:
        """The turn is over and what was heard of it is known."""
        now = self._port.now_ns()
        self.turns.remove(turn)
        reply = turn.reply()
        if reply and not turn.forgotten:
            self._remember(turn, reply)
            self._asker.remember(turn, reply)
        self._report(turn, outcome, reason, reply, final=True)
        if not turn.disowned:
            self._had_its_turn(turn.candidate)
        self._idle.touch(now)
        if self.turns:
            self.turns[0].progress_ns = now
        elif reply != turn.generated:
            self._asker.prewarm(turn.persona)

    def _remember(self, turn: Turn, reply: str) -> None:
        try:
            self.history.add(turn.exchange(reply))
        except OSError as error:
            self._keeper.failed(HISTORY, error)

    def _report(
        self, turn: Turn, outcome: TurnOutcome, reason: str, reply: str, *, final: bool
    ) -> None:
        self.reports.tokens(turn, self._port.now_ns(), done=True)
        candidate = turn.candidate
        final = final and not (turn.disowned or candidate.answered or candidate.draft)
        self.reports.closed(turn, outcome, reason, reply, final=final)

    # --- small things ---

    def _turn_of(self, message_id: str) -> Turn | None:
        picks = ((turn, turn.candidate.pick) for turn in self.turns)
        return next((turn for turn, pick in picks if pick and message_id in pick.ids), None)

    def _set_held(self, reason: str) -> None:
        self.show.held, self.show.reason = True, reason
        self._save()

    def _save(self) -> None:
        self._keeper.changed(SHOW)

    @property
    def unsaved(self) -> str:
        """What a restart would forget, and why; empty if all is saved."""
        return self._keeper.unsaved

    def close(self) -> None:
        """Write what waits to be written."""
        self._keeper.close()
