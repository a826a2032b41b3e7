"""The memory process: Recall in, Recalled out; Remember in, written in batches; Forget in."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from typing import Any, Final

import msgspec
import numpy as np

from ipc.config import MemorySection
from ipc.errors import RequestFailed
from ipc.protocol import Command, Forget, MemoryHit, Message, Recall, Recalled, Remember
from workers.memory.engine import Embedder, Vectors
from workers.memory.hashing import HashEmbedder
from workers.memory.minilm import MiniLmEmbedder
from workers.memory.ranking import (
    MAX_CHARS,
    MAX_ID_CHARS,
    MAX_NAME_CHARS,
    MAX_QUERY_CHARS,
    NEAR_DUPLICATE,
    Exchange,
    rank,
    text_of,
)
from workers.memory.store import Store
from workers.memory.tombstones import Tombstones
from workers.runtime import Link, Worker

_CANDIDATES: Final = 4  # times the limit: room for the preference of the same viewer
_MAX_BUFFERED: Final = 512  # exchanges; a show makes one every few seconds
_SEARCH_LIMIT: Final = 10  # hits an operator sees
_STORE_ERRORS = (OSError, RuntimeError, ValueError)  # what LanceDB raises

_log = logging.getLogger(__name__)

Waiting = tuple[Exchange, Vectors]


def make_embedder(section: MemorySection) -> Embedder:
    """The engine ``memory.engine`` names."""
    return HashEmbedder() if section.engine == "hash" else MiniLmEmbedder(section)


class MemoryWorker(Worker):
    """The newest Recall wins: an older one that has not been answered is dropped.

    Remembered exchanges wait up to ``memory.flush_s`` to be written together; they are
    recalled from there as well. A drain writes them; kill -9 loses at most those.

    What is to be forgotten is not recalled any more from that moment on; it leaves the table
    with the next write, which is due at once.
    """

    name = "memory"

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._section = link.config.memory
        self._embedder = make_embedder(self._section)
        self._store = Store(link.state_dir / "memory")
        self._request: Recall | None = None  # the newest, if it is not answered
        self._arrived_ns = 0
        self._heard: deque[Remember] = deque(maxlen=_MAX_BUFFERED)
        self._unwritten: list[Waiting] = []
        self._to_forget: list[Forget] = []
        self._tombstones = Tombstones()
        self._asked = asyncio.Event()
        self._told = asyncio.Event()
        self._due = asyncio.Event()
        self._writing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._loaded = False

    async def load(self) -> dict[str, str]:
        self.link.loading("opening the memory")
        try:
            async with asyncio.TaskGroup() as loading:
                loading.create_task(self._store.open())
                embedder = loading.create_task(self._embedder.load(self.link.loading))
        except ExceptionGroup as failures:  # the first one says what is wrong, and its exit code
            raise failures.exceptions[0] from None
        if self._store.moved_aside is not None:
            self.link.notice(
                "error",
                f"the memory was damaged; it is now {self._store.moved_aside}",
                "she starts with an empty memory; restore a backup in its place to get it back",
            )
        await self._find("hello", "", limit=1)
        self._loaded = True
        self.link.spawn(self._answer(), "recall")
        self.link.spawn(self._listen(), "remember")
        self.link.spawn(self._write(), "write")
        return {**embedder.result(), "memories": str(await self._store.count())}

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002
        if isinstance(message, Recall):
            self._request, self._arrived_ns = message, time.monotonic_ns()
            self._asked.set()
        elif isinstance(message, Remember):
            self._heard.append(message)
            self._told.set()
        elif isinstance(message, Forget):
            forget = _bounded(message)
            self._tombstones.add(forget, time.time())
            self._to_forget.append(forget)
            self._due.set()

    async def command(self, command: Command) -> Any:
        if command.verb == "recall":
            hits = await self._find(str(command.args.get("text", "")), "", limit=_SEARCH_LIMIT)
            return [msgspec.to_builtins(hit) for hit in hits]
        if command.verb == "forget":
            return await self._forget(str(command.args.get("id", "")))
        return await super().command(command)

    async def drain(self) -> None:
        await self._finish()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loaded:
            await self._finish()
        await self._embedder.close()
        self._store.close()

    # --- recall ---

    async def _answer(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            request = self._request
            if request is None or not self.link.fence.allows(request.turn):
                continue
            with self.link.working():
                hits, error = await self._recall(request)
            if self._request is request:  # otherwise a newer one has come
                self._request = None
                took_ns = time.monotonic_ns() - self._arrived_ns
                self.link.send(
                    "director",
                    Recalled(turn=request.turn, hits=hits, error=error, engine_ns=took_ns),
                )

    async def _recall(self, request: Recall) -> tuple[list[MemoryHit], str]:
        try:
            hits = await self._find(
                request.query,
                request.viewer,
                limit=request.limit,
                min_score=self._section.min_score,
            )
        except _STORE_ERRORS as error:
            return [], f"the memory cannot be searched: {error}"
        return hits, ""

    async def _find(
        self, query: str, viewer: str, *, limit: int, min_score: float = 0.0
    ) -> list[MemoryHit]:
        if not query.strip() or limit < 1:
            return []
        vector = (await self._embedder.embed([query[:MAX_QUERY_CHARS]]))[0]
        candidates = await self._store.nearest(vector, limit * _CANDIDATES)
        candidates += [(e, _cosine(vector, v)) for e, v in self._unwritten]
        candidates = [(e, score) for e, score in candidates if not self._forgotten(e)]
        return rank(candidates, viewer=viewer, limit=limit, min_score=min_score)

    # --- remember ---

    async def _listen(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            with self.link.working():
                await self._take_in()

    async def _take_in(self) -> None:
        """Embed what was heard, one at a time so that a Recall gets in between."""
        while self._heard:
            heard = self._heard.popleft()
            self.link.progressed()  # a long backlog is no hang
            text = text_of(heard)
            if not text:
                continue
            exchange = Exchange(
                id=uuid.uuid4().hex[:12],
                text=text,
                who=heard.author[:MAX_NAME_CHARS],
                author_id=heard.author_id[:MAX_ID_CHARS],
                persona=heard.persona,
                at=heard.at,
                message_id=heard.message_id[:MAX_ID_CHARS],
            )
            # what the viewer said is what it will be looked up by
            vector = (await self._embedder.embed([heard.text.strip()[:MAX_CHARS] or text]))[0]
            if await self._known(vector) or self._forgotten(exchange):
                continue
            self._unwritten.append((exchange, vector))
            self._schedule()

    async def _known(self, vector: Vectors) -> bool:
        if any(_cosine(vector, v) >= NEAR_DUPLICATE for _, v in self._unwritten):
            return True
        try:
            nearest = await self._store.nearest(vector, 1)
        except _STORE_ERRORS:
            return False  # said when it is written
        return bool(nearest) and nearest[0][1] >= NEAR_DUPLICATE

    def _schedule(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._section.flush_s, self._due.set)

    async def _write(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            self._timer = None
            with self.link.working():
                await self._flush()
                if self._unwritten or self._to_forget:
                    self._schedule()  # came meanwhile, or could not be written
                else:
                    await self._tidy()

    async def _flush(self) -> None:
        """All that waits, as one batch. What cannot be written is kept, within bounds."""
        async with self._writing:
            if self._to_forget:
                await self._bury()
            batch = list(self._unwritten)
            if not batch:
                return
            try:
                await self._store.add([e for e, _ in batch], np.stack([v for _, v in batch]))
            except _STORE_ERRORS as error:
                self.link.problem = f"memories cannot be written: {error}"
                _log.warning("memories cannot be written: %s", error)
                del self._unwritten[:-_MAX_BUFFERED]
            else:
                self.link.problem = ""
                del self._unwritten[: len(batch)]

    def _forgotten(self, exchange: Exchange) -> bool:
        return self._tombstones.covers(exchange.message_id, exchange.author_id, exchange.at)

    async def _bury(self) -> None:
        """Take out what is to be forgotten. Nobody else may be writing."""
        orders = list(self._to_forget)
        self._unwritten = [item for item in self._unwritten if not self._forgotten(item[0])]
        authors = dict.fromkeys(order.author_id for order in orders if order.author_id)
        lines = dict.fromkeys(one for order in orders for one in order.message_ids if one)
        try:
            await self._store.forget(list(authors), list(lines))
        except _STORE_ERRORS as error:
            # it is not recalled, and tried again with the next write
            self.link.problem = f"memories cannot be deleted: {error}"
            _log.warning("memories cannot be deleted: %s", error)
        else:
            self.link.problem = ""
            del self._to_forget[: len(orders)]

    async def _tidy(self) -> None:
        try:
            await self._store.compact_if_due()
        except _STORE_ERRORS as error:
            _log.warning("the memory could not be compacted: %s", error)

    async def _finish(self) -> None:
        await self._take_in()
        await self._flush()

    async def _forget(self, exchange_id: str) -> str:
        async with self._writing:
            kept = [item for item in self._unwritten if item[0].id != exchange_id]
            found = len(kept) < len(self._unwritten)
            self._unwritten = kept
            if not found and not await self._store.delete(exchange_id):
                raise RequestFailed(
                    f"there is no memory {exchange_id!r}", "the verb recall shows the ids"
                )
        return f"forgot {exchange_id}"


def _bounded(forget: Forget) -> Forget:
    """With ids as long as they are remembered."""
    return Forget(
        author_id=forget.author_id[:MAX_ID_CHARS],
        message_ids=[one[:MAX_ID_CHARS] for one in forget.message_ids],
    )


def _cosine(a: Vectors, b: Vectors) -> float:
    return float(np.clip(a @ b, 0.0, 1.0))
