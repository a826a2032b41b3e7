"""The ids of lines and viewers inside the show: ``platform:id``, bounded, safe to print. Pure."""

from __future__ import annotations

import hashlib

from workers.chat.clean import clean

_LONGEST = 100


def message_id(platform: str, raw: str) -> str:
    """The same for the same line, however often it comes."""
    if len(raw) <= _LONGEST and raw.isascii() and raw.isprintable() and " " not in raw:
        return f"{platform}:{raw}"
    return f"{platform}:~{_hash(raw)}"


def author_id(platform: str, raw: str) -> str:
    """What bans and memories go by. Where a platform's id is the name, it may have spaces."""
    if len(raw) <= _LONGEST and raw.isascii() and raw.isprintable() and " " not in raw:
        return f"{platform}:{raw}"
    cleaned = clean(raw, _LONGEST + 1).text
    return f"{platform}:{cleaned if len(cleaned) <= _LONGEST else '~' + _hash(raw)}"


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:32]
