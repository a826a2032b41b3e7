"""Who an operator means: ``platform:id``, or the name of a viewer. Pure.

A viewer may be known from chat, from what was decided about them, or (by ``platform:id``)
not at all.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

from ipc.errors import RequestFailed
from workers.chat.clean import clean
from workers.chat.ids import author_id
from workers.chat.standing import Standing
from workers.chat.viewers import Viewers

_LISTED = 8
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """``name`` is for people, ``raw_id`` what the platform calls them."""

    id: str
    name: str
    login: str = ""
    earlier: tuple[str, ...] = ()

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
    if colon and rest and platform in platforms:
        wanted = author_id(platform, rest)
        return _known(wanted, viewers, standing) or _on(platform, rest, viewers, standing)
    people = list(_people(viewers, standing).values())
    named = _named(text, people)
    if len(named) == 1:
        return named[0]
    if named:
        raise RequestFailed(
            f"{len(named)} viewers are called {text!r}: {_listed(named)}",
            "say which one by its platform:id",
        )
    names = {_plain(name): name for person in people for name in _names(person)}
    near = difflib.get_close_matches(_plain(text), names, n=3)
    known = ", ".join(sorted(platforms))
    raise RequestFailed(
        f"no viewer called {text!r} is known",
        (f"did you mean {' or '.join(repr(names[name]) for name in near)}? " if near else "")
        + f"anybody can be named by platform:id (platforms: {known})",
    )


def _people(viewers: Viewers, standing: Standing) -> dict[str, Person]:
    people = {mark.id: Person(mark.id, mark.name, mark.login) for mark in standing.listing()}
    for viewer in viewers:
        people[viewer.id] = Person(viewer.id, viewer.name, viewer.login, tuple(viewer.names))
    return people


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
    people = _people(viewers, standing).values()
    named = _named(rest, [person for person in people if person.platform == platform])
    if len(named) > 1:
        raise RequestFailed(
            f"{len(named)} viewers of {platform} are called {rest!r}: {_listed(named)}",
            "say which one by its platform:id",
        )
    return named[0] if named else Person(author_id(platform, rest), "")


def _named(text: str, people: list[Person]) -> list[Person]:
    """Whoever is called so now, or else was called so before."""
    wanted = {_plain(text), _plain(text.removeprefix("@"))}
    now = [p for p in people if _plain(p.name) in wanted or (p.login and _plain(p.login) in wanted)]
    return now or [p for p in people if any(_plain(name) in wanted for name in p.earlier)]


def _names(person: Person) -> list[str]:
    return [name for name in (person.name, person.login) if name]


def _plain(name: str) -> str:
    return name.casefold()  # it is clean already


def _listed(people: list[Person]) -> str:
    shown = ", ".join(f"{person.id} ({person.name})" for person in people[:_LISTED])
    more = len(people) - _LISTED
    return shown + (f" and {more} more" if more > 0 else "")
