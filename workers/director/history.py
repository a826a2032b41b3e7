"""What was said, as it was heard. Each personality remembers her own exchanges.

Append-only between two trims, and a trim takes a whole block: the prompt's beginning
stays the same for several turns, so the language model's prefix cache hits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from ipc.files import replace

CUT_MARK = "—"  # ends a reply that was cut off


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One question and the part of its answer that was audible."""

    persona: str
    author: str
    text: str
    reply: str
    source: str = "chat"
    event: str = ""  # what the viewer did, if it was more than to write
    crowd: bool = False  # many viewers at once
    # what is removed goes by these
    message_ids: list[str] = []
    author_ids: list[str] = []
    quotes: list[str] = []  # the same of the memories that were in its prompt


class History:
    """The last exchanges of each personality, journalled so that a restart remembers them.

    The journal is rewritten when it has grown to several times what is kept. It is its
    owner's alone: it holds what viewers wrote.
    """

    def __init__(self, path: Path, turns: int, trim: int) -> None:
        self._path = path
        self._turns = turns
        self._trim = min(trim, turns)
        self._exchanges: dict[str, list[Exchange]] = {}
        self._lines = 0
        self.changed = False  # the journal has what should be gone: ``save`` is due
        for exchange in self._read():
            self._append(exchange)
            self._lines += 1

    def of(self, persona: str) -> list[Exchange]:
        """Oldest first."""
        return list(self._exchanges.get(persona, ()))

    def all(self) -> list[Exchange]:
        """Of everybody."""
        return [exchange for known in self._exchanges.values() for exchange in known]

    def with_next(self, exchange: Exchange | None, persona: str) -> list[Exchange]:
        """As ``of``, as if ``exchange`` had been added already."""
        known = self.of(persona)
        if exchange is None or exchange.persona != persona or not exchange.reply:
            return known
        return self._trimmed([*known, exchange])

    def add(self, exchange: Exchange) -> None:
        """Raises OSError when it cannot be journalled; it is remembered all the same."""
        self._append(exchange)
        if self._lines >= 4 * max(self._turns, 8):
            self._rewrite(durable=False)
        else:
            with open(self._path, "ab", opener=_private) as file:
                file.write(msgspec.json.encode(exchange) + b"\n")
            self._lines += 1

    def remove(self, gone: Callable[[Exchange], bool]) -> list[Exchange]:
        """Take out every exchange for which ``gone`` is true; ``save`` does so in the file."""
        removed = [one for one in self.all() if gone(one)]
        if removed:
            for persona, known in self._exchanges.items():
                self._exchanges[persona] = [one for one in known if not gone(one)]
        if removed or self._lines > sum(map(len, self._exchanges.values())):
            self.changed = True  # the journal may hold some that are no longer kept here
        return removed

    def save(self) -> None:
        """Write the journal anew, and wait for the disk: what was removed must not come back.
        Raises OSError."""
        self._rewrite(durable=True)
        self.changed = False

    def _append(self, exchange: Exchange) -> None:
        known = [*self._exchanges.get(exchange.persona, ()), exchange]
        self._exchanges[exchange.persona] = self._trimmed(known)

    def _trimmed(self, exchanges: list[Exchange]) -> list[Exchange]:
        return exchanges[self._trim :] if len(exchanges) > self._turns else exchanges

    def _read(self) -> list[Exchange]:
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        exchanges = []
        for line in lines:
            try:
                exchanges.append(msgspec.json.decode(line, type=Exchange))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # a crash can leave half a line
        if lines and len(exchanges) < len(lines):
            self._write(exchanges)
        return exchanges

    def _rewrite(self, *, durable: bool) -> None:
        kept = self.all()
        self._write(kept, durable=durable)
        self._lines = len(kept)

    def _write(self, exchanges: list[Exchange], *, durable: bool = False) -> None:
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in exchanges)
        replace(self._path, lines, durable=durable)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
