"""From sound to words: what is written down when, and what is told of it.

The words of a whole utterance are there soon after its end because they are written down
at the first silence, before anybody can know that it is the end. If the person goes on,
that hearing was one more partial.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ipc.config.stt import SttSection
from ipc.protocol import SpeechFinal, SpeechIgnored, SpeechPartial, SpeechStarted
from workers.stt.audio import Converter, Samples
from workers.stt.doubt import doubt
from workers.stt.echo import Echo
from workers.stt.engine import Transcript
from workers.stt.scribe import Job, Scribe
from workers.stt.utterance import Segmenter, Step, Utterance
from workers.stt.words import agreed, spoken

Told = SpeechStarted | SpeechPartial | SpeechFinal | SpeechIgnored
Detector = Callable[[Samples], float]
"""Probability of speech in a window of 512 samples that follows the ones before."""

HERS = "her own voice"
_TOO_SHORT = "too short for words"
_NAMES = 64
_WAITING = 4  # ended utterances of one source that may wait for their words


@dataclass(eq=False)
class _Hearing:
    """An utterance and what was made of it so far."""

    utterance: Utterance
    told: bool = False  # SpeechStarted went out
    ended: bool = False
    job: Job | None = None  # the thorough one
    partial: Job | None = None
    whole: Transcript | None = None  # of everything until the silence that lasts
    text: str = ""  # of the last partial
    stable: str = ""
    partial_s: float = 0.0  # the next partial may be asked for at this length

    def drop_jobs(self) -> None:
        for job in (self.job, self.partial):
            if job is not None:
                job.drop()
        self.job = self.partial = None


@dataclass(eq=False)
class _Source:
    name: str
    hears_her: bool
    segmenter: Segmenter
    now: _Hearing | None = None
    waiting: deque[_Hearing] = field(default_factory=deque)
    partial_from_ns: int = 0  # not sooner: the machine must follow
    ear: Ear | None = None  # who brings its sound now


class Ear:
    """One open source: the handle for whoever brings its sound."""

    def __init__(self, ears: Ears, source: _Source, converter: Converter) -> None:
        self._ears = ears
        self._source = source
        self._converter = converter
        self._open = True

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks now, as far as the detector knows."""
        return self._source.segmenter.speaking

    @property
    def frame_bytes(self) -> int:
        return self._converter.frame_bytes

    def push(self, data: bytes, at_ns: int | None = None) -> None:
        """Sound as it came; ``at_ns`` is when its last sample did. Raises BadSound."""
        if self._open:
            self._ears.take(self._source, self._converter.push(data), at_ns)

    def close(self) -> None:
        """The source is gone; what was said is still written down."""
        if self._open:
            self._open = False
            self._ears.take(self._source, self._converter.flush(), None)
            self._ears.end(self._source)


class Ears:
    """``tell`` takes every message, ``detector`` makes a fresh voice detector a source."""

    def __init__(
        self,
        settings: SttSection,
        scribe: Scribe,
        detector: Callable[[], Detector],
        tell: Callable[[Told], None],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._settings = settings
        self._scribe = scribe
        self._detector = detector
        self._tell = tell
        self._now_ns = now_ns
        self._echo = Echo()
        self._sources: dict[str, _Source] = {}

    def open(
        self,
        name: str,
        rate: object,
        channels: object = 1,
        format_: object = "s16le",
        *,
        hears_her: bool = True,
    ) -> Ear:
        """A source begins, or begins again. Raises BadSound for sound that cannot be taken."""
        converter = Converter(rate, channels, format_)
        source = self._sources.get(name)
        if source is not None and source.ear is not None:
            source.ear.close()  # the older one is not heard any more
        if source is None:
            self._forget_one()
            vad = self._settings.vad
            source = _Source(name, hears_her, Segmenter(vad, self._detector()))
            self._sources[name] = source
        source.hears_her = hears_her and name not in self._settings.headphones
        source.ear = Ear(self, source, converter)
        return source.ear

    def playing(self, text: str) -> None:
        """She is heard saying this from now on."""
        self._echo.playing(text, self._now_ns())

    # --- from the sources ---

    def take(self, source: _Source, sound: Samples, at_ns: int | None) -> None:
        at_ns = self._now_ns() if at_ns is None else at_ns
        self._follow(source, source.segmenter.push(sound, at_ns))

    def end(self, source: _Source) -> None:
        source.ear = None
        self._follow(source, source.segmenter.end(self._now_ns()))

    def _follow(self, source: _Source, happened: list[tuple[Step, Utterance]]) -> None:
        for step, utterance in happened:
            if step is Step.STARTED:
                source.now = _Hearing(utterance, partial_s=self._settings.partial_s)
                if not self._may_be_hers(source, utterance):
                    self._started(source, source.now)
            elif source.now is None:
                continue
            elif step is Step.GREW:
                self._grew(source, source.now)
            elif step is Step.PAUSED:
                self._paused(source, source.now)
            elif step is Step.RESUMED:
                source.now.whole = None
                if source.now.job is not None:
                    source.now.job.drop()
                    source.now.job = None
            else:
                hearing, source.now = source.now, None
                self._ended(source, hearing)

    def _forget_one(self) -> None:
        """Names are kept so that their utterances count on, but not for ever."""
        if len(self._sources) < _NAMES:
            return
        for name, source in self._sources.items():
            if source.ear is None and not source.waiting:
                del self._sources[name]
                return

    # --- when to write down ---

    def _grew(self, source: _Source, hearing: _Hearing) -> None:
        seconds = hearing.utterance.seconds
        if (
            hearing.partial is None
            and seconds >= hearing.partial_s
            and self._now_ns() >= source.partial_from_ns
            and not self._scribe.pressed
        ):
            hearing.partial_s = seconds + self._settings.partial_s
            hearing.partial = self._submit(source, hearing, self._partial_written, thorough=False)

    def _paused(self, source: _Source, hearing: _Hearing) -> None:
        hearing.drop_jobs()  # a partial of the same words would only be in the way
        if not self._too_short(hearing):
            hearing.job = self._submit(source, hearing, self._whole_written, thorough=True)

    def _ended(self, source: _Source, hearing: _Hearing) -> None:
        hearing.ended = True
        if hearing.partial is not None:
            hearing.partial.drop()
        if self._too_short(hearing):
            hearing.drop_jobs()
            self._ignore(source, hearing, _TOO_SHORT)
        elif hearing.whole is not None:
            self._finish(source, hearing, hearing.whole)
        else:
            source.waiting.append(hearing)
            if hearing.job is None:
                hearing.job = self._submit(source, hearing, self._whole_written, thorough=True)
            if len(source.waiting) > _WAITING:
                late = source.waiting.popleft()
                late.drop_jobs()
                self._ignore(source, late, "this machine is too slow to write it down")

    def _submit(self, source: _Source, hearing: _Hearing, written: Any, *, thorough: bool) -> Job:
        utterance = hearing.utterance
        return self._scribe.submit(
            source.name,
            f"{source.name}/{utterance.number}",
            utterance.sound(),
            partial(written, source, hearing),
            thorough=thorough,
        )

    # --- what was written down ---

    def _partial_written(
        self, source: _Source, hearing: _Hearing, transcript: Transcript, took_ns: int
    ) -> None:
        hearing.partial = None
        source.partial_from_ns = self._now_ns() + took_ns  # half of the time is for others
        self._tell_partial(source, hearing, transcript)

    def _whole_written(
        self,
        source: _Source,
        hearing: _Hearing,
        transcript: Transcript,
        took_ns: int,  # noqa: ARG002  (partials are paced by theirs)
    ) -> None:
        hearing.job = None
        hearing.whole = transcript
        if hearing.ended:
            source.waiting.remove(hearing)
            self._finish(source, hearing, transcript)
        else:
            self._tell_partial(source, hearing, transcript, paused=True)

    def _tell_partial(
        self,
        source: _Source,
        hearing: _Hearing,
        transcript: Transcript,
        *,
        paused: bool = False,
    ) -> None:
        text = spoken(transcript.text)
        if doubt(transcript, hearing.utterance.voiced_s, self._settings.doubt):
            return
        if self._is_hers(source, hearing, text):
            return
        self._started(source, hearing)
        stable = agreed(hearing.text, text)
        if len(stable) >= len(hearing.stable) or not text.startswith(hearing.stable):
            hearing.stable = stable
        hearing.text = text
        self._tell(
            SpeechPartial(
                source=source.name,
                utterance=hearing.utterance.number,
                text=text,
                stable=hearing.stable,
                at_ns=self._now_ns(),
                paused=paused,
            )
        )

    def _finish(self, source: _Source, hearing: _Hearing, transcript: Transcript) -> None:
        utterance = hearing.utterance
        text = spoken(transcript.text)
        reason = doubt(transcript, utterance.voiced_s, self._settings.doubt)
        if not reason and self._is_hers(source, hearing, text):
            reason = HERS
        if reason:
            self._ignore(source, hearing, reason)
            return
        self._started(source, hearing)
        self._tell(
            SpeechFinal(
                source=source.name,
                utterance=utterance.number,
                text=text,
                started_ns=utterance.started_ns,
                ended_ns=max(0, utterance.ended_ns),
                engine_ns=max(0, self._now_ns() - utterance.ended_ns),
            )
        )

    # --- judging and telling ---

    def _too_short(self, hearing: _Hearing) -> bool:
        return hearing.utterance.voiced_s * 1000 < self._settings.vad.min_speech_ms

    def _may_be_hers(self, source: _Source, utterance: Utterance) -> bool:
        return source.hears_her and self._echo.audible(utterance.started_ns, self._now_ns())

    def _is_hers(self, source: _Source, hearing: _Hearing, text: str) -> bool:
        utterance = hearing.utterance
        until_ns = utterance.ended_ns or self._now_ns()
        return source.hears_her and self._echo.is_hers(text, utterance.started_ns, until_ns)

    def _started(self, source: _Source, hearing: _Hearing) -> None:
        if not hearing.told:
            hearing.told = True
            self._tell(
                SpeechStarted(
                    source=source.name,
                    utterance=hearing.utterance.number,
                    at_ns=hearing.utterance.started_ns,
                )
            )

    def _ignore(self, source: _Source, hearing: _Hearing, reason: str) -> None:
        self._tell(
            SpeechIgnored(source=source.name, utterance=hearing.utterance.number, reason=reason)
        )
