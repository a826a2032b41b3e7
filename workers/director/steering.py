"""What the person at the keyboard asks for."""

from __future__ import annotations

from typing import Any, get_args

from ipc.config import Barge
from ipc.errors import RequestFailed
from ipc.protocol import StageControl
from ipc.states import ShowMode, TurnOutcome
from workers.director.approving import WORDS_MAX
from workers.director.listening import Listening
from workers.director.show import DELAY_MAX_S, SLOW_MAX_S
from workers.director.speech import caption_text
from workers.director.turn import Candidate
from workers.director.voice import GIVEN_UP

_SAY_MAX = 16  # operator sentences that may wait
_NOTE_MAX = 300  # characters of a whisper or a topic: all of it is read before every reply


class Steering(Listening):
    """The operator's methods. They raise RequestFailed when they cannot do what is asked."""

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
        """The turn that was cut."""
        if not self.turns:
            raise RequestFailed("there is no reply to skip", "she is quiet just now")
        turn = self.turns[0]
        self._end(turn, TurnOutcome.SKIPPED, "skipped by the operator")
        self._advance()
        return turn.number

    def dump(self) -> int:
        """Silence now, everything waiting goes, held. How many lines were cleared.

        What was approved and not said yet waits for approval again.
        """
        newest = max(self._newest, self._port.fence.floor)
        self._port.cancel(newest, up_to=True, reason="dumped by the operator")
        for turn in self.turns:
            if not turn.cut:
                turn.ending = self._ending(TurnOutcome.SKIPPED, "dumped by the operator")
        self._says.clear()
        self._call_back_all()
        lines = self.queue.clear()
        for line in lines:
            self._pass_over(line, "dumped by the operator")
        said = self.spoken.clear()
        for line in said:
            self.reports.settle(line.id, TurnOutcome.SHED, "dumped by the operator")
        self._set_held("dumped by the operator")
        self._advance()
        return len(lines) + len(said)

    def set_persona(self, name: str) -> str:
        """The key of who is on air from the next turn on."""
        key = self.personas.find(name)
        if self.show.mode is ShowMode.SAFE and key != self.show.persona:
            raise RequestFailed(
                f"the show is in safe mode: {self.personas[self.show.persona].name} is on air",
                "spark-tui ctl mode open ends it",
            )
        if key != self.show.persona:
            self.show.persona = key
            self._save()
            self._unprepare("the personality was switched")
            self._asker.prewarm(key)
        self._advance()
        return key

    def say(self, text: str, asked_ns: int) -> int:
        """The turn that will say it."""
        if not caption_text(text):
            raise RequestFailed("there is nothing to say in that", "give the words to be said")
        if len(text) > WORDS_MAX:
            raise RequestFailed(
                f"{len(text)} characters are too many to be said at once",
                f"give at most {WORDS_MAX}, a minute of speech",
            )
        if len(self._says) >= _SAY_MAX:
            raise RequestFailed(f"{_SAY_MAX} sentences are waiting already", "wait, or dump")
        number = self._allocate()
        asked_ns = asked_ns or self._port.now_ns()
        self._says.append(Candidate("operator", text, asked_ns, number=number, words=text))
        self._advance()
        return number

    def whisper(self, text: str) -> str:
        """For the next reply that is asked for; a new one takes the place of the old one."""
        self.show.whisper = _note(text, "whisper")
        self._save()
        self._advance()
        return self.show.whisper

    def set_topic(self, text: str) -> str:
        """What the stream is about; empty for nothing special."""
        topic = _note(text, "topic") if text.strip() else ""
        if topic != self.show.topic:
            self.show.topic = topic
            self._save()
            self._asker.prewarm_all(self.show.persona)
        self._advance()
        return topic

    def set_slow(self, seconds: object) -> float:
        """Shortest time between two replies to chat, seconds."""
        self.show.slow_s = _seconds(seconds, "slow", SLOW_MAX_S)
        self._save()
        self._advance()
        return self.show.slow_s

    def set_delay(self, seconds: object) -> float:
        """How long every reply waits before its first sound, seconds. Those that wait already
        go on waiting as long as they were told to."""
        self.show.delay_s = _seconds(seconds, "delay", DELAY_MAX_S)
        self._save()
        self._advance()
        return self.show.delay_s

    def set_barge(self, name: str) -> Barge:
        """What she does when somebody speaks over her, from now on. Raises RequestFailed."""
        policies: dict[str, Barge] = {policy: policy for policy in get_args(Barge)}
        policy = policies.get(name.strip().lower())
        if policy is None:
            raise RequestFailed(
                f"there is no policy {name!r} for it", f"there are: {', '.join(policies)}"
            )
        self.show.barge = policy
        self._save()
        self._advance()
        return policy

    # --- the queue ---

    def listing(self) -> list[dict[str, Any]]:
        """What waits to be answered, with its score."""
        return self.queue.listing(self._port.now_ns())

    def answer_next(self, message_id: str) -> None:
        """This line before all others."""
        if not self.queue.pick_next(message_id):
            raise self._not_waiting(message_id)
        self._unprepare("another line goes first")
        self.queue.pick_next(message_id)
        self._advance()

    def drop(self, message_id: str) -> None:
        """Pass this line over."""
        line = self.queue.drop(message_id)
        if line is None:
            raise self._not_waiting(message_id)
        self._pass_over(line, "dropped by the operator")
        self._advance()

    def _not_waiting(self, message_id: str) -> RequestFailed:
        known = self.reports.outcomes.get(message_id)
        if self._turn_of(message_id) is not None:
            why = "it is being answered"
        elif known is not None:
            why = f"it is {known['outcome']}" + (f": {known['reason']}" if known["reason"] else "")
        else:
            why = "the verb queue shows what waits"
        return RequestFailed(f"the line {message_id!r} does not wait to be answered", why)

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


def _note(text: str, what: str) -> str:
    note = " ".join(text.split())
    if not caption_text(note):
        raise RequestFailed(f"there are no words in that {what}", "give some")
    if len(note) > _NOTE_MAX:
        raise RequestFailed(
            f"{len(note)} characters are too many for a {what}", f"give at most {_NOTE_MAX}"
        )
    return note


def _seconds(value: object, what: str, most: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most:
        return float(value)  # what is not a number is not within bounds either
    raise RequestFailed(f"{what} cannot be {value}", f"give 0 to {most:g} seconds")
