"""Where the time of a turn went.

Every step stamps CLOCK_MONOTONIC; the director collects the stamps of a turn here and
publishes the spans once, at its end. The latency panel, ``bench``, ``ask --json`` and the
recorder all read those same spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import quantiles

SPANS = (
    "queue",  # line received -> turn opened
    "recall",  # turn opened -> memories there (or given up)
    "llm_first_token",  # Generate sent -> first piece of text at the director
    "llm_first_clause",  # Generate sent -> first clause cut
    "gate",  # judging the first clause
    "tts_first_audio",  # first clause sent to tts -> its first chunk made
    "playout",  # that chunk made (or the reply before it over) -> it reached the first sink
    "chat_to_audio",  # line received (or asked for) -> first sound
    "dead_air",  # the same, without the time in which she was still speaking before
    "engines",  # the engines' own share of chat_to_audio, as they measured it
)

TARGETS_MS = {
    "llm_first_token": 200.0,
    "tts_first_audio": 100.0,
    "playout": 50.0,
    "chat_to_audio": 500.0,
    "dead_air": 500.0,
}


@dataclass(slots=True)
class Stamps:
    """Monotonic nanoseconds of one turn; 0 means it has not happened."""

    received: int = 0
    opened: int = 0
    recalled: int = 0
    generate_sent: int = 0
    first_token: int = 0
    first_clause: int = 0
    gate_done: int = 0
    synthesise_sent: int = 0
    audio_made: int = 0
    audible: int = 0
    floor_free: int = 0  # the last sound of the reply before this one
    stopped: int = 0  # the last sample that was audible, when the sound was cut
    memory_engine: int = 0  # a duration: the memory's own time for the recall
    llm_engine: int = 0  # a duration: the llm's own time up to the first clause
    tts_engine: int = 0  # a duration: the tts's own time up to its first chunk

    def spans_ms(self) -> dict[str, float]:
        """The spans whose both ends have happened, in milliseconds."""
        pairs = {
            "queue": (self.received, self.opened),
            "recall": (self.opened, self.recalled),
            "llm_first_token": (self.generate_sent, self.first_token),
            "llm_first_clause": (self.generate_sent, self.first_clause),
            "gate": (self.first_clause, self.gate_done),
            "tts_first_audio": (self.synthesise_sent, self.audio_made),
            "playout": (self.audio_made and max(self.audio_made, self.floor_free), self.audible),
            "chat_to_audio": (self.received, self.audible),
            "dead_air": (self.received and max(self.received, self.floor_free), self.audible),
        }
        spans = {
            name: round((end - start) / 1e6, 3)
            for name, (start, end) in pairs.items()
            if start and end
        }
        if engines := self.memory_engine + self.llm_engine + self.tts_engine:
            spans["engines"] = round(engines / 1e6, 3)
        return spans


def percentile(values: list[float], percent: float) -> float:
    """Linear-interpolated percentile of a non-empty list (inclusive method)."""
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=1000, method="inclusive")[min(998, max(0, round(percent * 10) - 1))]
