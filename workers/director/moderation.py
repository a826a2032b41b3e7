"""What was deleted, and who was banned: nothing of it is heard, at whatever stage it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ipc.config import Config
from ipc.protocol import ChatMessage, Forget, MemoryHit, Removed
from ipc.states import TurnOutcome
from workers.director.approving import Approving
from workers.director.lifecycle import HISTORY
from workers.director.port import Port
from workers.director.removal import Gone, Removals
from workers.director.turn import Turn

_FILE = "removed.json"
_TOGETHER_S = 0.05  # removals come in waves
_LEANT = "it leant on what was removed"


class Moderation(Approving):
    """Turns, queue, approvals, history and memory, rid of what was removed."""

    def __init__(self, config: Config, state_dir: Path, port: Port) -> None:
        super().__init__(config, state_dir, port)
        self._removals = Removals(state_dir / _FILE)
        self._keeper.add(_FILE, self._removals.save, "what was removed", _TOGETHER_S)

    def _remove(self, removed: Removed) -> None:
        """Silence first; then everywhere else, so that it cannot come back."""
        gone = Gone.of(removed)
        if removed.everything:  # memory has what of it is still in everybody's ears
            spoken = [
                one for it in self.history.all() if gone.exchange(it) for one in it.message_ids
            ]
            gone = replace(gone, ids=gone.ids | set(spoken))
        reason = removed.reason or ("deleted" if removed.message_ids else "removed")
        self._removals.note(removed)
        self._removals.ids(gone.ids)
        items = self.approvals.remove(gone)
        approved = {item.id for item in items}
        for turn in reversed(list(self.turns)):  # who ends does so for its own reason
            self._cut(turn, gone, approved, reason)
        for item in items:
            self._call_back(item)
            pick = None if item.answered else item.pick
            if pick is not None and not any(map(self._has_a_place, pick.ids)):
                self._ask_again(pick)  # those of its lines that stay are answered anew
        lines = self.queue.remove(gone.line)
        for line in lines:
            self.reports.settle(line.id, TurnOutcome.REMOVED, reason)
            self._taken.append(line.id)
        self._removals.ids(line.id for line in lines)
        self._forget_history(gone)
        self._forget_memory(removed, sorted(gone.ids))
        self._keeper.changed(_FILE)

    def _has_a_place(self, message_id: str) -> bool:
        """Whether a line waits already, or a turn tells what became of it."""
        turn = self._turn_of(message_id)
        return (
            message_id in self.queue
            or message_id in self.spoken
            or (turn is not None and not turn.disowned)
        )

    def _cut(self, turn: Turn, gone: Gone, items: set[str], reason: str) -> None:
        """End a turn that is of what is gone, or leans on it."""
        pick = turn.candidate.pick
        own = turn.candidate.item in items or (
            pick is not None and any(gone.line(line) for line in pick.lines)
        )
        leans = any(map(gone.hit, turn.hits)) or any(
            # of a crowd's exchange nobody's words are left once it is being spoken of
            gone.exchange(one) and not (one.crowd and turn.audible)
            for one in turn.history
        )
        if not (own or leans):
            return
        turn.forgotten = True
        if turn.cut:
            return
        outcome, why = (TurnOutcome.REMOVED, reason) if own else (TurnOutcome.SKIPPED, _LEANT)
        if turn is not self.turns[0]:
            self._unprepare(why, outcome)
            return
        again = own or not turn.audible
        self._end(turn, outcome, why)
        if again:  # without what is gone, which the queue loses next
            self._put_back(turn)

    def _forget_history(self, gone: Gone) -> None:
        persons = [
            key for key in self.personas.keys if any(map(gone.exchange, self.history.of(key)))
        ]
        self.history.remove(gone.exchange)
        if self.history.changed:
            self._keeper.changed(HISTORY)
        for key in persons:
            self._asker.prewarm(key)

    def _forget_memory(self, removed: Removed, ids: list[str]) -> None:
        if not self._port.state_of("memory").serves:
            return  # it is told everything when it is back
        if removed.author_id and removed.forget:
            self._port.send("memory", Forget(author_id=removed.author_id))
        if ids:
            self._port.send("memory", Forget(message_ids=ids))

    def _remind_memory(self) -> None:
        """It is there (again): it may have missed something, or died over it."""
        for forget in self._removals.forgets():
            self._port.send("memory", forget)

    def _is_gone(self, hit: MemoryHit) -> bool:
        return self._removals.hit(hit)

    def _late(self, line: ChatMessage) -> bool:
        """Whether a line arrives after its own removal."""
        if self._removals.has(line.id):
            if line.id not in self.reports.outcomes:
                self.reports.settle(
                    line.id, TurnOutcome.REMOVED, "it was removed before it arrived"
                )
            self._taken.append(line.id)
            return True
        if self._removals.speaks_again(line.author_id):
            self._keeper.changed(_FILE)
        return False
