"""chat: the worker's own joints, in this process, behind a link that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ipc.config import Config
from ipc.protocol import (
    ChatEvent,
    ChatLines,
    ChatMessage,
    ChatOutcomeEvent,
    ChatRemovedEvent,
    Command,
    GateHit,
    Message,
    NoticeEvent,
    Peer,
    Removed,
    Taken,
)
from ipc.states import TurnOutcome, WorkerState
from workers.chat.platform import Feed, Line, ReadOnly, Removal
from workers.chat.worker import ChatWorker

Configure = Callable[..., Config]


class Channel(ReadOnly):
    """A platform whose lines the test hands over."""

    name = "channel"
    self_id = "7"

    async def run(self, feed: Feed) -> None:
        """There is nothing to read."""


class Behind:
    """What a ChatWorker uses of a Link; the director serves and takes every line at once."""

    def __init__(self, config: Config, state_dir: Path) -> None:
        self.config = config
        self.state_dir = state_dir
        self.peers = {"director": Peer(name="director", state=WorkerState.READY, incarnation=1)}
        self.problem = ""
        self.sent: list[Message] = []
        self.published: list[Message] = []
        self.work: list[Coroutine[Any, Any, Any]] = []

    def send(self, worker: str, message: Message, payload: bytes = b"") -> bool:
        assert worker == "director"
        self.sent.append(message)
        return True

    def publish(self, event: Message) -> None:
        self.published.append(event)

    def notice(self, level: str, text: str, hint: str = "") -> None:
        self.publish(NoticeEvent(level=level, source="chat", text=text, hint=hint))

    def serves(self, worker: str) -> bool:
        return self.peers[worker].state.serves

    def progressed(self) -> None:
        """For the heartbeat."""

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        self.work.append(work)

    def lines(self) -> list[ChatMessage]:
        return [line for m in self.sent if isinstance(m, ChatLines) for line in m.lines]

    def of(self, kind: type[Message]) -> list[Any]:
        return [message for message in [*self.sent, *self.published] if isinstance(message, kind)]


class Rig:
    """A loaded worker with one platform."""

    def __init__(self, link: Behind) -> None:
        self.link = link
        self.worker = ChatWorker(link)  # type: ignore[arg-type]  # what it uses of a Link
        self.channel = Channel()

    def say(self, *texts: str, author_id: str = "1", **fields: Any) -> None:
        self.worker.arrived(
            self.channel,
            [
                Line(
                    platform="channel",
                    author=f"v{author_id}",
                    author_id=author_id,
                    text=text,
                    received_ns=1,
                    **fields,
                )
                for text in texts
            ],
        )

    async def do(self, verb: str, **args: Any) -> Any:
        return await self.worker.command(Command(id=1, verb=verb, args=args, who="t", sent_ns=1))


@pytest.fixture
async def rig(tmp_path: Path, configure: Configure) -> AsyncIterator[Rig]:
    words = tmp_path / "words.txt"
    words.write_text("drop: grotbag\n")
    made = Rig(Behind(configure(gate={"words": str(words)}), tmp_path))
    await made.worker.load()
    yield made
    for work in made.link.work:
        work.close()


def test_lines_that_come_together_are_one_message(rig: Rig) -> None:
    rig.say("one", "two", "", "three")
    assert [[line.text for line in m.lines] for m in rig.link.of(ChatLines)] == [
        ["one", "two", "three"]
    ]
    rig.say("", " ")
    assert len(rig.link.sent) == 1


def test_what_we_wrote_ourselves_is_shown_and_not_answered(rig: Rig) -> None:
    rig.say("hello everybody", author_id="7")
    rig.say("hello nova", author_id="8")
    assert [line.text for line in rig.link.lines()] == ["hello nova"]
    assert [e.text for e in rig.link.of(ChatEvent)] == ["hello everybody", "hello nova"]
    assert rig.link.of(ChatOutcomeEvent) == []


def test_gate_hits_of_a_flood_are_told_together(rig: Rig) -> None:
    for number in range(200):
        rig.say(f"grotbag {number}", author_id=str(number % 50))
    hits = rig.link.of(GateHit)
    assert hits[0].hits == 1
    assert sum(hit.hits for hit in hits) <= 50, "one viewer alone must not make the show careful"
    assert len(hits) <= 3
    assert rig.link.lines() == []
    outcome = rig.link.of(ChatOutcomeEvent)[0]
    assert outcome.outcome is TurnOutcome.BLOCKED
    assert outcome.message_id == rig.link.of(ChatEvent)[0].id


def test_in_a_flood_all_lines_go_on_and_a_part_is_shown(rig: Rig) -> None:
    for start in range(0, 3000, 60):
        rig.say(*(f"line {n}" for n in range(start, start + 60)))
        rig.worker.receive(Taken(message_ids=[line.id for line in rig.link.lines()]), b"")
    assert len(rig.link.lines()) == 3000
    assert len(rig.link.of(ChatEvent)) < 1500
    assert len(rig.link.of(NoticeEvent)) == 1


async def test_a_ban_is_told_before_anything_is_waited_for(rig: Rig) -> None:
    rig.say("hello", author_id="3")
    banning = asyncio.create_task(rig.do("ban", viewer="channel:3"))
    await asyncio.sleep(0)  # it runs until it waits for the first time
    assert isinstance(rig.link.sent[-1], Removed)
    assert rig.link.of(ChatRemovedEvent)[0].author_id == "channel:3"
    assert (await banning)["here"] == "banned"


async def test_a_platforms_removal_is_told_at_once(rig: Rig) -> None:
    rig.say("bad", author_id="3", id="a")
    rig.worker.taken_back(rig.channel, Removal(ids=("a",), reason="deleted"))
    assert rig.link.sent[-1] == Removed(
        platform="channel", message_ids=["channel:a"], reason="deleted"
    )
    rig.worker.taken_back(rig.channel, Removal(author_id="3", banned=True))
    rig.say("hello again", author_id="3")
    assert [line.text for line in rig.link.lines()] == ["bad"]
    assert rig.link.of(ChatOutcomeEvent)[0].reason == "the viewer is banned on channel"


async def test_what_the_parts_miss_is_one_sentence_each(rig: Rig, tmp_path: Path) -> None:
    rig.worker.problems_changed()
    assert rig.link.problem == ""
    (source,) = rig.worker._sources
    source.problem("away")
    assert rig.link.problem == "console: away"
    (tmp_path / "viewers.json").mkdir()
    assert "bans are not kept" in (await rig.do("ban", viewer="console:x"))["problem"]
    first, second = rig.link.problem.split("; ")
    assert first == "console: away"
    assert second.startswith("bans are not kept: ")
    source.problem("")
    (tmp_path / "viewers.json").rmdir()
    await rig.do("unban", viewer="console:x")
    assert rig.link.problem == ""
