"""Pipeline plane, people who speak: what the microphone heard, and what must not be taken for it.

An *utterance* is one stretch of speech of one source, numbered within the source. It begins
with SpeechStarted and ends with exactly one SpeechFinal or SpeechIgnored.
"""

from __future__ import annotations

from ipc.protocol.base import ClauseNumber, ClauseText, Message, Nanoseconds, TurnNumber


class SpeechStarted(Message, frozen=True):
    """stt -> director: somebody speaks. ``at_ns`` is when the voice began."""

    source: str
    utterance: int
    at_ns: Nanoseconds


class SpeechPartial(Message, frozen=True):
    """stt -> director: the words so far. ``stable`` is the part that two decodings agreed on.

    ``paused``: the voice has paused and these are all its words; if it does not go on, they
    are the final ones.
    """

    source: str
    utterance: int
    text: str
    stable: str = ""
    at_ns: Nanoseconds = 0
    paused: bool = False


class SpeechFinal(Message, frozen=True):
    """stt -> director: the utterance is over, these were its words.

    ``ended_ns`` is when the voice ended; ``engine_ns`` how long the words took after that.
    """

    source: str
    utterance: int
    text: str
    started_ns: Nanoseconds
    ended_ns: Nanoseconds
    engine_ns: Nanoseconds = 0


class SpeechIgnored(Message, frozen=True):
    """stt -> director: it was no speech after all (noise, a cough, her own voice)."""

    source: str
    utterance: int
    reason: str


class Playing(Message, frozen=True):
    """director -> stt: this is what is heard of her now, so that her own voice coming back
    through a microphone is not taken for a person."""

    turn: TurnNumber
    clause: ClauseNumber
    text: ClauseText
