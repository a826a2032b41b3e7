"""Unit: one engine for several sources: who goes first, and what is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
from stt_rig import GatedEngine

from workers.stt.audio import RATE, Samples
from workers.stt.engine import Engine, Progress, Transcript
from workers.stt.scribe import Job, Scribe

SOUND = np.zeros(RATE, np.float32)


@asynccontextmanager
async def scribe() -> AsyncIterator[tuple[Scribe, GatedEngine, list[str]]]:
    """A running one; the list has what was written down, in order."""
    engine = GatedEngine()
    made = Scribe(engine)
    await made.load(lambda _: None)
    running = asyncio.create_task(made.run())
    try:
        yield made, engine, []
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await made.close()


def ask(made: Scribe, heard: list[str], utterance: str, *, thorough: bool = False) -> Job:
    source = utterance.split("/", maxsplit=1)[0]
    return made.submit(
        source, utterance, SOUND, lambda t, _: heard.append(t.text), thorough=thorough
    )


async def test_sources_take_turns() -> None:
    async with scribe() as (made, engine, heard):
        ask(made, heard, "ann/1")
        await engine.until_asked(1)
        for utterance in ("ann/2", "ann/3", "ben/1", "ben/2"):
            ask(made, heard, utterance)
        for number in range(5):
            engine.let(str(number))
        await made.idle()
        order = [utterance for utterance, _, _ in engine.asked]
        assert order == ["ann/1", "ben/1", "ann/2", "ben/2", "ann/3"]
        assert heard == ["0", "1", "2", "3", "4"]


async def test_thorough_jobs_go_before_partials() -> None:
    async with scribe() as (made, engine, heard):
        ask(made, heard, "ann/1")
        await engine.until_asked(1)
        ask(made, heard, "ann/2")
        assert not made.pressed
        ask(made, heard, "ben/1", thorough=True)
        assert made.pressed
        for text in "abc":
            engine.let(text)
        await made.idle()
        assert [u for u, _, _ in engine.asked] == ["ann/1", "ben/1", "ann/2"]


async def test_a_dropped_job_that_waits_is_never_heard() -> None:
    async with scribe() as (made, engine, heard):
        ask(made, heard, "ann/1")
        await engine.until_asked(1)
        ask(made, heard, "ann/2").drop()
        engine.let("one")
        await made.idle()
        assert heard == ["one"]
        assert len(engine.asked) == 1


async def test_a_dropped_job_that_is_under_way_is_abandoned() -> None:
    async with scribe() as (made, engine, heard):
        job = ask(made, heard, "ann/1")
        await engine.until_asked(1)
        job.drop()
        await made.idle()
        assert engine.abandoned == ["ann/1"]
        ask(made, heard, "ann/2")
        engine.let("two")
        await engine.until_asked(2)
        await made.idle()
        assert heard == ["two"]


async def test_closing_does_not_wait_for_words() -> None:
    async with scribe() as (made, engine, heard):
        ask(made, heard, "ann/1")
        await engine.until_asked(1)
    assert engine.abandoned == ["ann/1"]
    assert heard == []


async def test_jobs_wait_for_the_engine() -> None:
    engine = GatedEngine()
    made = Scribe(engine)
    running = asyncio.create_task(made.run())
    heard: list[str] = []
    ask(made, heard, "ann/1")
    for _ in range(10):
        await asyncio.sleep(0)
    assert engine.asked == []
    await made.load(lambda _: None)
    engine.let("late")
    await made.idle()
    assert heard == ["late"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await made.close()


class Broken(Engine):
    def load(self, progress: Progress) -> dict[str, str]:
        return {}

    def hear(
        self, sound: Samples, *, utterance: str, thorough: bool, unwanted: Callable[[], bool]
    ) -> Transcript:
        raise RuntimeError("out of memory")


async def test_an_engine_that_fails_ends_the_worker() -> None:
    made = Scribe(Broken())
    await made.load(lambda _: None)
    running = asyncio.create_task(made.run())
    ask(made, [], "ann/1")
    with pytest.raises(RuntimeError, match="out of memory"):
        await running
    await made.close()
