"""Category: unit and ipc. What is to be forgotten leaves the memory and does not come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import lancedb
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from small_show import SmallShow

from ipc.config import Config, MemorySection
from ipc.protocol import Forget, Recall, Recalled, Remember
from workers.memory.engine import DIMENSIONS
from workers.memory.hashing import HashEmbedder
from workers.memory.ranking import Exchange
from workers.memory.store import TABLE, Store
from workers.memory.tombstones import Tombstones

MakeShow = Callable[[Config], SmallShow]
SECTION = msgspec.convert({"engine": "hash", "flush_s": 60.0, "min_score": 0.0}, MemorySection)


def remember(text: str, author: str, message_id: str, at: float | None = None) -> Remember:
    return Remember(
        turn=0, platform="twitch", author=author, author_id=f"twitch:{author}", text=text,
        reply="oh", persona="nova", at=time.time() if at is None else at, message_id=message_id,
    )  # fmt: skip


async def recalled(show: SmallShow, turn: int, query: str) -> list[str]:
    show.send(Recall(turn=turn, query=query, limit=10))
    answer = await show.director.until(lambda m: isinstance(m, Recalled) and m.turn == turn)
    assert not answer.error
    return sorted(hit.message_id for hit in answer.hits)


def test_tombstones() -> None:
    stones = Tombstones()
    stones.add(Forget(author_id="twitch:zed"), 100.0)
    stones.add(Forget(message_ids=["m1", ""]), 100.0)
    assert stones.covers("m7", "twitch:zed", 99.0)
    assert not stones.covers("m7", "twitch:zed", 101.0), "who may speak again is known again"
    assert stones.covers("m1", "twitch:ann", 999.0)
    assert not stones.covers("", "", 0.0)
    for number in range(10_000):
        stones.add(Forget(author_id=f"a{number}", message_ids=[f"n{number}"]), 1.0)
    assert stones.covers("n9999", "", 5.0)
    assert len(stones._ids) == len(stones._authors) == 4096


async def test_forgotten_lines_and_authors_are_not_recalled_and_do_not_come_back(
    small_show: MakeShow,
) -> None:
    show = small_show(Config(memory=SECTION))
    await show.start("memory")
    show.send(remember("my zebra is called Bob", "zed", "z1"))
    show.send(remember("I paint every zebra blue", "ann", "a1"))
    show.send(remember("a tram goes to the harbour", "ann", "a'2"))
    turn = 1
    while len(await recalled(show, turn, "my zebra")) < 3:  # taken in one after the other
        turn += 1
    assert await show.drain() == 0

    await show.start("memory")  # these are on disk now, others are not written yet
    show.send(remember("zebra crossings are safe", "zed", "z2"))
    show.send(Forget(author_id="twitch:zed"))
    show.send(Forget(message_ids=["a'2", "x' OR '1'='1"]))
    assert await recalled(show, turn + 1, "my zebra") == ["a1"]
    show.send(remember("one more zebra", "zed", "z3", at=time.time() - 60))  # it comes late
    show.send(remember("the tram again", "bob", "a'2"))
    show.send(remember("no zebra any more, I promise", "zed", "z4", at=time.time() + 60))
    turn += 2
    while "z4" not in (known := await recalled(show, turn, "my zebra")):
        turn += 1
    assert known == ["a1", "z4"]
    assert await show.drain() == 0
    ready = await show.start("memory")
    assert ready.details["memories"] == "2"
    assert await show.drain() == 0
    files = [f for f in (show.directory / "state").rglob("*") if f.is_file()]
    on_disk = b"".join(file.read_bytes() for file in files)
    assert b"paint every" in on_disk
    for gone in (b"called Bob", b"crossings", b"one more", b"tram"):
        assert gone not in on_disk


async def test_a_memory_from_before_lines_had_ids_is_kept(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    vector = (await embedder.embed(["an old zebra"]))[0]
    old = pa.schema(
        [pa.field(name, pa.string()) for name in ("id", "text", "who", "author_id", "persona")]
        + [pa.field("at", pa.float64()), pa.field("vector", pa.list_(pa.float32(), DIMENSIONS))]
    )
    connection = await lancedb.connect_async(str(tmp_path / "memory"))
    table = await connection.create_table(TABLE, schema=old)
    row = {"id": "1", "text": "an old zebra", "who": "Ann", "author_id": "twitch:ann"}
    await table.add([{**row, "persona": "nova", "at": 1.0, "vector": vector}])
    table.close()
    connection.close()
    for _again in range(2):
        store = Store(tmp_path / "memory")
        await store.open()
        assert store.moved_aside is None
        ((found, _score),) = await store.nearest(vector, 3)
        assert (found.text, found.message_id) == ("an old zebra", "")
        store.close()
    store = Store(tmp_path / "memory")
    await store.open()
    new = Exchange("2", "a new zebra", "Zed", "twitch:zed", "nova", 2.0, "z1")
    await store.add([new], np.stack([vector]))
    await store.forget([], ["z1"])
    assert await store.count() == 1
    await store.forget(["twitch:ann"], [])
    assert await store.count() == 0
    store.close()


@pytest.mark.parametrize("author", ["twitch:o'neil", "twitch:'; DROP", 'twitch:"x"', "twitch:\\"])
async def test_any_id_can_be_forgotten(tmp_path: Path, author: str) -> None:
    embedder = HashEmbedder()
    vectors = await embedder.embed(["one", "two"])
    store = Store(tmp_path / "memory")
    await store.open()
    one = Exchange("1", "one", "A", author, "nova", 1.0, "m1")
    two = Exchange("2", "two", "B", "twitch:b", "nova", 1.0, "m2")
    await store.add([one, two], vectors)
    await store.forget([author, *(f"twitch:{n}" for n in range(300))], [])
    assert [found.id for found, _ in await store.nearest(vectors[0], 5)] == ["2"]
    store.close()
