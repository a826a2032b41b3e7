"""The operator's verbs about lines and viewers: first here, then on the platform.

Here means: the director is told before anything is waited for, then the decision is written
to disk, then the platform is asked. What the platform refuses stays in force here, and the
answer says so.
"""

from __future__ import annotations

import math
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ipc.errors import RequestFailed
from ipc.protocol import Command, Removed
from workers.chat.clean import clean
from workers.chat.deeds import DONE, Deeds, within_s
from workers.chat.ids import author_id, message_id
from workers.chat.ledger import Ledger
from workers.chat.lookup import Person, describe, find, listing
from workers.chat.platform import Platform, ReadOnly, Removal
from workers.chat.standing import LONGEST_S, OPERATOR, Mark, Standing, StandingFile
from workers.chat.viewers import Viewers

KEPT = 50
TIMEOUT_S = 600  # what moderators are used to
_REASON_CHARS = 300
_UNTOLD_S = 10  # a timeout whose length the platform does not tell: lines that were on their way
_TYPED_TIME = re.compile(r"([0-9]+)([smhdw]?)", re.IGNORECASE)
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Told:
    """What moderation tells the rest of the worker; nothing of it waits."""

    removed: Callable[[Removed], None]
    notice: Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb did. ``before`` is the viewer's standing that comes back; None: it cannot."""

    verb: str
    person: Person
    before: Mark | None

    def __str__(self) -> str:
        return f"{self.verb} of {self.person}"


class Undo:
    """What the operator did to viewers in this run: the newest KEPT changes."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque(maxlen=KEPT)

    def did(self, change: Change) -> None:
        self._changes.append(change)

    def take(self) -> Change | None:
        """The last change, which is no longer kept."""
        return self._changes.pop() if self._changes else None

    @property
    def next(self) -> Change | None:
        """What the next undo would undo."""
        return self._changes[-1] if self._changes else None


class Moderation:
    """Answers the verbs of ``VERBS``; ``platforms`` may be filled later."""

    def __init__(
        self,
        standing: Standing,
        file: StandingFile,
        viewers: Viewers,
        ledger: Ledger,
        platforms: Mapping[str, Platform],
        deeds: Deeds,
        told: Told,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._standing = standing
        self._file = file
        self._viewers = viewers
        self._ledger = ledger
        self._platforms = platforms
        self._deeds = deeds
        self._told = told
        self._wall_s = wall_s
        self._undo = Undo()
        self._verbs: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "delete": self._delete,
            "timeout": self._timeout,
            "ban": self._ban,
            "unban": self._unban,
            "trust": self._trust,
            "untrust": self._untrust,
            "undo": self._undo_last,
            "viewer": self._viewer,
            "bans": self._bans,
        }

    def knows(self, verb: str) -> bool:
        return verb in self._verbs

    async def carry_out(self, command: Command) -> dict[str, Any]:
        """The verb's result. Raises RequestFailed if nothing was done."""
        return await self._verbs[command.verb](command.args)

    def platform_removed(self, name: str, removal: Removal) -> None:
        """A platform took something back; what its moderators decide counts here too."""
        reason = clean(removal.reason, _REASON_CHARS).text or f"removed on {name}"
        if removal.everything:
            self._told.removed(Removed(platform=name, everything=True, reason=reason))
        if removal.author_id:
            person = self._person(author_id(name, removal.author_id))
            before = self._standing.get(person.id)
            ours = before.by == OPERATOR and (before.banned or not removal.banned)
            if not (ours and _silent(before)):  # else it is the echo of an operator's deed
                told_s = removal.seconds if removal.seconds > 0 else _UNTOLD_S
                seconds = 0 if removal.banned else min(told_s, LONGEST_S)
                self._standing.put(self._silenced(before, person, seconds, name, reason))
            forget = removal.banned
            self._told.removed(
                Removed(platform=name, author_id=person.id, forget=forget, reason=reason)
            )
        if removal.ids:
            show_ids = self._ledger.remove(name, removal.ids)
            self._told.removed(Removed(platform=name, message_ids=show_ids, reason=reason))

    # --- verbs ---

    async def _delete(self, args: dict[str, Any]) -> dict[str, Any]:
        show_id = str(args["message_id"]).strip()
        name, _, raw = show_id.partition(":")
        place = self._ledger.find(show_id)
        ours = name in self._platforms and raw != "" and message_id(name, raw) == show_id
        if place is None and not ours:
            raise RequestFailed(
                f"no chat line {show_id[:100]!r} is known", "it may have come too long ago"
            )
        person = self._person(place.author_id) if place is not None else Person("", "")
        self._ledger.remove(name, [raw])
        self._told.removed(
            Removed(platform=name, message_ids=[show_id], reason="deleted by the operator")
        )
        self._undo.did(Change("delete", person, None))
        delete_id = place.delete_id if place is not None else raw
        return await self._and_there(
            {"viewer": person.id, "message_id": show_id, "here": "deleted"},
            "delete",
            name,
            show_id,
            lambda platform: platform.delete(delete_id),
        )

    async def _timeout(self, args: dict[str, Any]) -> dict[str, Any]:
        seconds = args.get("seconds")
        first, _, rest = str(args.get("reason") or "").partition(" ")
        if seconds is None and (typed := _TYPED_TIME.fullmatch(first)):  # as moderators type it
            seconds = int(typed[1][:9]) * _UNIT_S[typed[2].lower()]
            args = args | {"reason": rest}
        seconds = TIMEOUT_S if seconds is None else int(seconds)
        if not 1 <= seconds <= LONGEST_S:
            raise RequestFailed(
                f"a timeout of {seconds} s cannot be", f"it lasts 1 to {LONGEST_S} seconds"
            )
        return await self._silence("timeout", args, seconds)

    async def _ban(self, args: dict[str, Any]) -> dict[str, Any]:
        return await self._silence("ban", args, 0)

    async def _silence(self, verb: str, args: dict[str, Any], seconds: int) -> dict[str, Any]:
        person = self._find(args)
        reason = clean(str(args.get("reason") or ""), _REASON_CHARS).text
        before = self._standing.get(person.id)
        mark = self._silenced(before, person, seconds, OPERATOR, reason)
        if not (before.banned and mark.banned):  # else undoing it would change nothing
            self._undo.did(Change(verb, person, before))
        return await self._apply(verb, person, mark)

    async def _unban(self, args: dict[str, Any]) -> dict[str, Any]:
        person = self._find(args)
        before = self._standing.get(person.id)
        if _silent(before):
            self._undo.did(Change("unban", person, before))
        result = await self._apply("unban", person, _freed(before))
        return result if _silent(before) else result | {"here": "was not banned"}

    async def _trust(self, args: dict[str, Any]) -> dict[str, Any]:
        return await self._set_trust("trust", self._find(args), trusted=True)

    async def _untrust(self, args: dict[str, Any]) -> dict[str, Any]:
        return await self._set_trust("untrust", self._find(args), trusted=False)

    async def _undo_last(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 it takes none
        last = self._undo.take()
        if last is None:
            raise RequestFailed("there is nothing to undo", "what was done before this run stays")
        if last.before is None:
            more = self._undo.next
            raise RequestFailed(
                f"the last was a deletion ({last.person or 'of a line'}), which cannot be undone",
                f"undo again for the {more}" if more is not None else "nothing else is left",
            )
        if last.verb in ("trust", "untrust"):
            result = await self._set_trust("", last.person, trusted=last.before.trusted)
        else:
            now = self._standing.get(last.person.id)
            mark = msgspec.structs.replace(last.before, trusted=now.trusted)
            result = await self._apply("undo", last.person, mark)
        return {"undone": last.verb} | result

    async def _viewer(self, args: dict[str, Any]) -> dict[str, Any]:
        person = self._find(args)
        viewer = self._viewers.get(person.id)
        return describe(person, viewer, self._standing.get(person.id), self._wall_s())

    async def _bans(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 it takes none
        return listing(self._standing.listing(), self._wall_s())

    # --- what they share ---

    def _find(self, args: dict[str, Any]) -> Person:
        person = find(str(args["viewer"]), self._viewers, self._standing, self._platforms.keys())
        known = self._viewers.get(person.id) is not None or self._standing.knows(person.id)
        platform = self._platforms.get(person.platform)
        numbered = platform is not None and platform.numbered_viewers
        if numbered and not known and not person.raw_id.isdigit():
            name = person.platform
            raise RequestFailed(
                f"{person.raw_id[:40]!r} has not written on {name} since chat was started, "
                "and nobody is known by a name alone",
                f"give {name}:NUMBER, the viewer's user id there, or wait for a line of theirs",
            )
        return person

    def _person(self, viewer_id: str) -> Person:
        viewer = self._viewers.get(viewer_id)
        return Person(viewer_id, viewer.name, viewer.login) if viewer else Person(viewer_id, "")

    def _silenced(self, before: Mark, person: Person, seconds: int, by: str, reason: str) -> Mark:
        """For good if ``seconds`` is 0."""
        now_s = self._wall_s()
        return msgspec.structs.replace(
            before,
            name=person.name or before.name,
            login=person.login or before.login,
            banned=seconds == 0,
            until=now_s + seconds if seconds else 0.0,
            seconds=seconds,
            by=by,
            reason=reason,
            at=now_s,
        )

    async def _apply(self, verb: str, person: Person, mark: Mark) -> dict[str, Any]:
        """Put it in force: here at once, then on disk, then on the platform."""
        self._put(mark)
        mark = self._standing.get(mark.id)
        left_s = math.ceil(mark.until - self._wall_s()) if mark.until else 0
        if _silent(mark):
            self._told.removed(removed_by(mark))
        here = "banned" if mark.banned else f"silenced for {left_s} s" if left_s else "may speak"
        await self._file.save()

        def deed(platform: Platform) -> Awaitable[None]:
            if mark.banned:
                return platform.ban(person.raw_id, mark.reason)
            if left_s:
                return platform.timeout(person.raw_id, left_s, mark.reason)
            return platform.unban(person.raw_id)

        result = {"viewer": person.id, "name": person.name, "here": here}
        return await self._and_there(result, verb, person.platform, person.id, deed)

    async def _set_trust(self, verb: str, person: Person, *, trusted: bool) -> dict[str, Any]:
        before = self._standing.get(person.id)
        if verb and before.trusted != trusted:
            self._undo.did(Change(verb, person, before))
        name, login = person.name or before.name, person.login or before.login
        self._put(msgspec.structs.replace(before, trusted=trusted, name=name, login=login))
        await self._file.save()
        here = "trusted" if trusted else "not trusted"
        return self._with_problem({"viewer": person.id, "name": person.name, "here": here})

    def _put(self, mark: Mark) -> None:
        for gone in self._standing.put(mark):
            self._told.notice(
                "warning",
                f"too many viewers are banned or trusted: {gone.name or gone.id} no longer is here",
                "spark-tui ctl bans lists them; unban or untrust some",
            )

    async def _and_there(
        self,
        result: dict[str, Any],
        verb: str,
        name: str,
        about: str,
        deed: Callable[[Platform], Awaitable[None]],
    ) -> dict[str, Any]:
        """The same deed on the platform; what it says is added to the result, and ``refused``
        if it was to happen there and did not."""
        said, hint = await self._deeds.do(name, about, within_s(verb), deed)
        refused = said != DONE and not isinstance(self._platforms.get(name), ReadOnly)
        if refused:
            whom = result.get("name") or result.get("viewer") or about
            text = f"{verb}: {whom}: {result['here']} here; on {name} {said}"
            self._told.notice("warning", text, hint)
        result |= {"platform": said} | ({"refused": True} if refused else {})
        return self._with_problem(result)

    def _with_problem(self, result: dict[str, Any]) -> dict[str, Any]:
        problem = self._file.problem
        return result | {"problem": problem} if problem else result


def removed_by(mark: Mark) -> Removed:
    """What the director is told of somebody who is banned or silenced."""
    reason = mark.reason or ("banned" if mark.banned else "silenced")
    return Removed(
        platform=mark.platform,
        author_id=mark.id,
        forget=mark.banned,
        reason=f"{reason} by {'the operator' if mark.by == OPERATOR else mark.by}",
    )


def _silent(mark: Mark) -> bool:
    return mark.banned or bool(mark.until)


def _freed(mark: Mark) -> Mark:
    return msgspec.structs.replace(
        mark, banned=False, until=0.0, seconds=0, by="", reason="", at=0.0
    )
