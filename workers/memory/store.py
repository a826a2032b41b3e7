"""The table on disk (LanceDB). One process writes it.

Every write makes a version and a fragment, so writes come in batches and old versions
are cleaned up now and then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from ipc.errors import PathNotWritable
from workers.memory.engine import DIMENSIONS, Vectors
from workers.memory.ranking import Exchange

TABLE: Final = "exchanges"
COMPACT_EVERY_WRITES: Final = 64  # at flush_s = 2 and a busy chat: every few minutes
_NAMED_AT_ONCE: Final = 256  # ids in one condition
KEEP_VERSIONS: Final = timedelta(minutes=10)
_AT_ONCE = timedelta(milliseconds=1)  # zero is refused with a warning

_log = logging.getLogger(__name__)


class Store:
    """Exchanges with their vectors. All methods on one event loop."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._connection: Any = None
        self._table: Any = None
        self._writes = 0
        self.writes_total = 0
        self.moved_aside: Path | None = None

    async def open(self) -> None:
        """Open or make the table; a damaged one is moved aside, and ``moved_aside`` says where.

        Raises PathNotWritable.
        """
        await asyncio.to_thread(_import)  # what is missing here is no damage there
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PathNotWritable(
                f"cannot make the directory of the memory {self._directory}: {error.strerror}",
                "choose another state directory with --state",
            ) from None
        try:
            await self._open()
        except Exception as error:  # whatever is broken in there, the show goes on without it
            _log.warning("the memory cannot be read: %s", error)
            self.close()
            self.moved_aside = self._directory.with_name(
                f"{self._directory.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}"
            )
            self._directory.rename(self.moved_aside)
            await self._open()
        try:
            await self.compact()
        except (OSError, RuntimeError, ValueError) as error:  # a full disk, for example
            _log.warning("the memory could not be compacted: %s", error)

    async def _open(self) -> None:
        lancedb = _import()
        import pyarrow as pa  # noqa: PLC0415  (heavy; only here)

        schema = pa.schema(
            [
                pa.field("id", pa.string()),
                pa.field("text", pa.string()),
                pa.field("who", pa.string()),
                pa.field("author_id", pa.string()),
                pa.field("persona", pa.string()),
                pa.field("at", pa.float64()),
                pa.field("vector", pa.list_(pa.float32(), DIMENSIONS)),
                pa.field("message_id", pa.string()),
            ]
        )
        self._connection = await lancedb.connect_async(str(self._directory))
        if (self._directory / f"{TABLE}.lance").exists():
            self._table = await self._connection.open_table(TABLE)
        else:
            self._table = await self._connection.create_table(TABLE, schema=schema)
        found = await self._table.schema()
        if "message_id" not in found.names:  # a memory of before lines were remembered by id
            await self._table.add_columns({"message_id": "''"})
            found = await self._table.schema()
        if [(field.name, field.type) for field in found] != [(f.name, f.type) for f in schema]:
            raise ValueError(f"table {TABLE} has other columns: {found.names}")
        await self.nearest(np.ones(DIMENSIONS, np.float32), 1)  # reads the data, not only its list

    async def nearest(self, vector: Vectors, limit: int) -> list[tuple[Exchange, float]]:
        """The most similar exchanges with their cosine similarity, best first."""
        query = self._table.query().nearest_to(vector).distance_type("cosine").limit(limit)
        return [(_exchange(row), _similarity(row)) for row in await query.to_list()]

    async def add(self, exchanges: Sequence[Exchange], vectors: Vectors) -> None:
        """One batch: one version on disk."""
        rows = [
            {
                "id": e.id,
                "text": e.text,
                "who": e.who,
                "author_id": e.author_id,
                "persona": e.persona,
                "at": e.at,
                "vector": vector,
                "message_id": e.message_id,
            }
            for e, vector in zip(exchanges, vectors, strict=True)
        ]
        await self._table.add(rows)
        self._writes += 1
        self.writes_total += 1

    async def delete(self, exchange_id: str) -> bool:
        """Remove for good, from the files too. False if there is none.

        LanceDB only marks a deleted row, so what remains is written anew and the older
        versions go. That takes as long as the table is large; it is an operator's request.
        """
        return await self._delete(f"id = {_quoted(exchange_id)}")

    async def forget(self, author_ids: Sequence[str], message_ids: Sequence[str]) -> None:
        """Remove all of these authors, and these lines, as ``delete`` does."""
        for column, values in (("author_id", author_ids), ("message_id", message_ids)):
            for at in range(0, len(values), _NAMED_AT_ONCE):
                named = ", ".join(map(_quoted, values[at : at + _NAMED_AT_ONCE]))
                await self._delete(f"{column} IN ({named})")

    async def _delete(self, where: str) -> bool:
        if not await self._table.count_rows(where):
            return False
        rest = await self._table.query().where(f"({where}) IS NOT TRUE").to_arrow()
        await self._table.add(rest, mode="overwrite")
        await self._table.optimize(cleanup_older_than=_AT_ONCE)
        self._writes = 0
        return True

    async def count(self) -> int:
        total: int = await self._table.count_rows()
        return total

    async def compact_if_due(self) -> bool:
        """After many writes: merge fragments and drop old versions."""
        if self._writes < COMPACT_EVERY_WRITES:
            return False
        await self.compact()
        return True

    async def compact(self) -> None:
        self._writes = 0
        await self._table.optimize(cleanup_older_than=KEEP_VERSIONS)

    def close(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _import() -> Any:
    import lancedb  # noqa: PLC0415  (seconds)

    return lancedb


def _exchange(row: dict[str, Any]) -> Exchange:
    return Exchange(
        id=row["id"],
        text=row["text"],
        who=row["who"],
        author_id=row["author_id"],
        persona=row["persona"],
        at=row["at"],
        message_id=row["message_id"] or "",
    )


def _similarity(row: dict[str, Any]) -> float:
    return float(min(1.0, max(0.0, 1.0 - row["_distance"])))


def _quoted(text: str) -> str:
    """As a literal of the query language."""
    return "'" + text.replace("'", "''") + "'"
