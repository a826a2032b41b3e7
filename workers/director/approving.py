"""What a person has to look at first, and when that is everything."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from ipc.config import Config
from ipc.errors import RequestFailed
from ipc.protocol import ApprovalsEvent, ChatMessage
from ipc.states import ShowMode, TurnOutcome
from workers.director.approvals import LINE, REPLY, Approvals, Item
from workers.director.caution import Caution
from workers.director.port import Port
from workers.director.queue import Pick
from workers.director.recovery import Recovery
from workers.director.speech import caption_text
from workers.director.turn import Candidate, Phase, Turn
from workers.gate import Verdict

WORDS_MAX = 1000  # characters a person may have said at once: a minute of speech
_FILE = "approvals.json"
_TOLD_EVERY_NS = 250_000_000  # what waits is told at most 4 times a second
_ALL_WAIT = "every reply waits for approval"


class Approving(Recovery):
    """Turns whose replies may have to wait for a person, and a show that may become careful."""

    def __init__(self, config: Config, state_dir: Path, port: Port) -> None:
        super().__init__(config, state_dir, port)
        settings = config.director
        self.approvals = Approvals(state_dir / _FILE, settings.approvals, settings.viewer_lines)
        self._keeper.add(_FILE, self.approvals.save, "what waits for approval")
        self._caution = Caution(config.gate.tighten)
        self._careful_why = ""  # the show has to become careful with the next step
        self._told: list[str] | None = None
        self._told_ns = 0

    # --- approvals ---

    def _start_approvals(self) -> None:
        """What was approved before a crash goes on its way again."""
        if self.approvals.set_aside is not None:
            self._port.notice(
                "error",
                "what waited for approval cannot be read; "
                f"the file is now {self.approvals.set_aside.name}",
                "nothing of it will be said; lines that were held may come again",
            )
        for item in self.approvals.approved:
            self._let_go(item)

    def _hold_line(self, line: ChatMessage) -> None:
        """A viewer's line that a person should see before she does."""
        pick = Pick.of(line)
        self.reports.settle(line.id, TurnOutcome.HELD, line.held_why)
        self._add(Item(id="", kind=LINE, text=line.text, why=line.held_why, pick=pick))
        self._taken.append(line.id)

    def _for_a_person(self, turn: Turn) -> None:
        self.approvals.done(turn.item)  # there may have been less of it
        item = Item(
            id="",
            kind=REPLY,
            text=" ".join(turn.unsaid),
            why=turn.withheld,
            source=turn.candidate.source,
            pick=turn.candidate.pick,
            persona=turn.persona,
            quotes=turn.exchange("").quotes,
            answered=bool(turn.clauses) or turn.candidate.answered,
        )
        self._add(item)
        turn.item = item.id

    def _add(self, item: Item) -> None:
        for old, why in self.approvals.add(item):
            self._settle_item(old, TurnOutcome.SHED, why)

    def _settle_item(self, item: Item, outcome: TurnOutcome, reason: str) -> None:
        if item.pick is not None and not item.answered:
            for message_id in item.pick.ids:
                self.reports.settle(message_id, outcome, reason)

    def _put_back(self, turn: Turn) -> None:
        self.approvals.done(turn.item)  # what it held back is written anew
        super()._put_back(turn)

    def _had_its_turn(self, candidate: Candidate) -> None:
        self.approvals.done(candidate.item)
        lines = candidate.pick.ids if candidate.pick else []
        for item in self.approvals.approved:
            if item.kind == LINE and item.pick is not None and item.pick.first.id in lines:
                self.approvals.done(item.id)

    def approve(self, name: str, text: str = "") -> str:
        """Let it go, with other words if ``text`` is given. Its id. Raises RequestFailed."""
        item = self._find(name)
        if text and not caption_text(text):
            raise RequestFailed("there is nothing to say in that", "give the words to be said")
        if len(text) > WORDS_MAX:
            raise RequestFailed(
                f"{len(text)} characters are too many to be said at once",
                f"give at most {WORDS_MAX}, a minute of speech",
            )
        if item.approved:
            raise RequestFailed(f"{item.id} is approved already", "it is said as soon as it can be")
        self._speaker.check_gate()
        # as it will be judged when she says it
        mask = self.personas[item.persona].mask if item.persona in self.personas else ""
        judgement = self._gate.judge(text or item.text, mask=mask)
        if judgement.verdict is Verdict.DROP:
            raise RequestFailed(
                f"the gate: {judgement.why}", "give other words, or deny it: it is never said"
            )
        self.approvals.edit(item, approved=True, text=text)
        self._let_go(item)
        self._advance()
        return item.id

    def deny(self, name: str) -> str:
        """Never say or answer it. Its id. Raises RequestFailed."""
        item = self._find(name)
        if item.approved:
            self._call_back(item)
        self.approvals.done(item.id)
        self._settle_item(item, TurnOutcome.BLOCKED, "denied by the operator")
        self._advance()
        return item.id

    def _find(self, name: str) -> Item:
        item = self.approvals.find(name)
        if item is None or self._under_way(item):
            waiting = ", ".join(item.id for item in self.approvals.waiting) or "nothing"
            raise RequestFailed(f"nothing waits for approval as {name!r}", f"there is: {waiting}")
        return item

    def _under_way(self, item: Item) -> bool:
        if any(turn.candidate.item == item.id for turn in self.turns):
            return True
        line = item.pick.first.id if item.pick and item.kind == LINE else ""
        return bool(line) and self._turn_of(line) is not None

    def _let_go(self, item: Item) -> None:
        """On its way: a line is next in the queue, a reply is said as it is."""
        now = self._port.now_ns()
        if item.kind == LINE and item.pick is not None:
            line = msgspec.structs.replace(
                item.pick.first, text=item.text, held_why="", received_ns=now
            )
            self.queue.put_back(Pick.of(line))  # however full it is
            self.queue.pick_next(line.id)
        else:
            question = item.pick.text if item.pick else item.text
            persona = item.persona if item.persona in self.personas else ""
            self._approved.append(
                Candidate(
                    item.source,
                    question,
                    now,
                    item.pick,
                    words=item.text,
                    persona=persona,
                    item=item.id,
                    answered=item.answered,
                )
            )

    def _call_back(self, item: Item) -> None:
        """It is not to go on the air after all."""
        waiting = [candidate for candidate in self._approved if candidate.item != item.id]
        self._approved.clear()
        self._approved.extend(waiting)
        if item.kind == LINE and item.pick is not None:
            self.queue.drop(item.pick.first.id)

    def _call_back_all(self) -> None:
        """What was let go waits again."""
        for item in self.approvals.approved:
            if not self._under_way(item):
                self._call_back(item)
                self.approvals.edit(item, approved=False)

    def _pass_over(self, line: ChatMessage, reason: str) -> None:
        """A line that no turn will answer."""
        self.reports.settle(line.id, TurnOutcome.SHED, reason)
        self._taken.append(line.id)

    def _keep_approvals(self, now: int) -> int | None:
        """Have saved, and tell, what has changed; when to call again."""
        for item in self.approvals.approved:
            if item.kind == LINE and item.pick is not None:
                known = self.reports.outcomes.get(item.pick.first.id)
                if known is not None and known["outcome"] != TurnOutcome.HELD:
                    self.approvals.done(item.id)
        if self.approvals.changed:
            self._keeper.changed(_FILE)
        waiting = self.approvals.waiting
        ids = [item.id for item in waiting]
        if ids == self._told:
            return None
        if self._told is not None and now < self._told_ns + _TOLD_EVERY_NS:
            return self._told_ns + _TOLD_EVERY_NS
        self._told, self._told_ns = ids, now
        self._port.publish(self.approvals_event())
        return None

    def approvals_event(self) -> ApprovalsEvent:
        """What waits, oldest first."""
        return ApprovalsEvent(
            items=[item.shown() for item in self.approvals.waiting], at=time.time()
        )

    # --- how careful the show is ---

    def _must_wait(self, candidate: Candidate) -> str:
        careful = self.show.mode is ShowMode.APPROVAL and not candidate.literal
        return _ALL_WAIT if careful else ""

    def _gate_hit(self, hits: int, why: str) -> None:
        reason = self._caution.hit(hits, why, self._port.now_ns())
        if reason and self.show.mode is ShowMode.OPEN:
            self._careful_why = reason  # what is under way now is not pulled away from under itself

    def _become_careful(self) -> None:
        """Hits have risen: tighten, as configured."""
        reason, self._careful_why = self._careful_why, ""
        if not reason or self.show.mode is not ShowMode.OPEN:
            return
        tighten = self._config.gate.tighten
        safe = tighten.to == "safe" and tighten.persona in self.personas
        self._apply_mode(ShowMode.SAFE if safe else ShowMode.APPROVAL, reason)
        what = f"{self.personas[self.show.persona].name} is on air" if safe else _ALL_WAIT
        self._port.notice(
            "error", f"the show is careful now: {reason}; {what}", "spark-tui ctl mode open ends it"
        )

    def set_mode(self, name: str) -> ShowMode:
        """Raises RequestFailed."""
        try:
            mode = ShowMode(name.strip().lower())
        except ValueError:
            raise RequestFailed(
                f"there is no mode {name!r}", f"there are: {', '.join(ShowMode)}"
            ) from None
        if mode is ShowMode.SAFE and self._config.gate.tighten.persona not in self.personas:
            raise RequestFailed(
                "there is no safe personality", "name one of [personas] in gate.tighten.persona"
            )
        self._careful_why = ""
        self._apply_mode(mode, "" if mode is ShowMode.OPEN else "set by the operator")
        self._advance()
        return mode

    def _apply_mode(self, mode: ShowMode, reason: str) -> None:
        show = self.show
        on_air = show.persona
        if mode is ShowMode.SAFE:
            show.before_safe = show.before_safe or on_air
            show.persona = self._config.gate.tighten.persona
        elif show.before_safe:
            show.persona, show.before_safe = show.before_safe, ""
        if mode is ShowMode.OPEN:
            self._caution.clear()
        else:
            self._withdraw("the show became careful")
        show.mode, show.mode_reason = mode, reason
        self._save()
        if show.persona != on_air:
            self._unprepare("the personality was switched")
            self._asker.prewarm(show.persona)

    def _withdraw(self, why: str) -> None:
        """What was not heard yet of a reply is not said unseen."""
        self._unprepare(why)
        turn = self.turns[0] if self.turns else None
        if turn is None or turn.ending is not None or turn.candidate.literal:
            return
        if not turn.audible:
            if not turn.withheld or turn.clauses:
                self._end(turn, TurnOutcome.SKIPPED, why)
                self._put_back(turn)  # and is asked again
            return
        unheard = [clause for clause in turn.clauses if not clause.started_ns]
        turn.withheld = turn.withheld or why
        turn.unsaid[:0] = [clause.caption for clause in unheard]
        cut = any(clause.sent for clause in unheard)
        if not cut:
            turn.clauses = [clause for clause in turn.clauses if clause.started_ns]
        if turn.unsaid and (cut or turn.phase is Phase.WRITTEN):
            self._for_a_person(turn)
        if cut:
            self._end(turn, TurnOutcome.SKIPPED, why)
