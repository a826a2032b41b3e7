"""What goes wrong with the open turns: workers that are lost, time that runs out."""

from __future__ import annotations

from ipc.states import TurnOutcome
from workers.director.lifecycle import Turns
from workers.director.turn import Phase, Turn
from workers.director.voice import GIVEN_UP


class Recovery(Turns):
    """Turns that survive losses where they can, and end where they cannot."""

    # --- losses ---

    def _lost(self, worker: str) -> None:
        """Whatever was outstanding there is gone."""
        for turn in list(self.turns):
            if turn not in self.turns or turn.ending is not None:
                continue
            if worker == "memory" and turn.phase is Phase.RECALLING:
                self._generate(turn)
            elif worker == "llm" and turn.phase is Phase.GENERATING:
                self._model_lost(turn)
            elif worker == "tts":
                turn.voice_lost = turn.sent_any
                if turn.outstanding and turn is not self.turns[0]:
                    self._unprepare("the voice was lost")
                elif turn.outstanding:
                    self._end(turn, TurnOutcome.FAILED, "the voice was lost")
            elif worker == "stage" and turn.sent_any:
                self._end(turn, TurnOutcome.FAILED, "the stage was lost")
        if worker == "stage":
            # nobody will say what was heard
            for turn in [t for t in self.turns if t.ending is not None]:
                turn.estimate_heard(self._port.now_ns())
                if turn.ending is not None:
                    self._close(turn, turn.ending.outcome, turn.ending.reason)

    def _model_lost(self, turn: Turn) -> None:
        turn.note = "the language model was lost"
        if turn.sent_any or turn.candidate.retried:
            turn.unfinished = True
            self._finish_text(turn, cut_short=True)
            return
        # nothing was said yet: once more, under a number that no stray token has
        at = self.turns.index(turn)
        self.turns.pop(at)
        self._port.cancel(turn.number, reason=turn.note)
        self._report(turn, TurnOutcome.FAILED, f"{turn.note}; asked again", "", final=False)
        candidate = turn.candidate
        candidate.retried, candidate.persona, candidate.number = True, turn.persona, 0
        now = self._port.now_ns()
        again = self._turn_for(candidate, Phase.WAITING, now)
        again.stamps.recalled = now
        again.hits, again.whisper, again.withheld = turn.hits, turn.whisper, turn.withheld
        self._port.open_turn(again.number)
        self.turns.insert(at, again)
        self.reports.opened(again)

    # --- time ---

    def _deadlines(self, now: int) -> None:
        for turn in list(self.turns):
            if turn not in self.turns or turn.ending is not None:
                continue
            if turn.phase is Phase.RECALLING and now >= turn.deadline_ns:
                self._asker.recalled(turn, late=True)
                self._generate(turn)
            elif turn.phase is Phase.WAITING:
                state = self._port.state_of("llm")
                if state.serves:
                    self._generate(turn)
                elif state in GIVEN_UP:
                    self._end(turn, TurnOutcome.FAILED, "the language model gave up")
                    continue
            if now >= self._gives_up_ns(turn):
                what = turn.note or f"nothing happened while {turn.phase.name.lower()}"
                self._end(turn, TurnOutcome.FAILED, what)

    def _gives_up_ns(self, turn: Turn) -> int:
        """When a turn without progress is given up."""
        limit_ns = int(self._config.director.turn_timeout_s * 1e9)
        if turn is not self.turns[0] and turn.phase is Phase.WRITTEN:
            # it waits for the one before it to end
            return self.turns[0].quiet_until_ns(limit_ns) + limit_ns
        return turn.quiet_until_ns(limit_ns)
