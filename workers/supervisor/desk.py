"""The operator plane: every request is checked, carried out or forwarded, and audited."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ipc.operator import SUPERVISOR, VERBS, Incoming, Verb, check_args
from ipc.protocol import AuditEvent, Command, CommandResult, Message, Reply, Request
from workers.supervisor.unit import Unit

_LONGEST_WAY_NS = 60_000_000_000  # a request older than this was not sent when it claims


class Backstage(Protocol):
    """What the desk needs of the service around it."""

    units: dict[str, Unit]

    def publish(self, event: Message) -> None: ...
    def send(self, unit: Unit, message: Message) -> None: ...
    def cut(self, reason: str) -> None: ...
    def status(self) -> dict[str, Any]: ...
    def snapshot(self) -> bytes: ...
    def stop(self, reason: str) -> None: ...


class Refused(Exception):
    """The sentence and the hint for whoever asked."""

    def __init__(self, error: str, hint: str = "") -> None:
        super().__init__(error, hint)
        self.error = error
        self.hint = hint


@dataclass
class _Pending:
    request: Request
    owner: str
    incarnation: int
    timer: asyncio.TimerHandle


def _sent(request: Request) -> int:
    """When it was sent; now, if the client says something that cannot be."""
    now_ns = time.monotonic_ns()
    return request.sent_ns if 0 <= now_ns - request.sent_ns <= _LONGEST_WAY_NS else now_ns


class Desk:
    """Answers each Incoming exactly once through ``reply``."""

    def __init__(self, backstage: Backstage, reply: Callable[[Reply], None]) -> None:
        self._stage = backstage
        self._reply = reply
        self._pending: dict[int, _Pending] = {}
        self._next_id = 0
        self._owed_dump = 0  # id of a dump that the director has not carried out; 0 for none

    def handle(self, incoming: Incoming) -> None:
        """A new request."""
        request = incoming.request
        try:
            verb = self._check(request)
            if verb.owner == SUPERVISOR:
                self._answer(request, self._own(verb, request))
            else:
                self._forward(verb, request)
        except Refused as refused:
            self._refuse(request, refused.error, refused.hint)

    def result(self, name: str, incarnation: int, result: CommandResult) -> None:
        """A worker's answer. Late ones and those of a stranger are dropped."""
        if result.id == self._owed_dump:
            self._owed_dump = 0
        pending = self._pending.get(result.id)
        if pending is None or (pending.owner, pending.incarnation) != (name, incarnation):
            return
        del self._pending[result.id]
        pending.timer.cancel()
        if result.error:
            self._refuse(pending.request, result.error, result.hint)
        else:
            self._answer(pending.request, result.result)

    def ready(self, name: str) -> None:
        """A worker serves again. A director that was away for a dump must not go on talking."""
        if name == "director" and self._owed_dump:
            now_ns = time.monotonic_ns()
            dump = Command(id=self._owed_dump, verb="dump", args={}, who="dump", sent_ns=now_ns)
            self._stage.send(self._stage.units[name], dump)

    def lost(self, name: str) -> None:
        """A worker's process is gone: whoever waits for it is told now."""
        for number in [n for n, p in self._pending.items() if p.owner == name]:
            pending = self._pending.pop(number)
            pending.timer.cancel()
            self._refuse(
                pending.request,
                f"{name} was lost while it worked on {pending.request.verb!r}",
                "it is started again; ask once more when it is ready",
            )

    def close(self) -> None:
        """Tell everybody who still waits that the show is over."""
        for name in {pending.owner for pending in self._pending.values()}:
            self.lost(name)

    def _check(self, request: Request) -> Verb:
        verb = VERBS.get(request.verb)
        if verb is None:
            close = difflib.get_close_matches(request.verb, VERBS, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(VERBS)}"
            raise Refused(f"there is no {request.verb[:64]!r}", hint)
        if request.readonly and verb.changes:
            raise Refused(
                f"{verb.name} changes the show; this client is read-only",
                "attach without --readonly",
            )
        if wrong := check_args(verb, request.args):
            raise Refused(wrong)
        return verb

    def _own(self, verb: Verb, request: Request) -> Any:
        if verb.name == "status":
            return self._stage.status()
        if verb.name == "snapshot":
            return {"snapshot": self._stage.snapshot()}
        if verb.name == "logs":
            unit = self._unit(request)
            return {"worker": unit.name, "lines": unit.journal.lines()}
        if verb.name == "restart":
            unit = self._unit(request)
            if not unit.section.enabled:
                raise Refused(
                    f"{unit.name} is switched off in the configuration",
                    f"set {unit.name}.enabled = true and start the show again",
                )
            unit.restart(f"restarted by {request.who or 'an operator'}")
            return {"worker": unit.name, "incarnation": unit.incarnation}
        assert verb.name == "stop"
        self._stage.stop(f"stopped by {request.who or 'an operator'}")
        return {"stopping": True}

    def _unit(self, request: Request) -> Unit:
        name = request.args["worker"]
        unit = self._stage.units.get(name)
        if unit is None:
            raise Refused(f"there is no worker {name[:64]!r}", f"there is {self._names()}")
        return unit

    def _names(self) -> str:
        return ", ".join(self._stage.units)

    def _forward(self, verb: Verb, request: Request) -> None:
        owner = self._stage.units[verb.owner]
        self._next_id += 1
        number = self._next_id
        if verb.name == "dump":
            self._stage.cut("dump")  # silence first, whoever answers
            self._owed_dump = number
        if not owner.reachable:
            if verb.name == "skip":
                self._stage.cut("skip")
            if verb.name in ("skip", "dump"):
                note = f"the sound was killed; {owner.name} is {owner.state} and has no more to cut"
                note += "; it will be held when it is back" * (verb.name == "dump")
                self._answer(request, {"note": note})
                return
            raise Refused(
                f"{verb.name}: {owner.name} is {owner.state}",
                owner.reason or "wait until it is ready; spark-tui status shows how far it is",
            )
        limit_s = min(request.timeout_s, verb.timeout_s)
        timer = asyncio.get_running_loop().call_later(
            max(0.0, limit_s), self._late, number, limit_s
        )
        self._pending[number] = _Pending(request, owner.name, owner.incarnation, timer)
        self._stage.send(
            owner,
            Command(
                id=number,
                verb=verb.name,
                args=request.args,
                who=request.who,
                sent_ns=_sent(request),
            ),
        )

    def _late(self, number: int, limit_s: float) -> None:
        pending = self._pending.pop(number)
        self._refuse(
            pending.request,
            f"{pending.owner} did not answer {pending.request.verb!r} within {limit_s:g} s",
            "spark-tui status shows which worker is in trouble",
        )

    def _answer(self, request: Request, result: Any) -> None:
        self._reply(Reply(id=request.id, result=result))
        self._audit(request, "")

    def _refuse(self, request: Request, error: str, hint: str) -> None:
        self._reply(Reply(id=request.id, error=error, hint=hint))
        self._audit(request, error)

    def _audit(self, request: Request, error: str) -> None:
        verb = VERBS.get(request.verb)
        if verb is not None and verb.changes:
            self._stage.publish(
                AuditEvent(
                    who=request.who,
                    verb=request.verb,
                    args=request.args,
                    ok=not error,
                    error=error,
                    at=time.time(),
                )
            )
