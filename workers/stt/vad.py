"""Who speaks when: Silero's voice detector, and a state machine over its probabilities."""

from __future__ import annotations

from enum import Enum, auto
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ipc.config.stt import VadSection
from ipc.errors import ModelMissing
from workers.stt.audio import RATE, Samples

WINDOW = 512  # samples; the model knows no other length
WINDOW_MS = 1000 * WINDOW / RATE
_CONTEXT = 64  # samples of the window before, which the model wants to see again
_STATE = (1, 1, 128)


def load_silero() -> Any:
    """An onnxruntime session of the model shipped with faster-whisper. Raises ModelMissing."""
    import onnxruntime  # noqa: PLC0415  (heavy: only where it is used)

    spec = find_spec("faster_whisper")  # nothing of it is imported
    roots = (spec.submodule_search_locations or ()) if spec else ()
    for root in roots:
        for path in sorted((Path(root) / "assets").glob("silero_vad*.onnx")):
            options = onnxruntime.SessionOptions()
            options.inter_op_num_threads = options.intra_op_num_threads = 1
            options.enable_cpu_mem_arena = False
            return onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
    raise ModelMissing(
        "the voice detector is not installed (faster_whisper/assets/silero_vad*.onnx)",
        "install the project again with: scripts/run --setup",
    )


class Silero:
    """The detector listening to one source. About 0.2 ms a window."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._seen = np.zeros((1, _CONTEXT + WINDOW), np.float32)

    def probability(self, window: Samples) -> float:
        """That somebody speaks in these 512 samples, which follow the ones before."""
        self._seen[0, :_CONTEXT] = self._seen[0, -_CONTEXT:]
        self._seen[0, _CONTEXT:] = window
        out, self._h, self._c = self._session.run(
            None, {"input": self._seen, "h": self._h, "c": self._c}
        )
        return float(out.reshape(-1)[0])


class Edge(Enum):
    """What a window changed."""

    STARTED = auto()  # enough speech: somebody speaks
    PAUSED = auto()  # silence for ``pause_ms``: perhaps the end
    RESUMED = auto()  # it was not the end
    ENDED = auto()  # silence for ``min_silence_ms``


class Endpointer:
    """Start and end of speech with hysteresis. Pure: one probability in, at most one edge out."""

    def __init__(self, settings: VadSection) -> None:
        self._settings = settings
        self._start = windows(settings.start_ms)
        self._pause = windows(settings.pause_ms)
        self._end = max(windows(settings.min_silence_ms), self._pause + 1)
        self._speaking = False
        self._paused = False
        self._voice = 0  # windows of speech on the way to a start
        self.silent = 0  # windows of silence since the last one of speech
        self.voiced = 0  # windows of speech in this utterance

    @property
    def speaking(self) -> bool:
        return self._speaking

    def push(self, probability: float) -> Edge | None:
        """The next window's probability."""
        if not self._speaking:
            return self._wait(probability)
        if probability >= self._settings.start:
            self.voiced += 1
            self.silent = 0
            if self._paused:
                self._paused = False
                return Edge.RESUMED
            return None
        if probability >= self._settings.end and self.silent == 0:
            return None  # neither: what was goes on
        self.silent += 1
        if self.silent >= self._end:
            self._speaking = self._paused = False
            self._voice = 0
            return Edge.ENDED
        if self.silent >= self._pause and not self._paused:
            self._paused = True
            return Edge.PAUSED
        return None

    def _wait(self, probability: float) -> Edge | None:
        if probability >= self._settings.start:
            self._voice += 1
        elif probability < self._settings.end:
            self._voice = 0
        if self._voice < self._start:
            return None
        self._speaking = True
        self.voiced = self._voice
        self.silent = 0
        return Edge.STARTED


def windows(ms: float) -> int:
    """How many windows are that long, at least one."""
    return max(1, round(ms / WINDOW_MS))
