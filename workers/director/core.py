"""The one that decides: which line, when, in whose voice, and when to stop.

No clock, no sockets, no tasks: messages and commands come in by method calls, effects go
out through a Port, and ``wake_ns`` says when ``tick`` wants to be called. At most two
turns are open: the one being heard, and the one prepared while its last words sound.
"""

from __future__ import annotations

from ipc.errors import RequestFailed
from ipc.protocol import (
    Cancel,
    ChatLines,
    ChatMessage,
    Generated,
    Message,
    Peer,
    Playback,
    Recalled,
    StageControl,
    Synthesised,
    Taken,
    Tokens,
)
from ipc.states import TurnOutcome, WorkerState
from workers.director.lifecycle import Turns
from workers.director.show import MODEL_GONE
from workers.director.speech import caption_text
from workers.director.turn import Candidate, Phase
from workers.director.voice import GIVEN_UP
from workers.gate import RECHECK_NS

_SAY_MAX = 16  # operator sentences that may wait
_SAY_CHARS = 1000
_LOST = frozenset(
    {
        WorkerState.WAITING,
        WorkerState.STARTING,
        WorkerState.STOPPING,
        WorkerState.BACKOFF,
        *GIVEN_UP,
    }
)


class Director(Turns):
    """Drive it with ``start``, ``receive``, ``cancelled``, ``peer_changed``, ``tick`` and the
    operator's methods; after each of them ``wake_ns`` is valid."""

    # --- inputs ---

    def start(self, peers: list[Peer]) -> None:
        """The worker is up: say what is set, warm the prompts."""
        for peer in peers:
            self._incarnations[peer.name] = (peer.incarnation, peer.state)
        self._speaker.check_gate()
        self._port.send("stage", StageControl(muted=self.show.muted))
        if self._port.state_of("llm").serves:
            self._asker.prewarm_all(self.show.persona)
        self._advance()

    def receive(self, message: Message) -> None:
        """A pipeline message to the director. What belongs to no open turn is ignored."""
        if isinstance(message, ChatLines):
            self._idle.touch(self._port.now_ns())
            for new in message.lines:
                if not (new.id in self.reports.outcomes or self._turn_of(new.id)):
                    for line, reason in self.queue.offer(new):
                        self._shed(line, reason)
        elif isinstance(message, Recalled | Tokens | Generated | Synthesised | Playback):
            turn = next((t for t in self.turns if t.number == message.turn), None)
            if turn is None:
                return
            turn.progress_ns = self._port.now_ns()
            if isinstance(message, Playback):
                self._played(turn, message)
            elif turn.ending is not None:
                return
            elif isinstance(message, Tokens):
                self._tokens(turn, message)
            elif isinstance(message, Synthesised):
                self._synthesised(turn, message)
            elif isinstance(message, Recalled):
                self._recalled(turn, message)
            else:
                self._generated(turn, message)
        self._advance()

    def cancelled(self, cancel: Cancel) -> None:
        """Turns were fenced by somebody else."""
        for turn in list(self.turns):
            if turn in self.turns and not self._port.fence.allows(turn.number):
                self._end(turn, TurnOutcome.SKIPPED, cancel.reason or "cancelled", fence=False)
        self._advance()

    def peer_changed(self, peer: Peer) -> None:
        """Another worker changed its state or its incarnation."""
        before = self._incarnations.get(peer.name, (peer.incarnation, WorkerState.WAITING))
        self._incarnations[peer.name] = (peer.incarnation, peer.state)
        changed = before[0] != peer.incarnation
        if changed or (peer.state in _LOST and before[1] not in _LOST):
            self._lost(peer.name)
        if peer.state.serves and (changed or not before[1].serves):
            if peer.name == "llm":
                self._hold_line_said = False
                self._asker.prewarm_all(self.show.persona)
            elif peer.name == "stage":
                self._port.send("stage", StageControl(muted=self.show.muted))
        self._advance()

    def tick(self) -> None:
        """Time has passed."""
        self._advance()

    # --- the operator ---

    def hold(self, reason: str = "") -> None:
        self._set_held(reason)
        self._unprepare("the show is held")
        self._advance()

    def release(self) -> None:
        self._idle.touch(self._port.now_ns())
        self.show.held, self.show.reason = False, ""
        self._save()
        self._advance()

    def mute(self, *, muted: bool) -> None:
        self.show.muted = muted
        self._save()
        self._port.send("stage", StageControl(muted=muted))
        self._advance()

    def skip(self) -> int:
        """The turn that was cut. Raises RequestFailed if there is none."""
        if not self.turns:
            raise RequestFailed("there is no reply to skip", "she is quiet just now")
        turn = self.turns[0]
        self._end(turn, TurnOutcome.SKIPPED, "skipped by the operator")
        self._advance()
        return turn.number

    def dump(self) -> int:
        """Silence now, everything waiting goes, held. How many lines were cleared."""
        newest = max(self._newest, self._port.fence.floor)
        self._port.cancel(newest, up_to=True, reason="dumped by the operator")
        for turn in self.turns:
            if turn.ending is None:
                turn.ending = self._ending(TurnOutcome.SKIPPED, "dumped by the operator")
        self._says.clear()
        lines = self.queue.clear()
        for line in lines:
            self._shed(line, "dumped by the operator")
        self._set_held("dumped by the operator")
        self._advance()
        return len(lines)

    def set_persona(self, name: str) -> str:
        """The key of who is on air from the next turn on. Raises RequestFailed."""
        key = self.personas.find(name)
        if key != self.show.persona:
            self.show.persona = key
            self._save()
            self._unprepare("the personality was switched")
            self._asker.prewarm(key)
        self._advance()
        return key

    def say(self, text: str, asked_ns: int) -> int:
        """The turn that will say it. Raises RequestFailed."""
        if not caption_text(text):
            raise RequestFailed("there is nothing to say in that", "give the words to be said")
        if len(text) > _SAY_CHARS:
            raise RequestFailed(
                f"{len(text)} characters are too many to be said at once",
                f"give at most {_SAY_CHARS}, a minute of speech",
            )
        if len(self._says) >= _SAY_MAX:
            raise RequestFailed(f"{_SAY_MAX} sentences are waiting already", "wait, or dump")
        number = self._allocate()
        self._says.append(
            Candidate("operator", text, asked_ns or self._port.now_ns(), None, number, True)
        )
        self._advance()
        return number

    def cannot_answer(self, message_id: str = "") -> tuple[str, str] | None:
        """Why a waiting line would get no answer, and the mend; None if it will."""
        if message_id and self._turn_of(message_id) is not None:
            return None
        for worker in ("llm", "stage"):
            state = self._port.state_of(worker)
            if state in GIVEN_UP:
                return f"{worker} is {state}", f"restart it: spark-tui ctl restart {worker}"
        if self.show.held:
            return "the show is held", "release it: spark-tui ctl release"
        return None

    def drain(self) -> None:
        """No new turns any more; the one under way may end."""
        self._draining = True
        self._unprepare("the show is stopping")
        self._advance()

    def _shed(self, line: ChatMessage, reason: str) -> None:
        """A line that no turn will answer."""
        self.reports.shed(line, reason)
        self._port.send("chat", Taken(message_ids=[line.id]))

    # --- choosing ---

    def _advance(self) -> None:
        """Everything that follows from what is known now. Called after every input."""
        now = self._port.now_ns()
        if not self._gate.loaded:
            self._speaker.check_gate()
        for line, reason in self.queue.expire(now):
            self._shed(line, reason)
        candidate: Candidate | None = None
        while True:
            self._deadlines(now)
            self._speaker.pump(self.turns)
            for turn in list(self.turns):
                self._wrap_up(turn, now)
            candidate = self._choose(now) if self._may_open(now) else None
            if candidate is None:
                break
            self._open(candidate, now)
        self.wake_ns = self._next_wake(now)

    def _may_open(self, now: int) -> bool:
        if self._draining or not self._port.state_of("stage").serves:
            return False
        tts = self._port.state_of("tts")
        if not (tts.serves or tts in GIVEN_UP):
            return False
        if not self.turns:
            return True
        if len(self.turns) > 1 or self.turns[0].ending is not None:
            return False
        left_s = self.turns[0].left_s(now, self._config.stage.caption_words_per_s)
        return left_s is not None and left_s <= self._config.director.prepare_ahead_s

    def _choose(self, now: int) -> Candidate | None:
        llm = self._port.state_of("llm")
        if llm in GIVEN_UP and not self._hold_line_said:
            self._model_gone(now)
        if self._says and (self._says[0].literal or llm.serves):
            return self._says.popleft()
        if self.show.held or not llm.serves:
            return None
        pick = self.queue.take(now)
        if pick is not None:
            return Candidate("chat", pick.text, pick.first.received_ns, pick)
        due = self._idle.due_ns()
        if due is not None and now >= due and not self.turns:
            self._idle.touch(now)
            topic = self.personas.next_topic(self.show.persona)
            if topic:
                return Candidate("idle", topic, now)
        return None

    def _model_gone(self, now: int) -> None:
        self._hold_line_said = True
        line = self.personas[self.show.persona].hold_line
        if line and not self.show.held:
            self._says.appendleft(Candidate("idle", line, now, literal=True))
        self._set_held(MODEL_GONE)
        self._port.notice(
            "error",
            "the language model gave up; the show is held",
            "spark-tui ctl restart llm, then spark-tui ctl release",
        )

    def _next_wake(self, now: int) -> int | None:
        times: list[int | None] = [self.queue.next_expiry_ns()]
        if not self._gate.loaded:
            times.append(now + RECHECK_NS)
        for turn in self.turns:
            times.append(self.reports.tokens(turn, now))
            if turn.ending is not None:
                times.append(turn.ending.deadline_ns)
            else:
                times.append(self._gives_up_ns(turn))
                if turn.phase is Phase.RECALLING:
                    times.append(turn.deadline_ns)
        if len(self.turns) == 1:
            left_s = self.turns[0].left_s(now, self._config.stage.caption_words_per_s)
            ahead_s = self._config.director.prepare_ahead_s
            if left_s is not None and left_s > ahead_s:
                times.append(now + int((left_s - ahead_s) * 1e9) + 1)
        elif not self.turns and not self.show.held:
            due = self._idle.due_ns()
            if due is not None and due > now:
                times.append(due)
        times.append(self.reports.show(self.show.event(self.personas.keys, len(self.queue)), now))
        return min((at for at in times if at is not None), default=None)
