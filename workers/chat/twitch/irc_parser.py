"""Bytes to IRC messages: RFC 1459 lines with IRCv3 tags, as Twitch sends them.

Nothing here raises, whatever comes in: a line that is no message is None. Why this is not a
library: docs/decisions/0011-own-irc-tokeniser.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE_BYTES = 16_384  # 8 kB of tags and 500 characters of four bytes, with room

_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_MEANING = {":": ";", "s": " ", "r": "\r", "n": "\n"}


@dataclass(slots=True)
class Message:
    """One line. Tag values are unescaped; ``params`` includes the trailing one."""

    tags: dict[str, str]
    source: str  # nick!user@host, or the server's name
    command: str
    params: list[str]

    @property
    def nick(self) -> str:
        """The login in ``source``; a server has its name there."""
        return self.source.partition("!")[0]

    def param(self, index: int) -> str:
        return self.params[index] if index < len(self.params) else ""


def unescape(value: str) -> str:
    r"""A tag's value as it was meant: ``\:`` is ``;``, ``\s`` a space, a lone ``\`` nothing."""
    return _ESCAPED.sub(lambda found: _MEANING.get(found[1], found[1]), value)


def parse_tags(text: str) -> dict[str, str]:
    """``a=1;b`` as {"a": "1", "b": ""}. The last one of a name counts."""
    parts = text.split(";")
    try:
        tags = dict([part.split("=", 1) for part in parts])  # pairs, or it raises
    except ValueError:  # one has no "="
        tags = {name: value for name, _, value in (part.partition("=") for part in parts)}
    if "\\" in text:
        return {name: unescape(v) if "\\" in v else v for name, v in tags.items()}
    return tags


def parse(line: str) -> Message | None:
    """A line without its end as a message; None if there is no command in it."""
    tags: dict[str, str] = {}
    if line.startswith("@"):
        text, _, line = line[1:].partition(" ")
        tags = parse_tags(text)
        line = line.lstrip(" ")
    source = ""
    if line.startswith(":"):
        source, _, line = line[1:].partition(" ")
    line, has_trailing, trailing = line.partition(" :")
    params = [part for part in line.split(" ") if part]
    if not params:
        return None
    if has_trailing:
        params.append(trailing)
    command = params.pop(0)
    if not (command.isascii() and command.isalnum()):
        return None
    return Message(tags, source, command.upper(), params)


class Lines:
    """Cuts a stream into lines, with bounded memory: a line that is too long is skipped."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._rest = bytearray()
        self._skipping = False
        self.skipped = 0  # lines that were too long

    @property
    def unfinished(self) -> int:
        """Bytes that wait for the end of their line."""
        return len(self._rest)

    def push(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes, without their ends. Bad UTF-8 becomes U+FFFD."""
        head, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._keep(data)
            return []
        if self._skipping:
            self._skipping = False
            _, _, head = head.partition(b"\n")
            self.skipped += 1
        else:
            head = bytes(self._rest) + head
        self._rest.clear()
        self._keep(rest)
        return [self._line(raw) for raw in head.decode("utf-8", "replace").split("\n")]

    def _keep(self, rest: bytes) -> None:
        if not self._skipping and len(self._rest) + len(rest) <= self._max:
            self._rest += rest
        elif rest:
            self._skipping = True
            self._rest.clear()

    def _line(self, raw: str) -> str:
        if len(raw) > self._max:
            self.skipped += 1
            return ""
        return raw.rstrip("\r")
