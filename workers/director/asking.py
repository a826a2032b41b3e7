"""What the director asks of the language model and of memory."""

from __future__ import annotations

import time

from ipc.config import Config
from ipc.protocol import Generate, MemoryEvent, Prewarm, Recall, Remember
from workers.director import prompt
from workers.director.history import Exchange, History
from workers.director.personas import Personas
from workers.director.port import Port
from workers.director.show import ShowState
from workers.director.turn import Phase, Turn

# a spoken reply is one paragraph, and small models go astray in the next
_STOP = ["\n"]


class Asker:
    """Builds the requests and notes in the turn that they were sent."""

    def __init__(
        self, config: Config, port: Port, personas: Personas, history: History, show: ShowState
    ) -> None:
        self._config = config
        self._port = port
        self._personas = personas
        self._history = history
        self._show = show

    def recall(self, turn: Turn) -> bool:
        """Ask memory about a viewer's line. False if there is nobody to ask, or nothing."""
        pick = turn.candidate.pick
        if pick is None or not self._port.state_of("memory").serves:
            return False
        deadline_ms = self._config.director.recall_deadline_ms
        turn.deadline_ns = self._port.now_ns() + int(deadline_ms * 1e6)
        self._port.send(
            "memory",
            Recall(
                turn=turn.number,
                query=turn.candidate.text,
                viewer=pick.first.author_id,
                limit=self._config.memory.limit,
            ),
        )
        return True

    def recalled(self, turn: Turn, *, late: bool) -> None:
        """Tell what memory gave."""
        self._port.publish(
            MemoryEvent(turn=turn.number, query=turn.candidate.text, hits=turn.hits, late=late)
        )

    def remember(self, turn: Turn, reply: str) -> None:
        """Give a viewer's exchange to memory, as it was heard. What a crowd said is of nobody."""
        pick = turn.candidate.pick
        if pick is None or pick.crowd or not self._port.state_of("memory").serves:
            return
        line = pick.first
        self._port.send(
            "memory",
            Remember(
                # of no turn if it was cut: a fenced message would not arrive
                turn=turn.number if self._port.fence.allows(turn.number) else 0,
                platform=line.platform,
                author=line.author,
                author_id=line.author_id,
                text=turn.candidate.text if pick.spoken else line.text,
                reply=reply,
                persona=turn.persona,
                at=time.time(),
                message_id=line.id,
            ),
        )

    def generate(self, turn: Turn, before: Exchange | None) -> None:
        """Ask for the reply, or wait for the model. ``before``: what is still being spoken."""
        now = self._port.now_ns()
        turn.stamps.recalled = turn.stamps.recalled or now
        if not self._port.state_of("llm").serves:
            turn.phase = Phase.WAITING
            return
        turn.phase = Phase.GENERATING
        turn.stamps.generate_sent = turn.progress_ns = now
        persona = self._personas[turn.persona]
        turn.history = self._history.with_next(before, turn.persona)
        turn.whisper, self._show.whisper = turn.whisper or self._show.whisper, ""
        settings = self._config.director
        self._port.send(
            "llm",
            Generate(
                turn=turn.number,
                prompt=prompt.build(
                    persona,
                    turn.history,
                    turn.hits,
                    turn.exchange(""),
                    topic=self._show.topic,
                    whisper=turn.whisper,
                ),
                adapter=persona.adapter,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                stop=_STOP,
            ),
        )

    def prewarm_all(self, on_air: str) -> None:
        """Everybody's prompt, who is on air first: she may be asked in the next moment."""
        for key in sorted(self._personas.keys, key=lambda key: key != on_air):
            self.prewarm(key)

    def prewarm(self, key: str, new: Exchange | None = None) -> None:
        """The prefix of the next prompt; ``new`` is an exchange that is still being spoken."""
        if self._port.state_of("llm").serves:
            persona = self._personas[key]
            history = self._history.with_next(new, key)
            prefix = prompt.prefix(persona, history, self._show.topic)
            self._port.send("llm", Prewarm(prompt=prefix, adapter=persona.adapter))
