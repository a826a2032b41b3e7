"""A whole show around the director's core, in virtual time: no sockets, no sleeps.

The other workers are small models that keep to the protocol: the language model drips
tokens, the voice takes clauses one by one, the stage plays turns in order and reports.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from ipc.config import Config, GateSection
from ipc.fence import Fence
from ipc.load import load_config
from ipc.protocol import (
    Cancel,
    Caption,
    ChatLines,
    ChatMessage,
    ChatOutcomeEvent,
    Duck,
    Generate,
    Generated,
    MemoryHit,
    Message,
    NoticeEvent,
    Peer,
    Playback,
    Playing,
    Recall,
    Recalled,
    Remember,
    Removed,
    SpeechFinal,
    SpeechIgnored,
    SpeechPartial,
    SpeechStarted,
    StageControl,
    StopSoon,
    Synthesise,
    Synthesised,
    Tokens,
    TraceEvent,
    TurnEnd,
    TurnEvent,
)
from ipc.states import Finish, TurnOutcome, WorkerState
from workers.director.core import Director

MS = 1_000_000
S = 1_000_000_000
REPLY = "Oh, hello there my friend! I was just looking at the stars. They are bright tonight."


def config(gate: GateSection | None = None, **director: Any) -> Config:
    """The embedded defaults with some of the director's keys changed."""
    base = load_config(env={})
    return msgspec.structs.replace(
        base,
        director=msgspec.structs.replace(base.director, **director),
        gate=gate or base.gate,
    )


class Simulation:
    """``run_for``, ``run_until`` and ``say`` things; look at ``events`` and ``sent``."""

    def __init__(self, path: Path, settings: Config | None = None) -> None:
        self.settings = settings or config(idle_after_s=0.0)
        self.path = path
        self.now = 100 * S
        self.fence = Fence()
        self.events: list[Message] = []
        self.heard: dict[int, list[str]] = {}  # the words of each turn, as the stage played them
        self.sounded: list[tuple[int, int, int]] = []  # turn, from, until; a clause each
        self.sent: list[tuple[int, str, Message]] = []
        self.opened: list[int] = []
        self.lines: dict[str, ChatMessage] = {}  # all of chat
        self.gone: list[tuple[int, set[str]]] = []  # messages sent until then, ids removed
        self.cancels: list[tuple[int, bool]] = []
        self.problem_text = ""
        self.reply: str | Callable[[Generate], str] = REPLY
        self.finish = Finish.STOP
        self.recall_ms = 10.0
        self.token_ms = 20.0
        self.first_token_ms = 80.0
        self.made_ms = 30.0
        self.memories = [MemoryHit(id="1", text="Ann likes tea.", score=0.8)]
        self.silent: set[str] = set()  # workers that take work and never answer
        self.states = dict.fromkeys(
            ("stage", "tts", "llm", "memory", "chat", "stt"), WorkerState.READY
        )
        self.incarnations = dict.fromkeys(self.states, 1)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._ids = count(1)
        self._utterances = count(1)
        self.speeches: list[Speech] = []
        self.watch: Callable[[], None] = lambda: None  # called after every step
        self._voice_free = 0
        self.outstanding: set[tuple[int, int]] = set()  # what the voice works on
        self.most_outstanding = 0
        self.stage = FakeStage(self)
        self.core = Director(self.settings, path, self)

    # --- the port ---

    def send(self, worker: str, message: Message) -> bool:
        self.sent.append((self.now, worker, message))
        if self.states[worker].serves and worker not in self.silent:
            getattr(self, f"_to_{worker}")(message)
        return True

    def publish(self, event: Message) -> None:
        self.events.append(event)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.events.append(NoticeEvent(level=level, source="director", text=text, hint=hint))

    def problem(self, text: str) -> None:
        self.problem_text = text

    def cancel(self, turn: int, *, up_to: bool = False, reason: str = "") -> None:
        self.cancels.append((turn, up_to))
        self._fence(Cancel(turn=turn, up_to=up_to, reason=reason))

    def open_turn(self, turn: int) -> None:
        assert turn > self.fence.floor
        assert turn > max(self.opened, default=0)
        self.opened.append(turn)

    def state_of(self, worker: str) -> WorkerState:
        return self.states[worker]

    def now_ns(self) -> int:
        return self.now

    # --- the other workers ---

    def _to_chat(self, message: Message) -> None:
        """Chat only notes what is taken."""

    def _to_stt(self, message: Message) -> None:
        assert isinstance(message, Playing)

    def _to_memory(self, message: Message) -> None:
        if isinstance(message, Recall):
            hits = list(self.memories)
            self.after(self.recall_ms, lambda: self.deliver(Recalled(turn=message.turn, hits=hits)))

    def _to_llm(self, message: Message) -> None:
        if not isinstance(message, Generate):
            return
        turn, born = message.turn, self.incarnations["llm"]
        text = self.reply(message) if callable(self.reply) else self.reply
        tokens = re.findall(r"\s*\S+", text)

        def answer(reply: Callable[[], Message]) -> None:
            if self.incarnations["llm"] == born:
                self.deliver(reply())

        for index, token in enumerate(tokens):
            at = self.first_token_ms + index * self.token_ms
            self.after(
                at,
                lambda t=token: answer(lambda: Tokens(turn=turn, text=t, engine_ns=5)),
            )
        end = self.first_token_ms + len(tokens) * self.token_ms
        self.after(
            end,
            lambda: answer(lambda: Generated(turn=turn, finish=self.finish, tokens=len(tokens))),
        )

    def _to_tts(self, message: Message) -> None:
        assert isinstance(message, Synthesise)
        assert self.fence.allows(message.turn)
        key, born = (message.turn, message.clause), self.incarnations["tts"]
        self.outstanding.add(key)
        self.most_outstanding = max(self.most_outstanding, len(self.outstanding))
        assert len(self.outstanding) <= self.settings.tts.clauses_ahead
        self._voice_free = max(self.now, self._voice_free) + int(self.made_ms * MS)
        seconds = 0.3 * len(message.text.split())

        def made() -> None:
            self.outstanding.discard(key)
            if self.incarnations["tts"] == born and self.fence.allows(message.turn):
                self.deliver(Synthesised(turn=message.turn, clause=message.clause, audio_s=seconds))
                self.stage.sound(key, seconds)

        self.after((self._voice_free - self.now) / MS, made)

    def _to_stage(self, message: Message) -> None:
        self.stage.take(message)

    # --- what happens ---

    def start(self) -> Simulation:
        peers = [
            Peer(name=name, state=state, incarnation=self.incarnations[name])
            for name, state in self.states.items()
        ]
        self.core.start(peers)
        return self

    def line(
        self, text: str = "hi Nova", author: str = "Ann", message_id: str = "", **fields: Any
    ) -> ChatMessage:
        platform = fields.pop("platform", "console")
        return ChatMessage(
            id=message_id or f"m{next(self._ids)}",
            platform=platform,
            author=author,
            author_id=f"{platform}:{author.lower()}",
            text=text,
            received_ns=self.now,
            at=0.0,
            **fields,
        )

    def chat(
        self, text: str = "hi Nova", author: str = "Ann", message_id: str = "", **fields: Any
    ) -> str:
        line = self.line(text, author, message_id, **fields)
        self.lines[line.id] = line
        self.deliver(ChatLines(lines=[line]))
        return line.id

    def speak(self, text: str, source: str = "Ann", **how: Any) -> Speech:
        """Somebody speaks from now on; as soon as it is known, it is told."""
        speech = Speech(self, text, source, next(self._utterances), **how)
        self.speeches.append(speech)
        return speech

    def remove(self, removed: Removed) -> None:
        """As ``deliver``; ``check_gone`` looks for what may not come after it."""
        gone = {
            line.id
            for line in self.lines.values()
            if line.id in removed.message_ids
            or line.author_id == removed.author_id
            or (removed.everything and line.platform == removed.platform)
        }
        self.gone.append((len(self.sent), gone))
        self.deliver(removed)

    def check_gone(self) -> None:
        """Nothing of what was removed went where it could be heard, or be remembered."""
        answers = {event.turn: set(event.message_ids) for event in self.of(TurnEvent)}
        for mark, gone in self.gone:
            for _at, _to, message in self.sent[mark:]:
                if isinstance(message, Synthesise | Caption):
                    assert not answers[message.turn] & gone
                elif isinstance(message, Remember):
                    assert message.message_id not in gone

    def deliver(self, message: Message) -> None:
        """As ``workers.runtime`` does: fenced messages go, except reports of the stage."""
        if self.fence.allows(getattr(message, "turn", 0)) or isinstance(message, Playback):
            self.core.receive(message)

    def fence_from_outside(self, turn: int, *, up_to: bool = False, reason: str = "ban") -> None:
        cancel = Cancel(turn=turn, up_to=up_to, reason=reason)
        self._fence(cancel)
        self.core.cancelled(cancel)

    def lose(self, worker: str, state: WorkerState = WorkerState.BACKOFF) -> None:
        self.states[worker] = state
        self.incarnations[worker] += 1  # nothing of the old process arrives any more
        if worker == "tts":
            self.outstanding.clear()
            self._voice_free = 0
        if worker == "stage":
            self.stage = FakeStage(self)
        self._tell(worker)

    def recover(self, worker: str) -> None:
        self.states[worker] = WorkerState.READY
        self._tell(worker)

    def _tell(self, worker: str) -> None:
        self.core.peer_changed(
            Peer(name=worker, state=self.states[worker], incarnation=self.incarnations[worker])
        )

    def _fence(self, cancel: Cancel) -> None:
        self.fence.apply(cancel)
        self.outstanding = {key for key in self.outstanding if self.fence.allows(key[0])}
        self.stage.cut()

    # --- time ---

    def after(self, delay_ms: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + int(delay_ms * MS), next(self._order), call))

    def run_for(self, seconds: float) -> None:
        self._run(self.now + int(seconds * S), lambda: False)

    def run_until(self, done: Callable[[Simulation], bool], within_s: float = 120.0) -> None:
        self._run(self.now + int(within_s * S), lambda: done(self))
        assert done(self), "it did not happen in time"

    def _run(self, end: int, done: Callable[[], bool]) -> None:
        same = 0
        while not done():
            wake = self.core.wake_ns
            next_call = self._queue[0][0] if self._queue else None
            times = [at for at in (wake, next_call) if at is not None]
            if not times or min(times) > end:
                self.now = max(self.now, end)
                return
            at = max(self.now, min(times))
            same = same + 1 if at == self.now else 0
            assert same < 1000, "the director wakes itself without end"
            self.now = at
            if next_call is not None and next_call <= self.now:
                heapq.heappop(self._queue)[2]()
            else:
                self.core.tick()
            self.watch()

    # --- looking ---

    def of(self, kind: type[Message]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def sent_to(self, worker: str, kind: type[Message]) -> list[Any]:
        return [m for _, to, m in self.sent if to == worker and isinstance(m, kind)]

    @property
    def traces(self) -> list[TraceEvent]:
        return self.of(TraceEvent)

    def outcome(self, message_id: str) -> str:
        found = [e.outcome for e in self.of(ChatOutcomeEvent) if e.message_id == message_id]
        assert len([one for one in found if one is not TurnOutcome.HELD]) <= 1, "one outcome"
        found = found[-1:]
        return str(found[0]) if found else ""

    def check_quiet(self) -> None:
        """Nothing is open, every turn that was opened has exactly one trace, no credit leaks."""
        assert self.core.turns == []
        assert not self.outstanding
        opened = [event.turn for event in self.of(TurnEvent)]
        assert sorted(opened) == sorted(trace.turn for trace in self.traces)
        assert opened == self.opened


class Speech:
    """Somebody speaks at ``word_s`` a word; ``ignored``: it turns out that nobody did.

    As stt does it: the start is told ``vad_ms`` after the voice began, the words so far every
    ``partial_ms``, and the final words ``final_ms`` after a silence of ``silence_ms``; with
    ``pause_ms`` all words are told that long after the voice ended, and nothing in between.
    """

    def __init__(
        self,
        show: Simulation,
        text: str,
        source: str,
        number: int,
        *,
        word_s: float = 0.3,
        ignored: str = "",
        vad_ms: float = 100.0,
        partial_ms: float = 250.0,
        silence_ms: float = 500.0,
        final_ms: float = 300.0,
        final_text: str | None = None,
        pause_ms: float | None = None,
    ) -> None:
        self._show, self.source, self.number, self.ignored = show, source, number, ignored
        self._words, self._word_s = text.split(), word_s
        self.text = text if final_text is None else final_text
        self.began_ns = show.now
        self.ended_ns = show.now + int(len(self._words) * word_s * S)
        self.told_ns = 0  # when its end was told
        self._born = show.incarnations["stt"]
        self._before = ""
        self._told_start = False
        length_ms = (self.ended_ns - self.began_ns) / MS
        show.after(vad_ms, self._start)
        at = vad_ms + partial_ms
        until_ms = length_ms + (silence_ms if pause_ms is None else 0)
        while at < until_ms and not ignored:
            show.after(at, self._partial)
            at += partial_ms
        if pause_ms is not None and not ignored:
            show.after(length_ms + pause_ms, lambda: self._partial(paused=True))
        show.after(length_ms + silence_ms + final_ms, self._end)

    @property
    def known(self) -> bool:
        """Whether the show has been told that it began, and not that it is over."""
        return self._told_start and not self.told_ns and not self.lost

    @property
    def lost(self) -> bool:
        return self._show.incarnations["stt"] != self._born

    def _tell(self, message: Message) -> None:
        if not self.lost:
            self._show.deliver(message)

    def _start(self) -> None:
        self._told_start = True
        self._tell(SpeechStarted(source=self.source, utterance=self.number, at_ns=self.began_ns))

    def _partial(self, *, paused: bool = False) -> None:
        said = int(1e-6 + (self._show.now - self.began_ns) / S / self._word_s)
        text = " ".join(self._words[:said])
        stable, self._before = text if text == self._before else "", text
        if text:
            self._tell(
                SpeechPartial(
                    source=self.source,
                    utterance=self.number,
                    text=text,
                    stable=stable,
                    at_ns=self._show.now,
                    paused=paused,
                )
            )

    def _end(self) -> None:
        self.told_ns = self._show.now
        if self.ignored:
            self._tell(
                SpeechIgnored(source=self.source, utterance=self.number, reason=self.ignored)
            )
            return
        self._tell(
            SpeechFinal(
                source=self.source,
                utterance=self.number,
                text=self.text,
                started_ns=self.began_ns,
                ended_ns=self.ended_ns,
            )
        )


class FakeStage:
    """Plays turns in the order of their numbers, one clause after the other."""

    def __init__(self, show: Simulation) -> None:
        self._show = show
        self.captions: dict[tuple[int, int], Caption] = {}
        self._sounds: dict[tuple[int, int], float] = {}
        self._ends: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._playing: tuple[int, int] | None = None
        self._since = 0
        self._audio_s = 0.0
        self.muted: list[bool] = []
        self.gain = 1.0
        self._stopping: set[int] = set()
        self._past: set[int] = set()

    def take(self, message: Message) -> None:
        show = self._show
        if isinstance(message, StageControl):
            self.muted.append(message.muted)
        elif isinstance(message, Duck):
            self.gain = message.gain
        elif isinstance(message, StopSoon):
            self._stop_soon(message)
        elif isinstance(message, Caption | TurnEnd) and message.turn in self._past:
            assert show.fence.allows(message.turn)
        elif isinstance(message, Caption):
            assert self._show.fence.allows(message.turn)
            key = (message.turn, message.clause)
            assert key not in self.captions
            self.captions[key] = message
            self._next.setdefault(message.turn, 0)
            if not message.voiced:
                self._sounds[key] = len(message.text.split()) / 3.0
            self._go_on()
        elif isinstance(message, TurnEnd):
            self._ends[message.turn] = message.clauses
            self._go_on()

    def sound(self, key: tuple[int, int], seconds: float) -> None:
        self._sounds[key] = seconds
        self._go_on()

    def _stop_soon(self, message: StopSoon) -> None:
        """At the end of the word that sounds, with the clause at the latest."""
        show, turn = self._show, message.turn
        if turn not in self._next:
            return
        self._stopping.add(turn)
        if self._playing is None or self._playing[0] != turn:
            self._stop(turn, 0.0)
            return
        key, seconds = self._playing, self._sounds[self._playing]
        spent_s = (show.now - self._since) / S
        ends = word_ends(self.captions[key].text)
        end_s = next((end * seconds for end in ends if end * seconds > spent_s), seconds)
        end_s = min(end_s, spent_s + message.within_s)

        def stop() -> None:
            if show.stage is self and self._playing == key:
                self._stop(turn, end_s / seconds)

        if end_s < seconds:
            show.after((end_s - spent_s) * 1000, stop)

    def _stop(self, turn: int, heard: float) -> None:
        key = self._playing or (turn, self._next[turn])
        self._playing = None
        del self._next[turn]
        self._ends.pop(turn, None)
        self._past.add(turn)
        self._note(key, heard)
        self._report(key, "stopped", heard)
        self._show.after(0.3, self._go_on)

    def _note(self, key: tuple[int, int], heard: float) -> None:
        """For the truth: what was heard, and until when."""
        if heard and key in self.captions:
            text = self.captions[key].text
            half = 0.5 / len("".join(text.split()))  # a letter more or less, nobody hears
            words = zip(text.split(), word_ends(text), strict=True)
            whole = [word for word, end in words if end <= heard + half]
            self._show.heard.setdefault(key[0], []).extend(whole)
        self._show.sounded.append((key[0], self._since, self._show.now))

    def cut(self) -> None:
        """The fence moved."""
        fence = self._show.fence
        gone = [turn for turn in self._next if not fence.allows(turn)]
        for turn in gone:
            del self._next[turn]
            self._ends.pop(turn, None)
            if self._playing is not None and self._playing[0] == turn:
                key, self._playing = self._playing, None
                heard = (self._show.now - self._since) / S / self._sounds[key]
                self._note(key, heard)
                self._report(key, "stopped", heard)
        self._show.after(0.3, self._go_on)

    def _go_on(self) -> None:
        show = self._show
        if show.stage is not self or self._playing is not None or not self._next:
            return
        turn = min(self._next)
        if self._ends.get(turn) == self._next[turn]:
            del self._next[turn]
            self._report((turn, self._next.get(turn, 0)), "done")
            show.after(0.3, self._go_on)
            return
        key = (turn, self._next[turn])
        if key not in self._sounds or key not in self.captions:
            return
        self._playing, self._since = key, show.now
        self._report(key, "started")

        def finished() -> None:
            if show.stage is self and self._playing == key:
                self._playing = None
                self._next[turn] += 1
                self._audio_s += self._sounds[key]
                self._note(key, 1.0)
                self._report(key, "finished")
                if turn in self._stopping:
                    self._stop(turn, 0.0)
                else:
                    self._go_on()

        show.after(self._sounds[key] * 1000, finished)

    def _report(self, key: tuple[int, int], kind: str, heard: float = 1.0) -> None:
        report = Playback(
            turn=key[0],
            clause=key[1],
            kind=kind,
            at_ns=self._show.now,
            heard=heard,
            audio_s=self._audio_s,
            made_ns=self._show.now - MS,
            engine_ns=7,
        )
        self._show.after(0.2, lambda: self._show.deliver(report))


def word_ends(text: str) -> list[float]:
    """Where in the sound of ``text`` each of its words ends, 0..1: by its letters."""
    ends: list[int] = []
    for word in text.split():
        ends.append((ends[-1] if ends else 0) + len(word))
    return [end / ends[-1] for end in ends]
