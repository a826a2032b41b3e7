"""The director as a process: sockets, one timer, and commands that wait."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar

import msgspec

from ipc.errors import RequestFailed
from ipc.fence import Fence
from ipc.operator import VERBS
from ipc.protocol import Cancel, Command, Message, Peer, Playback
from ipc.states import WorkerState
from workers.director.core import Director
from workers.director.reports import Outcome
from workers.runtime import Link, Worker

OUTCOME_WITHIN_S = VERBS["outcome"].timeout_s


class LinkPort:
    """``workers.director.port.Port`` on a Link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.publish = link.publish
        self.notice = link.notice
        self.cancel = link.cancel
        self.open_turn = link.open_turn

    @property
    def fence(self) -> Fence:
        return self._link.fence

    def send(self, worker: str, message: Message) -> bool:
        return self._link.send(worker, message)

    def problem(self, text: str) -> None:
        self._link.problem = text

    def state_of(self, worker: str) -> WorkerState:
        return self._link.state_of(worker)

    def now_ns(self) -> int:
        return time.monotonic_ns()


class DirectorWorker(Worker):
    """Passes everything to the core at once, on the event loop, and wakes it in time."""

    name = "director"
    # what was heard of a reply that was cut is told after its turn was fenced
    hears_fenced: ClassVar[tuple[type[Message], ...]] = (Playback,)

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._core: Director | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns: int | None = None
        self._waiting: dict[str, set[asyncio.Future[Outcome]]] = {}
        self._quiet = asyncio.Event()

    async def load(self) -> dict[str, str]:
        core = Director(self.link.config, self.link.state_dir, LinkPort(self.link))
        core.reports.on_outcome = self._settled
        core.reports.awaited = self._waiting.__contains__
        core.start(list(self.link.peers.values()))
        self._core = core
        self._after(core)
        return {"personas": ", ".join(core.personas.keys)}

    def receive(self, message: Message, payload: bytes) -> None:  # noqa: ARG002 no message has one
        if (core := self._core) is not None:
            core.receive(message)
            self._after(core)

    def cancelled(self, cancel: Cancel) -> None:
        if (core := self._core) is not None:
            core.cancelled(cancel)
            self._after(core)

    def peer_changed(self, peer: Peer) -> None:
        if (core := self._core) is not None:
            core.peer_changed(peer)
            self._after(core)

    async def command(self, command: Command) -> Any:
        core = self._core
        if core is None:
            raise RequestFailed("the director is still loading", "try again in a moment")
        if command.verb == "outcome":
            return await self._outcome(core, str(command.args["message_id"]))
        try:
            result = self._do(core, command)
        finally:
            self._after(core)
        if VERBS[command.verb].changes and isinstance(result, dict) and core.unsaved:
            result["problem"] = core.unsaved  # the deed is done, for now
        return result

    async def drain(self) -> None:
        if (core := self._core) is not None:
            core.drain()
            self._after(core)
            await self._quiet.wait()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._core is not None:
            self._core.close()

    def _do(self, core: Director, command: Command) -> Any:
        args = command.args
        match command.verb:
            case "hold":
                core.hold("held by the operator")
            case "release":
                core.release()
            case "mute" | "unmute":
                core.mute(muted=command.verb == "mute")
            case "skip":
                return {"turn": core.skip()}
            case "dump":
                return {"cleared": core.dump()}
            case "persona":
                return {"persona": core.set_persona(str(args["name"]))}
            case "say":
                return {"turn": core.say(str(args["text"]), command.sent_ns)}
            case "whisper":
                return {"whisper": core.whisper(str(args["text"]))}
            case "topic":
                return {"topic": core.set_topic(str(args.get("text") or ""))}
            case "slow":
                return {"slow_s": core.set_slow(args["seconds"])}
            case "delay":
                return {"delay_s": core.set_delay(args["seconds"])}
            case "mode":
                mode = core.set_mode(str(args["name"]))
                return {"mode": str(mode), "persona": core.show.persona}
            case "barge":
                return {"barge": core.set_barge(str(args["name"]))}
            case "queue":
                return core.listing()
            case "next":
                core.answer_next(str(args["message_id"]))
                return {"next": args["message_id"]}
            case "drop":
                core.drop(str(args["message_id"]))
                return {"dropped": args["message_id"]}
            case "approvals":
                return [msgspec.to_builtins(item) for item in core.approvals_event().items]
            case "approve":
                return {"approved": core.approve(str(args["id"]), str(args.get("text") or ""))}
            case "deny":
                return {"denied": core.deny(str(args["id"]))}
            case _:
                raise RequestFailed(f"director does not know {command.verb!r}")
        return {"held": core.show.held, "muted": core.show.muted}

    async def _outcome(self, core: Director, message_id: str) -> Outcome:
        if known := core.reports.outcomes.get(message_id):
            return known
        if why := core.cannot_answer(message_id):
            raise RequestFailed(*why)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(message_id, set())
        waiting.add(future)
        try:
            # nobody waits longer: a line that never comes must not be waited for either
            async with asyncio.timeout(OUTCOME_WITHIN_S):
                return await future
        except TimeoutError:
            raise RequestFailed(
                f"nothing became of the line {message_id!r} in {OUTCOME_WITHIN_S:g} s",
                "was it sent to this show?",
            ) from None
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(message_id, None)

    def _settled(self, message_id: str, outcome: Outcome) -> None:
        for future in self._waiting.get(message_id, ()):
            if not future.done():
                future.set_result(outcome)

    def _after(self, core: Director) -> None:
        """Follow the core: its timer, those who wait in vain, the end of the last turn."""
        if self._waiting and core.cannot_answer():
            for message_id, futures in self._waiting.items():
                if why := core.cannot_answer(message_id):
                    for future in futures:
                        if not future.done():
                            future.set_exception(RequestFailed(*why))
        if core.turns:
            self._quiet.clear()
        else:
            self._quiet.set()
        if core.wake_ns != self._timer_ns:
            self._timer_ns = core.wake_ns
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if core.wake_ns is not None:
                delay_s = max(0.0, (core.wake_ns - time.monotonic_ns()) / 1e9)
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(delay_s, self._tick, core)

    def _tick(self, core: Director) -> None:
        self._timer = self._timer_ns = None
        core.tick()
        self._after(core)
