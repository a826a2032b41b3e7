"""Category unit: speech through the director's shell on a real Link, and the operator's verb."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from director_simulation import config

from ipc.config import SpeechSection
from ipc.control import ControlClient
from ipc.endpoints import Endpoints
from ipc.errors import RequestFailed
from ipc.fence import Fence
from ipc.protocol import ChatLines, ChatMessage, Command, Peer, SpeechFinal, SpeechStarted
from ipc.states import WorkerState
from workers.director.worker import DirectorWorker
from workers.runtime import Link

# nobody listens in this show: stt is not among the peers
PEERS = ("stage", "tts", "llm", "memory", "chat")


@pytest.fixture
async def worker() -> AsyncIterator[DirectorWorker]:
    home = Path(tempfile.mkdtemp(prefix="sv-", dir="/tmp"))
    endpoints = Endpoints(home)
    control = ControlClient(endpoints, "director", 1, lambda _message: None)
    peers = [Peer(name=name, state=WorkerState.READY, incarnation=1) for name in PEERS]
    settings = config(
        idle_after_s=0.0, turn_timeout_s=0.2, speech=SpeechSection(max_wait_s=0.05, early=False)
    )
    link = Link("director", endpoints, control, settings, home, Fence(7), peers, pytest.fail)
    director = DirectorWorker(link)
    await director.load()
    yield director
    await director.close()
    await link.close()
    control.close()
    shutil.rmtree(home)


def command(verb: str, **args: object) -> Command:
    return Command(id=1, verb=verb, args=args, who="test", sent_ns=time.monotonic_ns())


async def test_barge_is_a_verb(worker: DirectorWorker) -> None:
    assert await worker.command(command("barge", name="finish")) == {"barge": "finish"}
    with pytest.raises(RequestFailed, match="no policy"):
        await worker.command(command("barge", name="loudly"))


async def test_words_become_a_turn_and_have_an_outcome(worker: DirectorWorker) -> None:
    now = time.monotonic_ns()
    worker.receive(SpeechStarted(source="Ann", utterance=1, at_ns=now), b"")
    worker.receive(
        SpeechFinal(
            source="Ann", utterance=1, text="are you there", started_ns=now, ended_ns=now + 1
        ),
        b"",
    )
    # no model answers here: the turn is given up by the timer
    outcome = await worker.command(command("outcome", message_id=f"voice:Ann:{now}:1"))
    assert outcome["outcome"] == "failed"


async def test_the_timer_ends_the_wait_for_one_who_speaks_on(worker: DirectorWorker) -> None:
    now = time.monotonic_ns()
    worker.receive(SpeechStarted(source="Ann", utterance=1, at_ns=now), b"")
    line = ChatMessage(
        id="m1", platform="console", author="Cleo", author_id="cleo", text="hi",
        received_ns=now, at=0.0,
    )  # fmt: skip
    worker.receive(ChatLines(lines=[line]), b"")
    outcome = await worker.command(command("outcome", message_id="m1"))
    assert outcome["spans_ms"]["queue"] >= 50
