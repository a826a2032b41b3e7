"""From generated text to the stage: splitter, gate, credits, captions.

Shared by all turns under way, because the credits of tts are shared: earlier turns go first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ipc.config import Config
from ipc.protocol import Caption, Synthesise, TurnEnd
from ipc.states import WorkerState
from workers.director.clauses import Piece
from workers.director.keeping import Problems
from workers.director.personas import Personas
from workers.director.port import Port
from workers.director.reports import Reports
from workers.director.speech import caption_text, speech_text
from workers.director.turn import Clause, Turn
from workers.gate import Gate, Judgement, Verdict

GIVEN_UP = frozenset({WorkerState.FAILED, WorkerState.DISABLED})

# of what came before: for phrases that a cut went through, and words that are spelled
_CLAUSES_BEFORE = 12
_WORDS_BEFORE = 12


class Speaker:
    """Owns no turn; does what the text of one needs."""

    def __init__(
        self,
        config: Config,
        port: Port,
        problems: Problems,
        gate: Gate,
        personas: Personas,
        reports: Reports,
        delay_s: Callable[[], float],
        may_start: Callable[[Turn], bool],
    ) -> None:
        self._credits = config.tts.clauses_ahead
        self._port = port
        self._problems = problems
        self._gate = gate
        self._personas = personas
        self._reports = reports
        self._delay_s = delay_s  # before a reply of the model goes on the air
        self._may_start = may_start  # whether nobody else speaks

    def write(self, turn: Turn, pieces: list[Piece], turns: list[Turn]) -> str:
        """Judge new clauses and pass on what may be said. Why the turn must end, or "".

        What a person must look at first, and all that comes behind it, is left in
        ``turn.unsaid``. What a person wrote or has looked at need not be held.
        """
        self.check_gate()
        for piece in pieces:
            caption = caption_text(piece.text)
            if not caption:
                continue
            now = self._port.now_ns()
            stamps = turn.stamps
            if not stamps.first_clause:
                stamps.first_clause = now
                delay_s = 0.0 if turn.candidate.literal else self._delay_s()
                turn.air_ns = now + int(delay_s * 1e9)
            judgement, speech = self._judge(turn, caption)
            stamps.gate_done = stamps.gate_done or self._port.now_ns()
            verdict = judgement.verdict
            clause = Clause(
                judgement.text or caption, speech, piece.emotion, str(verdict), judgement.why
            )
            if verdict is Verdict.DROP:
                self._reports.clause(turn, len(turn.clauses), clause)
                return f"the gate: {judgement.why}"
            if verdict is Verdict.HOLD and not turn.candidate.literal and not turn.withheld:
                turn.withheld = f"the gate: {judgement.why}"
                self._reports.clause(turn, len(turn.clauses), clause)
            if turn.withheld:
                turn.unsaid.append(caption)
                continue
            turn.clauses.append(clause)
            self.pump(turns)
        return ""

    def _judge(self, turn: Turn, caption: str) -> tuple[Judgement, str]:
        """The verdict on a clause, and what of it may be spoken.

        What the voice will say is judged too: it leaves out characters that hide a word on
        screen (``b|a|d``).
        """
        mask = self._personas[turn.persona].mask
        said = [clause.caption for clause in turn.clauses[-_CLAUSES_BEFORE:]] + turn.unsaid
        before = " ".join(" ".join(said[-_CLAUSES_BEFORE:]).split()[-_WORDS_BEFORE:])
        judgement = self._gate.judge(caption, before=before, mask=mask)
        if judgement.verdict is Verdict.DROP:
            return judgement, ""
        speech = speech_text(judgement.text or caption)
        if speech == judgement.text:  # the usual case: nothing is left out, nothing to add
            return judgement, speech
        spoken = self._gate.judge(speech, before=speech_text(before), mask=mask)
        if spoken.verdict is Verdict.DROP:
            return spoken, ""
        if spoken.text != speech:
            # where on screen the word is, nobody knows: the caption shows what is said
            shown, speech = spoken.text, speech_text(spoken.text)
        else:
            shown = judgement.text
        strictest = max((judgement, spoken), key=lambda one: one.verdict)
        return replace(strictest, text=shown), speech

    def check_gate(self) -> None:
        """Read the gate's files again if they changed, and say what is wrong with them."""
        if not self._gate.refresh(self._port.now_ns()):
            return
        problem = self._gate.problem
        stopped = meanwhile = ""
        if not self._gate.loaded:
            stopped, meanwhile = "nothing can be said", "nothing is said until it can be read"
        elif problem and self._gate.judge("").verdict is Verdict.HOLD:  # what will it let pass?
            stopped = "every reply waits for approval"
            meanwhile = f"{stopped} until it can be read"
        if problem:
            self._port.notice(
                "error" if stopped else "warning",
                problem,
                meanwhile or "what was read before stays in use; mend the file, it is read again",
            )
        self._problems.set(
            "gate",
            f"{stopped}: {problem}; mend the file, it is read again at once" if stopped else "",
        )

    def pump(self, turns: list[Turn]) -> None:
        """Hand over as many clauses as there are credits, in order."""
        state = self._port.state_of("tts")
        left = self._credits - sum(turn.outstanding for turn in turns)
        for turn in turns:
            if turn.ending is not None:
                continue
            if turn.air_ns > self._port.now_ns():
                return
            if not turn.sent_any and not self._may_start(turn):
                return
            for number, clause in enumerate(turn.clauses):
                if clause.sent:
                    continue
                voiced = bool(clause.speech) and state not in GIVEN_UP
                if voiced and (left <= 0 or not state.serves):
                    return
                left -= voiced
                self._hand_over(turn, number, clause, voiced=voiced)
            if turn.handed_over and turn.clauses and not turn.end_sent:
                turn.end_sent = True
                self._port.send("stage", TurnEnd(turn=turn.number, clauses=len(turn.clauses)))
            if not turn.handed_over:
                return

    def _hand_over(self, turn: Turn, number: int, clause: Clause, *, voiced: bool) -> None:
        clause.sent, clause.voiced = True, voiced
        turn.begun_ns = turn.begun_ns or self._port.now_ns()
        persona = self._personas[turn.persona]
        if voiced:
            # first, because it is on the way to the sound; the caption is in time anyway
            turn.stamps.synthesise_sent = turn.stamps.synthesise_sent or self._port.now_ns()
            self._port.send(
                "tts",
                Synthesise(
                    turn=turn.number,
                    clause=number,
                    text=clause.speech,
                    voice=self._personas.voice(turn.persona),
                ),
            )
        self._port.send(
            "stage",
            Caption(
                turn=turn.number,
                clause=number,
                text=clause.caption,
                speaker=persona.name,
                color=persona.color,
                emotion=clause.emotion,
                voiced=voiced,
                persona=turn.persona,
            ),
        )
