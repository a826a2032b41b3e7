"""The one that decides: which line, when, in whose voice, and when to stop.

No clock, no sockets, no tasks: messages and commands come in by method calls, effects go
out through a Port, and ``wake_ns`` says when ``tick`` wants to be called. At most two
turns are open: the one being heard, and the one prepared while its last words sound.
"""

from __future__ import annotations

from pathlib import Path

from ipc.config import Config
from ipc.protocol import (
    Cancel,
    ChatLines,
    ChatMessage,
    GateHit,
    Generated,
    Message,
    Peer,
    Playback,
    Recalled,
    Removed,
    SpeechFinal,
    SpeechIgnored,
    SpeechPartial,
    SpeechStarted,
    StageControl,
    Synthesised,
    Taken,
    Tokens,
)
from ipc.states import ShowMode, TurnOutcome, WorkerState
from workers.director.intake import Intake
from workers.director.port import Port
from workers.director.show import MODEL_GONE
from workers.director.steering import Steering
from workers.director.turn import Candidate, Phase
from workers.director.voice import GIVEN_UP
from workers.gate import RECHECK_NS

_LOST = frozenset(
    {
        WorkerState.WAITING,
        WorkerState.STARTING,
        WorkerState.STOPPING,
        WorkerState.BACKOFF,
        *GIVEN_UP,
    }
)


class Director(Steering):
    """Drive it with ``start``, ``receive``, ``cancelled``, ``peer_changed``, ``tick`` and the
    operator's methods; after each of them ``wake_ns`` is valid."""

    def __init__(self, config: Config, state_dir: Path, port: Port) -> None:
        super().__init__(config, state_dir, port)
        self._intake = Intake()

    # --- inputs ---

    def start(self, peers: list[Peer]) -> None:
        """The worker is up: say what is set, warm the prompts."""
        for peer in peers:
            self._incarnations[peer.name] = (peer.incarnation, peer.state)
        self._speaker.check_gate()
        self._port.send("stage", StageControl(muted=self.show.muted))
        if self._port.state_of("llm").serves:
            self._asker.prewarm_all(self.show.persona)
        if self._port.state_of("memory").serves:
            self._remind_memory()
        self._start_approvals()
        self._advance()

    def receive(self, message: Message) -> None:
        """A pipeline message to the director. What belongs to no open turn is ignored."""
        if isinstance(message, ChatLines):
            self._take_in(message.lines)
        elif isinstance(message, Removed):
            self._remove(message)
        elif isinstance(message, GateHit):
            self._gate_hit(message.hits, message.why)
        elif isinstance(message, SpeechStarted | SpeechPartial | SpeechFinal | SpeechIgnored):
            self._hear(message)
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

    def _take_in(self, lines: list[ChatMessage]) -> None:
        """Lines of chat, thousands a minute."""
        now = self._port.now_ns()
        self._idle.touch(now)
        for new in lines:
            if self._late(new):
                continue
            if new.id in self.reports.outcomes or self._turn_of(new.id):
                self._taken.append(new.id)  # chat has not heard so yet
            elif new.held_why:
                self._hold_line(new)
            else:
                for line, reason in self.queue.offer(new, now):
                    self._pass_over(line, reason)
        self._intake.note(lines, self._port.now_ns())

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
            elif peer.name == "memory":
                self._remind_memory()
        self._advance()

    def tick(self) -> None:
        """Time has passed."""
        self._advance()

    # --- choosing ---

    def _advance(self) -> None:
        now = self._port.now_ns()
        if self._gate.problem:
            self._speaker.check_gate()
        self._become_careful()
        for line, reason in self.queue.expire(now):
            self._pass_over(line, reason)
        candidate: Candidate | None = None
        while True:
            self._take_turns(now)
            self._deadlines(now)
            self._speaker.pump(self.turns)
            for turn in list(self.turns):
                self._wrap_up(turn, now)
            candidate = self._choose(now) if self._may_open(now) else None
            if candidate is None:
                break
            self._open(candidate, now)
        self._duck()
        self.wake_ns = self._next_wake(now)  # writes what has to be kept before ...
        if self._taken:  # ... chat lets go of it
            self._port.send("chat", Taken(message_ids=self._taken))
            self._taken = []

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
        if self.show.held or self._floor.taken:
            return None
        answers = self._answers()
        if answers and (said := self.spoken.take()) is not None:
            return Candidate("speech", said.text, said.first.received_ns, said)
        if now < self._floor.chat_from_ns:
            return None
        if self._approved:
            return self._approved.popleft()
        if not answers:
            return None
        pick = self.queue.take(now) if now >= self._slow_until_ns() else None
        if pick is not None:
            return Candidate.of(pick)
        due = self._idle.due_ns()
        quiet = due is not None and now >= due and not self.turns and not len(self.queue)
        if quiet and self.show.mode is not ShowMode.APPROVAL:
            self._idle.touch(now)
            topic = self.show.topic or self.personas.next_topic(self.show.persona)
            if self.show.topic:
                topic = f"Say something about today's topic: {self.show.topic}"
            if topic:
                return Candidate("idle", topic, now)
        return None

    def _slow_until_ns(self) -> int:
        """No turn of chat is opened before."""
        slow_s = self.show.slow(self._config.director)
        return self._replied_ns + int(slow_s * 1e9) if self._replied_ns else 0

    def _model_gone(self, now: int) -> None:
        self._hold_line_said = True
        line = self.personas[self.show.persona].hold_line
        if line and not self.show.held:
            self._says.appendleft(Candidate("idle", line, now, words=line))
        self._set_held(MODEL_GONE)
        self._port.notice(
            "error",
            "the language model gave up; the show is held",
            "spark-tui ctl restart llm, then spark-tui ctl release",
        )

    def _next_wake(self, now: int) -> int | None:
        times: list[int | None] = [
            self.queue.next_expiry_ns(),
            self._keep_approvals(now),
            self._keeper.keep(now),
        ]
        if self._gate.problem:
            times.append(now + RECHECK_NS)
        for turn in self.turns:
            times.append(self.reports.tokens(turn, now))
            if turn.ending is not None:
                times.append(turn.ending.deadline_ns)
            else:
                times.append(self._gives_up_ns(turn))
                if turn.air_ns > now:
                    times.append(turn.air_ns)
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
        if len(self.queue) and self._slow_until_ns() > now:
            times.append(self._slow_until_ns())
        times.append(self._listen_wake_ns(now))
        if (intake := self._intake.event(self.queue, now)) is not None:
            self._port.publish(intake)
        times.append(self._intake.due_ns())
        event = self.show.event(self.personas.keys, len(self.queue), self._config.director)
        times.append(self.reports.show(event, now))
        return min((at for at in times if at is not None), default=None)
