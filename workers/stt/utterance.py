"""One source's sound, cut into utterances. Pure, but for the detector it is given.

Sound comes in pieces of any length with the time they came; out come the edges of speech.
An utterance keeps its own sound: a pre-roll, the speech, the silence so far. It never
keeps more than ``max_s``: then it is cut where speech was least likely, and what follows
the cut is the next utterance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from ipc.config.stt import VadSection
from workers.stt.audio import RATE, Samples
from workers.stt.vad import WINDOW, Edge, Endpointer, windows

_NS_A_WINDOW = int(WINDOW / RATE * 1e9)
_CUT_IN = 1 / 3  # the cut is sought in this last part of an utterance that is too long


class Step(Enum):
    """What happened to an utterance."""

    STARTED = auto()
    GREW = auto()  # more speech came
    PAUSED = auto()  # perhaps the end: worth writing down now
    RESUMED = auto()  # it was not
    ENDED = auto()


@dataclass
class Utterance:
    """One stretch of speech. ``number`` counts within the source."""

    number: int
    started_ns: int
    windows: list[Samples] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)  # of speech, one a window
    voiced: int = 0  # windows of speech
    ended_ns: int = 0

    @property
    def seconds(self) -> float:
        return len(self.windows) * WINDOW / RATE

    @property
    def voiced_s(self) -> float:
        return self.voiced * WINDOW / RATE

    def sound(self) -> Samples:
        """A copy of everything so far."""
        return np.concatenate(self.windows) if self.windows else np.zeros(0, np.float32)


Happened = tuple[Step, Utterance]


class Segmenter:
    """``probability`` is the detector's: one window of 512 samples in, 0..1 out."""

    def __init__(self, settings: VadSection, probability: Callable[[Samples], float]) -> None:
        self._settings = settings
        self._probability = probability
        self._endpointer = Endpointer(settings)
        self._start_windows = windows(settings.start_ms)
        keep = windows(settings.pre_roll_ms) + self._start_windows
        self._before: deque[tuple[Samples, float]] = deque(maxlen=keep)
        self._rest = np.zeros(0, np.float32)  # less than a window
        self._max = int(settings.max_s * RATE) // WINDOW
        self._count = 0
        self._now: Utterance | None = None

    @property
    def speaking(self) -> bool:
        return self._now is not None

    def push(self, sound: Samples, at_ns: int) -> list[Happened]:
        """``at_ns``: when the last of these samples was captured."""
        sound = np.concatenate((self._rest, sound)) if len(self._rest) else sound
        whole = len(sound) // WINDOW
        self._rest = sound[whole * WINDOW :].copy()
        first_end_ns = at_ns - int((len(sound) - WINDOW) / RATE * 1e9)
        happened: list[Happened] = []
        for index in range(whole):
            window = sound[index * WINDOW : (index + 1) * WINDOW].copy()
            self._window(window, first_end_ns + index * _NS_A_WINDOW, happened)
        return happened

    def end(self, at_ns: int) -> list[Happened]:
        """The source is gone: whatever was said until now was all."""
        utterance, self._now = self._now, None
        silent = self._endpointer.silent
        self._endpointer = Endpointer(self._settings)
        self._before.clear()
        self._rest = np.zeros(0, np.float32)
        if utterance is None:
            return []
        utterance.ended_ns = at_ns - silent * _NS_A_WINDOW
        return [(Step.ENDED, utterance)]

    def _window(self, window: Samples, end_ns: int, happened: list[Happened]) -> None:
        chance = self._probability(window)
        edge = self._endpointer.push(chance)
        if self._now is None:
            self._before.append((window, chance))
            if edge is Edge.STARTED:
                self._begin(end_ns, happened)
            return
        utterance = self._now
        utterance.windows.append(window)
        utterance.chances.append(chance)
        if chance >= self._settings.start:
            utterance.voiced += 1
        if edge is Edge.ENDED:
            utterance.ended_ns = end_ns - self._endpointer.silent * _NS_A_WINDOW
            self._now = None
            happened.append((Step.ENDED, utterance))
        elif len(utterance.windows) >= self._max:
            self._cut(utterance, end_ns, happened)
        elif edge is Edge.PAUSED:
            happened.append((Step.PAUSED, utterance))
        elif edge is Edge.RESUMED:
            happened.append((Step.RESUMED, utterance))
        elif self._endpointer.silent == 0:
            happened.append((Step.GREW, utterance))

    def _begin(self, end_ns: int, happened: list[Happened]) -> None:
        voice_ns = end_ns - self._start_windows * _NS_A_WINDOW
        self._now = self._next(voice_ns, list(self._before))
        self._before.clear()
        happened.append((Step.STARTED, self._now))

    def _next(self, started_ns: int, sound: list[tuple[Samples, float]]) -> Utterance:
        self._count += 1
        return Utterance(
            number=self._count,
            started_ns=max(0, started_ns),
            windows=[window for window, _ in sound],
            chances=[chance for _, chance in sound],
            voiced=sum(chance >= self._settings.start for _, chance in sound),
        )

    def _cut(self, utterance: Utterance, end_ns: int, happened: list[Happened]) -> None:
        """Two of one: at the most silent window of the last part."""
        total = len(utterance.windows)
        first = int(total * (1 - _CUT_IN))
        smooth = np.convolve(utterance.chances, np.ones(3) / 3, mode="same")
        at = first + int(np.argmin(smooth[first:]))
        tail = list(zip(utterance.windows[at:], utterance.chances[at:], strict=True))
        cut_ns = end_ns - (total - at) * _NS_A_WINDOW
        del utterance.windows[at:], utterance.chances[at:]
        utterance.voiced = sum(chance >= self._settings.start for chance in utterance.chances)
        utterance.ended_ns = cut_ns
        self._now = self._next(cut_ns, tail)
        happened += [(Step.ENDED, utterance), (Step.STARTED, self._now)]
