"""People who speak: she gives way, and answers them first.

``bargein`` knows who speaks and ``spoken`` what waits for an answer; here is what follows from
it for the turns that are open. Almost all of it is looked at anew with every step, so that
nothing has to be undone: her voice is ducked while somebody speaks and something of her is on
its way to the ears, and for no other reason.
"""

from __future__ import annotations

from pathlib import Path

from ipc.config import Config
from ipc.protocol import (
    Duck,
    Playback,
    Playing,
    SpeechFinal,
    SpeechIgnored,
    SpeechPartial,
    SpeechStarted,
    StopSoon,
)
from ipc.states import ShowMode, TurnOutcome, WorkerState
from workers.director.bargein import Floor, Utterance, words_of
from workers.director.moderation import Moderation
from workers.director.port import Port
from workers.director.spoken import CROWDED_OUT, STALE, ended_ns, line_of, name_of, pick_of
from workers.director.turn import Candidate, Ending, Phase, Turn
from workers.director.voice import GIVEN_UP

Heard = SpeechStarted | SpeechPartial | SpeechFinal | SpeechIgnored

_DUCK_RAMP_S = 0.05
_BACK_RAMP_S = 0.25
_STOP_LATE_S = 0.25  # the stage is given this long on top before it is cut by the fence
_CLAUSE_MAX_S = 15.0  # of a clause whose sound is not all made yet
_DRAFTS = 2  # replies begun too early, an utterance
_SPEAKS = "somebody speaks"


class Listening(Moderation):
    """Turn taking between her and people."""

    def __init__(self, config: Config, state_dir: Path, port: Port) -> None:
        super().__init__(config, state_dir, port)
        self._speech = config.director.speech
        self._floor = Floor(self._speech)
        self._gain: float | None = None  # what the stage was told last; None: nothing
        self._draft: Candidate | None = None
        self._draft_of: Utterance | None = None
        self._waited_ns = 0  # when a reply about to sound was last taken back

    # --- what is heard ---

    def _hear(self, message: Heard) -> None:
        now = self._port.now_ns()
        floor, source, number = self._floor, message.source, message.utterance
        self._idle.touch(now)
        if isinstance(message, SpeechStarted):
            floor.started(source, number, message.at_ns, now)
            self._hold_back(now)
        elif isinstance(message, SpeechPartial):
            text, stable, paused = message.text, message.stable, message.paused
            known = floor.partial(source, number, text, stable, now, paused=paused)
            if known is not None:
                self._reword(known)
        elif isinstance(message, SpeechIgnored):
            known = floor.ignored(source, number, now)
            if known is not None and known is self._draft_of:
                self._discard("it was no speech")
        else:
            known = floor.final(source, number, message.text, message.started_ns, now)
            if known is not None:
                self._said(known, message, now)

    def _said(self, utterance: Utterance, final: SpeechFinal, now: int) -> None:
        """An utterance is over, and these are its words."""
        ended = ended_ns(final, now)
        mine = utterance is self._draft_of
        if not utterance.words:  # a laugh, or a sign that somebody listens
            if mine:
                self._discard("nothing was said")
            return
        line = line_of(utterance, ended)
        draft = self._draft if mine else None
        turn = self._drafted() if mine else None
        if draft is not None and turn is not None and words_of(draft.text) == words_of(line.text):
            draft.pick = pick_of((line,))
            draft.text, draft.received_ns, draft.draft = draft.pick.text, ended, False
            turn.stamps.received = min(ended, turn.stamps.opened)  # it may have begun sooner
            self._draft = self._draft_of = None
            return
        if mine:
            self._discard("the words changed")
        if line.id in self.reports.outcomes or line.id in self.spoken:
            return
        for old in self.spoken.add(line):
            self.reports.settle(old.id, TurnOutcome.SHED, CROWDED_OUT)
        if self._floor.goes_on(utterance, ended):
            self._interrupt(utterance)

    def _lost(self, worker: str) -> None:
        super()._lost(worker)
        if worker == "stt":
            self._floor.lost(self._port.now_ns())
        elif worker == "stage":
            self._gain = None

    # --- with every step ---

    def _take_turns(self, now: int) -> None:
        """What follows from who speaks now, and from what waits to be answered."""
        self._floor.advance(now)
        for line in self.spoken.expire(now):
            self.reports.settle(line.id, TurnOutcome.SHED, STALE)
        if self._draft is not None and self._drafted() is None:
            self._draft = self._draft_of = None  # it ended by itself
        if self._draft_of is not None and (
            self._draft_of not in self._floor.speaking or self.show.held or self._draining
        ):
            self._discard("nobody waits for it")
        for utterance in self._floor.speaking:
            if self._floor.goes_on(utterance, now):
                self._interrupt(utterance)
        self._make_way()
        self._begin_early(now)
        for turn in self.turns:
            waits = turn.phase is Phase.WRITTEN and not turn.sent_any
            if waits and not self._may_start(turn):
                turn.progress_ns = now  # that nothing happens is in order

    def _duck(self) -> None:
        """Her loudness, as it should be now."""
        if not self._port.state_of("stage").serves:
            return
        heard = any(turn.sent_any for turn in self.turns)
        quiet = heard and self._floor.taken and self._policy != "ignore"
        gain = self._speech.duck_gain if quiet else 1.0
        ramp_s = _DUCK_RAMP_S if quiet else _BACK_RAMP_S
        if gain != self._gain and self._port.send("stage", Duck(gain=gain, ramp_s=ramp_s)):
            self._gain = gain

    def _listen_wake_ns(self, now: int) -> int | None:
        """When the next step is due, if nothing happens until then."""
        times = (self._floor.wake_ns(now), self.spoken.next_expiry_ns())
        return min((at for at in times if at is not None), default=None)

    # --- giving way ---

    @property
    def _policy(self) -> str:
        return self.show.policy(self._config.director)

    def _may_start(self, turn: Turn) -> bool:
        candidate = turn.candidate
        return not candidate.draft and (candidate.source == "operator" or not self._floor.taken)

    def _hold_back(self, now: int) -> None:
        """Somebody has begun to speak: what is about to sound is asked for again later.

        Noises in a row must not put a reply off for ever: it is not held back twice in a while.
        """
        for turn in reversed(list(self.turns)):
            waits = turn.sent_any and not turn.audible and turn.ending is None
            if not waits or turn.candidate.source == "operator":
                continue
            if turn is not self.turns[0]:
                self._unprepare(_SPEAKS)
            elif not self._waited_ns or now - self._waited_ns >= int(self._speech.max_wait_s * 1e9):
                self._waited_ns = now
                self._take_back(turn, _SPEAKS)

    def _interrupt(self, utterance: Utterance) -> None:
        """Somebody goes on speaking: what she had begun before gives way, by policy."""
        turn = self.turns[0] if self.turns else None
        if turn is None or turn.ending is not None or not turn.sent_any:
            return
        if turn.begun_ns > utterance.since_ns or self._policy not in {"stop", "finish"}:
            return
        reason = f"interrupted by {name_of(utterance.source)}"
        clause = turn.sounding
        unheard = sum(not clause.finished for clause in turn.clauses)
        if turn.handed_over and not unheard:
            return  # it has been played, we are about to hear so
        if not turn.audible:
            self._take_back(turn, reason)
        elif clause is None:
            self._end(turn, TurnOutcome.SKIPPED, reason)
        elif self._policy == "stop":
            within_s = self._speech.stop_within_s
            self._end_soon(turn, reason, within_s + _STOP_LATE_S)
            self._port.send("stage", StopSoon(turn=turn.number, within_s=within_s))
        elif not (turn.handed_over and unheard == 1):
            length_s = turn.clauses[clause].audio_s or _CLAUSE_MAX_S
            self._end_soon(turn, reason, length_s + _STOP_LATE_S, clause)

    def _end_soon(
        self, turn: Turn, reason: str, within_s: float, clause: int | None = None
    ) -> None:
        deadline_ns = self._port.now_ns() + int(within_s * 1e9)
        turn.ending = Ending(TurnOutcome.SKIPPED, reason, deadline_ns, soon=True, clause=clause)
        self._unprepare("prepared for a reply that was cut")

    def _make_way(self) -> None:
        """A person is answered before chat, and an operator before everybody."""
        turn = self.turns[0] if self.turns else None
        if turn is None:
            return
        if self._says and not turn.sent_any and turn.ending is None and not self._may_start(turn):
            if turn.candidate is self._draft:
                self._discard("the operator goes first")
            else:
                self._take_back(turn, "the operator goes first")
        if not len(self.spoken) or not self._answers():
            return
        for late in reversed(list(self.turns)):
            if not self._yields(late):
                continue
            if late is not self.turns[0]:
                self._unprepare("somebody spoke")
            elif not late.sent_any:
                self._take_back(late, "somebody spoke")

    def _yields(self, turn: Turn) -> bool:
        """Whether a turn, unless it is heard already, is to come after what was said."""
        candidate = turn.candidate
        if turn.audible or turn.ending is not None or candidate.literal:
            return False
        if candidate.pick is None or not candidate.pick.spoken:
            return True
        return candidate.pick.first.author_id in self.spoken.authors  # they have gone on

    def _answers(self) -> bool:
        """Whether what is asked may be answered now."""
        waits = self.approvals.full and self.show.mode is ShowMode.APPROVAL
        return self._port.state_of("llm").serves and not (self.show.held or waits)

    def _take_back(self, turn: Turn, reason: str) -> None:
        """Nothing of it was heard: it is asked again."""
        self._end(turn, TurnOutcome.SKIPPED, reason)
        self._put_back(turn)

    # --- a reply before the words are final ---

    def _drafted(self) -> Turn | None:
        """The turn of the draft, if it is still open."""
        found = (turn for turn in self.turns if turn.candidate is self._draft)
        turn = next(found, None)
        return turn if turn is None or turn.ending is None else None

    def _reword(self, utterance: Utterance) -> None:
        """New words: throw away what was begun for others."""
        draft = self._draft if utterance is self._draft_of else None
        if draft is not None and words_of(utterance.text) != words_of(draft.text):
            self._discard("the words changed")

    def _begin_early(self, now: int) -> None:
        """A reply to words that may well be all."""
        for utterance in self._floor.speaking:
            promising = utterance.words and utterance.steady and utterance.drafts < _DRAFTS
            if promising and self._may_draft():
                utterance.drafts += 1
                pick = pick_of((line_of(utterance, now),))
                self._draft_of = utterance
                self._draft = Candidate("speech", pick.text, now, pick, draft=True)
                self._open(self._draft, now)

    def _may_draft(self) -> bool:
        """Whether a reply that may be in vain costs nobody anything."""
        busy = self.turns or len(self.spoken) or self._says or self._approved or self._draining
        tts = self._port.state_of("tts")
        return (
            self._speech.early
            and not busy
            and len(self._floor.speaking) == 1
            and self.show.mode is not ShowMode.APPROVAL
            and self._answers()
            and self._port.state_of("stage").serves
            and (tts.serves or tts in GIVEN_UP)
        )

    def _discard(self, reason: str) -> None:
        turn = self._drafted()
        self._draft = self._draft_of = None
        if turn is not None:
            self._take_back(turn, reason)
            self._wrap_up(turn, self._port.now_ns())

    # --- her own voice ---

    def _played(self, turn: Turn, report: Playback) -> None:
        super()._played(turn, report)
        if report.kind != "started" or not 0 <= report.clause < len(turn.clauses):
            return
        clause = turn.clauses[report.clause]
        stt: WorkerState = self._port.state_of("stt")
        if clause.voiced and stt.serves:
            self._port.send(
                "stt", Playing(turn=turn.number, clause=report.clause, text=clause.speech)
            )
