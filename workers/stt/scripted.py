"""Hearing by script, for tests and benchmarks: declared words in declared times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ipc.config.stt import SttScripted
from workers.stt.audio import RATE, Samples
from workers.stt.engine import Abandoned, Engine, Progress, Transcript

_LINES = (
    "Hello Nova, how are you today?",
    "What do you think about this game?",
    "Tell me something about the moon.",
)
_WORDS_A_SECOND = 2.5
_SLICE_S = 0.01


class ScriptedEngine(Engine):
    """Every utterance is the next line; a partial is as much of it as time has passed for."""

    def __init__(
        self, settings: SttScripted, rest: Callable[[float], object] | None = None
    ) -> None:
        self._lines = settings.lines or list(_LINES)
        self._decode_s = settings.decode_ms / 1000
        self._rest = rest or _rest
        self._given: dict[str, str] = {}
        self._next = 0

    def load(self, progress: Progress) -> dict[str, str]:
        progress("nothing to load")
        return {"engine": "scripted"}

    def hear(
        self, sound: Samples, *, utterance: str, thorough: bool, unwanted: Callable[[], bool]
    ) -> Transcript:
        until = time.monotonic() + self._decode_s
        while (left := until - time.monotonic()) > 0:
            if unwanted():
                raise Abandoned
            self._rest(min(left, _SLICE_S))
        line = self._given.get(utterance)
        if line is None:
            line = self._given[utterance] = self._lines[self._next % len(self._lines)]
            self._next += 1
            while len(self._given) > 32:
                del self._given[next(iter(self._given))]
        words = line.split()
        said = len(words) if thorough else int(len(sound) / RATE * _WORDS_A_SECOND)
        return Transcript(" ".join(words[:said]))


def _rest(seconds: float) -> None:
    threading.Event().wait(seconds)
