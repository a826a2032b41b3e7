"""Talking to a running show, and listening to what was heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from harness import Show
from numpy.typing import NDArray

from ipc.protocol import ClauseEvent, Message, TokenEvent, TraceEvent, TurnEvent

FAST = """
[director]
idle_after_s = 0
prepare_ahead_s = 0
[llm.scripted]
first_token_ms = 20
token_ms = 2
[tts.scripted]
first_audio_ms = 10
word_s = 0.06
"""
"""Scripted engines that get to the point: a reply of 16 words lasts a second."""


@dataclass(frozen=True)
class Sound:
    """What was audible of a turn. ``samples`` in -1..1."""

    rate: int
    samples: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def pitches(self) -> list[int]:
        """The strongest frequency of each 50 ms that is not silent, to the nearest 5 Hz."""
        size = self.rate // 20
        found = []
        for start in range(0, len(self.samples) - size + 1, size):
            window = self.samples[start : start + size]
            if np.abs(window).max() > 0.05:
                spectrum = np.abs(np.fft.rfft(window * np.hanning(size), n=self.rate))
                found.append(5 * round(int(np.argmax(spectrum)) / 5))
        return found


async def say_as_viewer(show: Show, text: str, author: str = "kim") -> str:
    """Send a chat line; its message id."""
    result = await show.operator.request("chat", text=text, author=author)
    message_id: str = result["message_id"]
    return message_id


async def ask(show: Show, text: str, author: str = "kim") -> dict[str, Any]:
    """Send a chat line and wait until it was answered or passed over."""
    message_id = await say_as_viewer(show, text, author)
    outcome: dict[str, Any] = await show.operator.request("outcome", message_id=message_id)
    return outcome


async def heard(show: Show, turn: int) -> Sound:
    """The sound of a recent turn."""
    result = await show.operator.request("sound", turn=turn)
    samples = np.frombuffer(result["pcm"], "<i2").astype(np.float32) / 32768
    return Sound(result["sample_rate"], samples)


def turn_of(show: Show, message_id: str) -> TurnEvent | None:
    """The turn that was opened for this line."""
    return next((e for e in show.of(TurnEvent) if message_id in e.message_ids), None)


def about(show: Show, turn: int) -> list[Message]:
    """All the director said about a turn so far."""
    kinds = (TurnEvent, TokenEvent, ClauseEvent, TraceEvent)
    return [e for e in show.events if isinstance(e, kinds) and e.turn == turn]


def sounding(show: Show, message_id: str) -> TurnEvent | None:
    """The turn of this line once it is audible."""
    turn = turn_of(show, message_id)
    if turn is not None and any(e.turn == turn.turn for e in show.of(ClauseEvent)):
        return turn
    return None


def open_turns(show: Show) -> set[int]:
    """Turns that were opened and have not ended."""
    return {e.turn for e in show.of(TurnEvent)} - {e.turn for e in show.of(TraceEvent)}
