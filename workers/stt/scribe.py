"""One engine, one thread, several sources that take turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from workers.stt.audio import Samples
from workers.stt.engine import Abandoned, Engine, Progress, Transcript

Written = Callable[[Transcript, int], None]
"""Takes what was heard, and how long the engine worked for it in nanoseconds."""


@dataclass(eq=False)
class Job:
    """One hearing that was asked for. ``drop`` when nobody wants it any more."""

    source: str
    utterance: str
    sound: Samples
    thorough: bool
    written: Written
    unwanted: bool = False

    def drop(self) -> None:
        self.unwanted = True


class Scribe:
    """Does the thorough jobs first, and lets the source go first that waited longest.

    ``run`` belongs into a task; what the engine raises ends it.
    """

    def __init__(
        self, engine: Engine, working: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self._engine = engine
        self._working = working
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hearing")
        self._jobs: list[Job] = []
        self._now: Job | None = None
        self._served: dict[str, int] = {}  # source: when, as a count of jobs
        self._count = 0
        self._something = asyncio.Event()
        self._loaded = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def load(self, progress: Progress) -> dict[str, str]:
        """``progress`` is called on the event loop. Raises ModelMissing."""
        loop = asyncio.get_running_loop()

        def told(sentence: str) -> None:
            loop.call_soon_threadsafe(progress, sentence)

        details = await loop.run_in_executor(self._thread, self._engine.load, told)
        self._loaded.set()
        return details

    def submit(
        self, source: str, utterance: str, sound: Samples, written: Written, *, thorough: bool
    ) -> Job:
        """``written`` is called on the event loop, unless the job is dropped."""
        job = Job(source, utterance, sound, thorough, written)
        self._jobs.append(job)
        self._something.set()
        self._idle.clear()
        return job

    @property
    def pressed(self) -> bool:
        """Whether a thorough job waits: no time for partials."""
        return any(job.thorough and not job.unwanted for job in self._jobs)

    async def idle(self) -> None:
        """Until nothing is written down and nothing waits for it."""
        await self._idle.wait()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        await self._loaded.wait()
        while True:
            job = self._pick()
            if job is None:
                self._idle.set()
                self._something.clear()
                await self._something.wait()
                continue
            self._now = job
            began_ns = time.monotonic_ns()
            try:
                with self._working():
                    transcript = await loop.run_in_executor(self._thread, self._hear, job)
            except Abandoned:
                continue
            except asyncio.CancelledError:
                job.drop()  # the thread must come to an end, too
                raise
            finally:
                self._now = None
            if not job.unwanted:
                job.written(transcript, time.monotonic_ns() - began_ns)

    async def close(self) -> None:
        """Nothing is written down any more. Waits for the step the engine is at."""
        for job in self._jobs:
            job.drop()
        if self._now is not None:
            self._now.drop()
        await asyncio.to_thread(self._thread.shutdown)

    def _hear(self, job: Job) -> Transcript:
        if job.unwanted:
            raise Abandoned
        return self._engine.hear(
            job.sound,
            utterance=job.utterance,
            thorough=job.thorough,
            unwanted=lambda: job.unwanted,
        )

    def _pick(self) -> Job | None:
        self._jobs = [job for job in self._jobs if not job.unwanted]
        if not self._jobs:
            return None
        job = min(self._jobs, key=lambda j: (not j.thorough, self._served.get(j.source, 0)))
        self._jobs.remove(job)
        self._count += 1
        self._served[job.source] = self._count
        return job
