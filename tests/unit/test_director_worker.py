"""The director's shell on a real Link: commands that wait, the timer, draining."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from director_simulation import config

from ipc.config import WORKERS
from ipc.control import ControlClient
from ipc.endpoints import Endpoints
from ipc.errors import RequestFailed
from ipc.fence import Fence
from ipc.protocol import Cancel, ChatLines, ChatMessage, Command, Peer, Playback
from ipc.states import WorkerState
from workers.director.worker import DirectorWorker
from workers.runtime import Link


@pytest.fixture
async def worker() -> AsyncIterator[DirectorWorker]:
    home = Path(tempfile.mkdtemp(prefix="sv-", dir="/tmp"))
    endpoints = Endpoints(home)
    control = ControlClient(endpoints, "director", 1, lambda _message: None)
    peers = [Peer(name=name, state=WorkerState.READY, incarnation=1) for name in WORKERS]
    settings = config(idle_after_s=0.0, turn_timeout_s=0.05)
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


def line(message_id: str) -> ChatMessage:
    return ChatMessage(
        id=message_id, platform="console", author="Ann", author_id="ann", text="hi",
        received_ns=time.monotonic_ns(), at=0.0,
    )  # fmt: skip


async def test_outcome_may_be_asked_for_before_the_line_arrives(worker: DirectorWorker) -> None:
    asked = asyncio.create_task(worker.command(command("outcome", message_id="m1")))
    await asyncio.sleep(0)
    worker.receive(ChatLines(lines=[line("m1")]), b"")
    outcome = await asked  # nobody answers: the turn is given up by the timer
    assert outcome["outcome"] == "failed"
    assert outcome["turn"] == 8  # above the fence it was started with
    assert set(outcome) == {
        "turn", "outcome", "reply", "spans_ms", "audio_s", "reason", "persona",
    }  # fmt: skip
    assert await worker.command(command("outcome", message_id="m1")) == outcome


async def test_outcome_fails_at_once_while_held_and_when_it_becomes_held(
    worker: DirectorWorker,
) -> None:
    asked = asyncio.create_task(worker.command(command("outcome", message_id="never")))
    await asyncio.sleep(0)
    await worker.command(command("hold"))
    for request in (asked, worker.command(command("outcome", message_id="m2"))):
        with pytest.raises(RequestFailed, match="held") as failure:
            await request
        assert "spark-tui ctl release" in failure.value.hint


async def test_outcome_of_a_line_that_never_comes_is_not_waited_for_for_ever(
    worker: DirectorWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.director.worker.OUTCOME_WITHIN_S", 0.01)
    with pytest.raises(RequestFailed, match="'never'"):
        await worker.command(command("outcome", message_id="never"))
    assert not worker._waiting


async def test_drain_waits_for_the_turn_under_way(worker: DirectorWorker) -> None:
    worker.receive(ChatLines(lines=[line("m1")]), b"")
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    worker.link.fence.apply(Cancel(turn=8))
    worker.cancelled(Cancel(turn=8, reason="ban"))
    await draining
    worker.receive(ChatLines(lines=[line("m2")]), b"")
    await worker.drain()


async def test_commands_answer_and_unknown_ones_are_refused(worker: DirectorWorker) -> None:
    assert await worker.command(command("mute")) == {"held": False, "muted": True}
    assert await worker.command(command("persona", name="Umbra")) == {"persona": "umbra"}
    assert await worker.command(command("say", text="Hello.")) == {"turn": 8}
    assert await worker.command(command("skip")) == {"turn": 8}
    assert await worker.command(command("dump")) == {"cleared": 0}
    assert await worker.command(command("whisper", text="be kind")) == {"whisper": "be kind"}
    assert await worker.command(command("topic", text="trains")) == {"topic": "trains"}
    assert await worker.command(command("topic")) == {"topic": ""}
    assert await worker.command(command("slow", seconds=5)) == {"slow_s": 5.0}
    assert await worker.command(command("delay", seconds=2.5)) == {"delay_s": 2.5}
    approval = await worker.command(command("mode", name="approval"))
    assert approval == {"mode": "approval", "persona": "umbra"}
    worker.receive(ChatLines(lines=[line("m1")]), b"")
    (row,) = await worker.command(command("queue"))
    assert row["id"] == "m1"
    assert await worker.command(command("next", message_id="m1")) == {"next": "m1"}
    assert await worker.command(command("drop", message_id="m1")) == {"dropped": "m1"}
    held = msgspec.structs.replace(line("m2"), held_why="links")
    worker.receive(ChatLines(lines=[held, msgspec.structs.replace(held, id="m3")]), b"")
    items = await worker.command(command("approvals"))
    assert [(item["kind"], item["why"]) for item in items] == [("line", "links")] * 2
    assert await worker.command(command("approve", id="m2")) == {"approved": items[0]["id"]}
    assert await worker.command(command("deny", id="m3")) == {"denied": items[1]["id"]}
    with pytest.raises(RequestFailed, match="dance"):
        await worker.command(command("dance"))


async def test_a_verb_that_will_not_survive_a_restart_says_so(worker: DirectorWorker) -> None:
    block = worker.link.state_dir / "show.json.new"
    block.mkdir()
    answer = await worker.command(command("mode", name="approval"))
    assert answer["mode"] == "approval"
    assert "show.json" in answer["problem"]
    assert "a restart forgets what is set" in answer["problem"]
    assert "problem" not in {name for row in await worker.command(command("queue")) for name in row}
    block.rmdir()
    answer = await worker.command(command("mode", name="open"))
    assert answer == {"mode": "open", "persona": "nova"}


def test_reports_of_cut_turns_are_heard() -> None:
    assert DirectorWorker.hears_fenced == (Playback,)
