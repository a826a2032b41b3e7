"""Who an operator means (``platform:id``, or a name), and what is known of them. Pure.

A viewer may be known from chat, from what was decided about them, or (by ``platform:id``)
not at all.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ipc.errors import RequestFailed
from workers.chat.clean import clean
from workers.chat.ids import author_id
from workers.chat.standing import Mark, Standing
from workers.chat.viewers import Viewer, Viewers

_LISTED = 8
_COMPARED = 500  # of those who are not here now; comparing takes time
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """``name`` is for people, ``raw_id`` what the platform calls them."""

    id: str
    name: str
    login: str = ""

    @property
    def platform(self) -> str:
        return self.id.partition(":")[0]

    @property
    def raw_id(self) -> str:
        return self.id.partition(":")[2]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


def find(typed: str, viewers: Viewers, standing: Standing, platforms: Collection[str]) -> Person:
    """The one viewer meant. Raises RequestFailed with the candidates, or with what is near."""
    text = clean(typed, _LONGEST).text
    if not text:
        raise RequestFailed("who? the viewer is empty", "give platform:id or a name")
    platform, colon, rest = text.partition(":")
    platform, rest = platform.lower(), rest.strip()
    if colon and rest:  # the platform of somebody banned may not be configured any more
        if (person := _known(author_id(platform, rest), viewers, standing)) is not None:
            return person
        if platform in platforms:
            return _on(platform, rest, viewers, standing)
    named = _named(text, viewers, standing)
    if len(named) == 1:
        return named[0]
    if named:
        raise RequestFailed(
            f"{len(named)} viewers are called {text!r}: {_listed(named)}",
            "say which one by its platform:id",
        )
    raise RequestFailed(
        f"no viewer called {text!r} is known",
        f"{_near(text, viewers, standing)}anybody can be named by platform:id "
        f"(platforms: {', '.join(sorted(platforms))})",
    )


def _known(wanted: str, viewers: Viewers, standing: Standing) -> Person | None:
    """By the id; this is what keys and scripts use, and it must not take long."""
    if (viewer := viewers.get(wanted)) is not None:
        return Person(wanted, viewer.name, viewer.login)
    if standing.knows(wanted):
        mark = standing.get(wanted)
        return Person(wanted, mark.name, mark.login)
    return None


def _on(platform: str, rest: str, viewers: Viewers, standing: Standing) -> Person:
    """The name, if one viewer there has it; else somebody unseen, by the id."""
    named = [p for p in _named(rest, viewers, standing) if p.platform == platform]
    if len(named) > 1:
        raise RequestFailed(
            f"{len(named)} viewers of {platform} are called {rest!r}: {_listed(named)}",
            "say which one by its platform:id",
        )
    return named[0] if named else Person(author_id(platform, rest), "")


def _named(text: str, viewers: Viewers, standing: Standing) -> list[Person]:
    """Whoever is called so now, or else was called so before."""
    wanted = {text.casefold(), text.removeprefix("@").casefold()}
    now: dict[str, Person] = {}
    before: dict[str, Person] = {}
    for viewer in viewers:
        if viewer.name.casefold() in wanted or viewer.login.casefold() in wanted:
            now[viewer.id] = Person(viewer.id, viewer.name, viewer.login)
        elif viewer.names and any(name.casefold() in wanted for name in viewer.names):
            before[viewer.id] = Person(viewer.id, viewer.name, viewer.login)
    for mark in standing:
        if mark.name.casefold() in wanted or mark.login.casefold() in wanted:
            calls_itself_otherwise = viewers.get(mark.id) is not None
            known = before if calls_itself_otherwise else now
            known.setdefault(mark.id, Person(mark.id, mark.name, mark.login))
    return list((now or before).values())


def _near(text: str, viewers: Viewers, standing: Standing) -> str:
    names = [name for viewer in viewers for name in (viewer.name, viewer.login) if name]
    names += [mark.name for mark in standing if mark.name][-_COMPARED:]
    plain = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(text.casefold(), plain, n=3)
    return f"did you mean {' or '.join(repr(plain[name]) for name in near)}? " if near else ""


def _listed(people: list[Person]) -> str:
    shown = ", ".join(f"{person.id} ({person.name})" for person in people[:_LISTED])
    more = len(people) - _LISTED
    return shown + (f" and {more} more" if more > 0 else "")


# --- what is shown of them: plain data ---


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
                {"message_id": show_id, "text": text, "at": at} for show_id, text, at in viewer.said
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
