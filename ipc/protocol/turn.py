"""Pipeline plane, a turn: memory, language model, voice and stage. PUSH to PULL, one inbox each."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from ipc.protocol.base import (
    Amount,
    ClauseNumber,
    ClauseText,
    Message,
    Nanoseconds,
    Part,
    Seconds,
    TurnNumber,
)
from ipc.protocol.chat import ChatLines, GateHit, Removed, Taken
from ipc.protocol.speech import (
    Playing,
    SpeechFinal,
    SpeechIgnored,
    SpeechPartial,
    SpeechStarted,
)
from ipc.states import Finish


class Recall(Message, frozen=True):
    """director -> memory: what is known about this? Answered by Recalled."""

    turn: TurnNumber
    query: str
    viewer: str = ""  # author_id: prefer what this viewer said
    limit: Annotated[int, Meta(ge=0, le=1000)] = 3


class MemoryHit(Message, frozen=True):
    """One remembered thing. ``score`` is a similarity, 0..1."""

    id: str
    text: str
    score: float
    who: str = ""
    at: float = 0.0
    author_id: str = ""  # whose words these are; empty if of no viewer
    message_id: str = ""


class Recalled(Message, frozen=True):
    """memory -> director. ``engine_ns``: from the arrival of Recall to the hits being there."""

    turn: TurnNumber
    hits: list[MemoryHit]
    error: str = ""
    engine_ns: Nanoseconds = 0


class Remember(Message, frozen=True):
    """director -> memory: one exchange as it was heard. Off the hot path, never answered."""

    turn: TurnNumber
    platform: str
    author: str
    author_id: str
    text: str
    reply: str
    persona: str
    at: float
    message_id: str = ""


class Forget(Message, frozen=True):
    """director -> memory: everything of this author, or of these lines, goes. Never answered.

    What is on its way (a Remember sent before) must not come back either.
    """

    author_id: str = ""
    message_ids: list[str] = []


class PromptMessage(Message, frozen=True):
    """One chat-template message. ``role``: system, user or assistant."""

    role: str
    content: str


class Generate(Message, frozen=True):
    """director -> llm: stream a reply. Answered by Tokens..., then one Generated."""

    turn: TurnNumber
    prompt: list[PromptMessage]
    adapter: str = ""  # LoRA adapter of the personality, "" for none
    max_tokens: Annotated[int, Meta(ge=1, le=2**20)] = 160
    temperature: Annotated[float, Meta(ge=0, le=10)] = 0.7
    top_p: Annotated[float, Meta(ge=0, le=1)] = 0.9
    stop: list[str] = []


class Prewarm(Message, frozen=True):
    """director -> llm: put this prefix into the cache; nothing is answered."""

    prompt: list[PromptMessage]
    adapter: str = ""


class Tokens(Message, frozen=True):
    """llm -> director: the next piece of text. One or more tokens.

    ``engine_ns`` is the time from the arrival of Generate in the worker to this piece
    leaving it: the engine's own share of the latency.
    """

    turn: TurnNumber
    text: str
    count: Amount = 1
    engine_ns: Nanoseconds = 0
    at_ns: Nanoseconds = 0


class Generated(Message, frozen=True):
    """llm -> director: the generation ended. Not sent for a fenced turn."""

    turn: TurnNumber
    finish: Finish
    tokens: Amount = 0
    prompt_tokens: Amount = 0
    cached_tokens: Amount = 0
    error: str = ""


class Voice(Message, frozen=True):
    """How a personality sounds. ``pitch`` in semitones, ``speed`` 1.0 is the model's own pace."""

    name: str = ""
    speed: Annotated[float, Meta(ge=0.1, le=10)] = 1.0
    pitch: Annotated[float, Meta(ge=-48, le=48)] = 0.0


class Synthesise(Message, frozen=True):
    """director -> tts: speak one clause. At most ``tts.clauses_ahead`` without Synthesised."""

    turn: TurnNumber
    clause: ClauseNumber  # 0, 1, 2 ... within the turn
    text: ClauseText
    voice: Voice


class Synthesised(Message, frozen=True):
    """tts -> director: this clause is done, here is the credit for another.

    ``error`` not empty: no (more) sound for this clause; its caption is shown instead.
    """

    turn: TurnNumber
    clause: ClauseNumber
    audio_s: Seconds = 0.0
    error: str = ""


class AudioChunk(Message, frozen=True):
    """tts -> stage, with a PCM frame behind it. ``last`` ends the clause (its frame may be empty).

    ``made_ns`` is when the chunk left the engine; ``engine_ns`` how long the engine took
    from the arrival of Synthesise in the worker.
    """

    turn: TurnNumber
    clause: ClauseNumber
    seq: Amount
    sample_rate: int
    last: bool = False
    made_ns: Nanoseconds = 0
    engine_ns: Nanoseconds = 0


class AudioCredit(Message, frozen=True):
    """stage -> tts: samples of this turn that have left the stage so far (audible or dropped).

    tts keeps at most ``stage.audio_ahead_s`` of sound between what it sent and this.
    """

    turn: TurnNumber
    consumed: Amount


class Caption(Message, frozen=True):
    """director -> stage: the text of a clause that passed the gate. Shown with its sound.

    ``voiced`` false: no sound will come; show it for a reading time instead.
    """

    turn: TurnNumber
    clause: ClauseNumber
    text: str
    speaker: str
    color: str
    emotion: str = ""
    voiced: bool = True
    persona: str = ""  # key of who speaks


class TurnEnd(Message, frozen=True):
    """director -> stage: the turn has exactly this many clauses."""

    turn: TurnNumber
    clauses: ClauseNumber


class Duck(Message, frozen=True):
    """director -> stage: her voice at ``gain`` (1.0: as it is), reached within ``ramp_s``."""

    gain: Part
    ramp_s: Seconds = 0.05


class StopSoon(Message, frozen=True):
    """director -> stage: end this turn at the next end of a word, at most ``within_s`` from now.

    Answered by Playback ``stopped``, as if it had been cut there.
    """

    turn: TurnNumber
    within_s: Seconds = 0.4


class MouthTrack(Message, frozen=True):
    """stage -> avatar, with a frame behind it: the mouth for a stretch of sound.

    The payload holds 32-bit little-endian floats, six a row: A I U E O and openness, each
    0..1; row ``k`` belongs to ``at_ns`` + (k + 0.5) / ``rate_hz`` seconds on the playout clock.
    """

    turn: TurnNumber
    clause: ClauseNumber
    at_ns: Nanoseconds
    rate_hz: Annotated[float, Meta(ge=1, le=240)] = 60.0
    persona: str = ""
    emotion: str = ""


class MouthStop(Message, frozen=True):
    """stage -> avatar: the turn was cut; the mouth closes now."""

    turn: TurnNumber


class Feel(Message, frozen=True):
    """director -> avatar: something happened (a sub, a raid, laughter, an emotion)."""

    persona: str
    emotion: str
    strength: Part = 1.0


class StageControl(Message, frozen=True):
    """director -> stage: mute or unmute the sound. Time and captions go on."""

    muted: bool


class Playback(Message, frozen=True):
    """stage -> director: what has become audible.

    ``kind``: ``started`` (first sample of the clause reached a sink, at ``at_ns``),
    ``finished`` (its last sample did), ``stopped`` (cut by the fence; ``heard`` 0..1 is the
    part of this clause that was audible), ``done`` (the turn is over, nothing left).
    """

    turn: TurnNumber
    clause: ClauseNumber
    kind: str
    at_ns: Nanoseconds
    heard: Part = 1.0
    audio_s: Seconds = 0.0  # of the turn, audible so far
    made_ns: Nanoseconds = 0  # from the clause's first chunk
    engine_ns: Nanoseconds = 0


ToDirector = (
    ChatLines
    | Removed
    | GateHit
    | SpeechStarted
    | SpeechPartial
    | SpeechFinal
    | SpeechIgnored
    | Recalled
    | Tokens
    | Generated
    | Synthesised
    | Playback
)
ToLlm = Generate | Prewarm
ToTts = Synthesise | AudioCredit
ToMemory = Recall | Remember | Forget
ToStage = AudioChunk | Caption | TurnEnd | StageControl | Duck | StopSoon
ToStt = Playing
ToAvatar = MouthTrack | MouthStop | Feel
ToChat = Taken

PIPELINE: dict[str, Any] = {
    "director": ToDirector,
    "llm": ToLlm,
    "tts": ToTts,
    "memory": ToMemory,
    "stage": ToStage,
    "chat": ToChat,
    "stt": ToStt,
    "avatar": ToAvatar,
    "obs": Message,  # nothing: it listens to events
}
"""What each worker's inbox accepts. Everything else is counted and dropped."""
