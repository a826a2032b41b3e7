"""What an operator is shown of viewers: plain data. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from workers.chat.naming import Person
from workers.chat.standing import Mark
from workers.chat.viewers import Viewer


def describe(person: Person, viewer: Viewer | None, mark: Mark, now_s: float) -> dict[str, Any]:
    """One viewer. Times are wall-clock seconds; ``said`` and ``found`` have the newest last."""
    known: dict[str, Any] = {
        "viewer": person.id,
        "platform": person.platform,
        "name": person.name or mark.name,
        "login": person.login or mark.login,
        "names": [],
        "first_seen": 0.0,
        "last_seen": 0.0,
        "lines": 0,
        "hits": 0,
        "found": [],
        "said": [],
    }
    if viewer is not None:
        known |= {
            "names": [viewer.name, *reversed(viewer.names)],
            "first_seen": viewer.first_seen,
            "last_seen": viewer.last_seen,
            "lines": viewer.lines,
            "hits": viewer.hits,
            "found": [{"why": why, "at": at} for why, at in viewer.found],
            "said": [
                {"message_id": number, "text": text, "at": at} for number, text, at in viewer.said
            ],
        }
    return known | {
        "banned": mark.banned,
        "silenced_s": _left_s(mark, now_s),
        "trusted": mark.trusted,
        "by": mark.by,
        "reason": mark.reason,
        "since": mark.at,
    }


def listing(marks: Sequence[Mark], now_s: float) -> dict[str, Any]:
    """Everybody who has a standing, the newest last."""
    return {
        "banned": [_short(mark) for mark in marks if mark.banned],
        "silenced": [
            _short(mark) | {"silenced_s": _left_s(mark, now_s)} for mark in marks if mark.until
        ],
        "trusted": [_short(mark) for mark in marks if mark.trusted],
    }


def _short(mark: Mark) -> dict[str, Any]:
    return {
        "viewer": mark.id,
        "name": mark.name,
        "by": mark.by,
        "reason": mark.reason,
        "since": mark.at,
    }


def _left_s(mark: Mark, now_s: float) -> int:
    return max(0, math.ceil(mark.until - now_s)) if mark.until else 0
