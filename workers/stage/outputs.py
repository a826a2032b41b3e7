"""What the playout decides, for the sinks and the records to carry out, in order."""

from __future__ import annotations

from dataclasses import dataclass

from ipc.protocol import AudioCredit, Caption, Playback

FADE_S = 0.01
"""A sound that ends early fades out over this long: long enough not to click."""


@dataclass(frozen=True, slots=True)
class Sound:
    """For the sinks: 16-bit mono ``pcm`` whose first sample is audible at ``at_ns``.

    ``offset`` is that sample's number within the clause; ``lead_ns`` how far ahead it is;
    ``last`` that no more of the clause follows.
    """

    turn: int
    clause: int
    offset: int
    rate: int
    pcm: bytes
    at_ns: int
    lead_ns: int
    last: bool = False
    persona: str = ""
    emotion: str = ""

    @property
    def end_ns(self) -> int:
        """When the last sample has sounded."""
        return self.at_ns + len(self.pcm) // 2 * 1_000_000_000 // self.rate


@dataclass(frozen=True, slots=True)
class Heard:
    """For the records: the clock has passed these samples; the first was due at ``at_ns``."""

    turn: int
    rate: int
    pcm: bytes
    at_ns: int = 0


@dataclass(frozen=True, slots=True)
class Show:
    """The clause of this caption has begun at ``at_ns`` and will take ``length_ns``.

    ``exact`` false: not all of its sound is there yet, the length is a guess. A Length follows.
    """

    caption: Caption
    at_ns: int
    length_ns: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Length:
    """The clause that is shown takes exactly this long."""

    turn: int
    clause: int
    length_ns: int


@dataclass(frozen=True, slots=True)
class Clear:
    """The turn is over; its caption may go. ``cut``: it ended early, so let it go at once."""

    turn: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Flush:
    """Nothing of this turn may sound any more, not even what the sinks hold."""

    turn: int


@dataclass(frozen=True, slots=True)
class Truncate:
    """Nothing of this turn may sound after ``at_ns``; the FADE_S before it fade out."""

    turn: int
    at_ns: int


Output = Sound | Heard | Show | Length | Clear | Flush | Truncate | Playback | AudioCredit
