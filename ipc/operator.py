"""Operator plane: what a person may ask of the show, and how.

``VERBS`` is the one list of operator commands. ``spark-tui ctl``, the keys and the
palette of the terminal UI, the audit log and ``docs/keys.md`` are all made from it.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zmq

from ipc.codec import decode, encode
from ipc.endpoints import Endpoints
from ipc.errors import ProtocolError, RequestFailed, RequestTimeout
from ipc.protocol import Reply, Request
from ipc.sockets import Channel, Frames

SUPERVISOR = "supervisor"
_AGAIN_S = 2.0


@dataclass(frozen=True)
class Param:
    """One argument of a verb. ``rest`` takes all remaining words of a command line."""

    name: str
    kind: type = str
    required: bool = True
    rest: bool = False
    help: str = ""


@dataclass(frozen=True)
class Verb:
    """One thing an operator can ask for; ``owner`` is the process that does it."""

    name: str
    owner: str
    summary: str
    params: tuple[Param, ...] = ()
    changes: bool = True  # refused to read-only clients, and audited
    timeout_s: float = 5.0


_WORKER = Param("worker", help="name of a worker")
_LINE = Param("message_id", help="id of a chat line")
_VIEWER = Param("viewer", help="platform:id, or a name if only one viewer has it")
_REASON = Param("reason", required=False, rest=True, help="for the platform and the audit log")

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        # steering
        Verb("hold", "director", "Finish this reply, then start no new one"),
        Verb("release", "director", "Go on answering"),
        Verb("mute", "director", "No sound; captions go on"),
        Verb("unmute", "director", "Sound again"),
        Verb("skip", "director", "Cut the reply that is being spoken"),
        Verb("dump", "director", "Kill the sound now, clear every queue, hold"),
        Verb("persona", "director", "Switch personality after this reply", (Param("name"),)),
        Verb("say", "director", "Say exactly this", (Param("text", rest=True),)),
        Verb(
            "whisper",
            "director",
            "Tell her something only she hears, for her next reply",
            (Param("text", rest=True),),
        ),
        Verb(
            "topic",
            "director",
            "What the stream is about; without words, about nothing special",
            (Param("text", required=False, rest=True),),
        ),
        Verb(
            "slow",
            "director",
            "Shortest time between two replies to chat, seconds; 0 for none",
            (Param("seconds", float),),
        ),
        Verb(
            "delay",
            "director",
            "Every reply waits this many seconds before its first sound",
            (Param("seconds", float),),
        ),
        Verb(
            "mode",
            "director",
            "How careful the show is: open, approval or safe",
            (Param("name"),),
        ),
        Verb(
            "barge",
            "director",
            "What she does when somebody speaks over her: ignore, duck, stop or finish",
            (Param("name"),),
        ),
        # the queue and what waits for a person
        Verb("queue", "director", "What waits to be answered, with its score", changes=False),
        Verb("next", "director", "Answer this line next", (_LINE,)),
        Verb("drop", "director", "Pass this line over", (_LINE,)),
        Verb("approvals", "director", "What waits for approval", changes=False),
        Verb(
            "approve",
            "director",
            "Let it go on the air, as it is or with other words",
            (Param("id"), Param("text", required=False, rest=True)),
        ),
        Verb("deny", "director", "Never say or answer it", (Param("id"),)),
        # viewers, on their platform and here
        Verb("delete", "chat", "Delete a line", (_LINE,)),
        Verb(
            "timeout",
            "chat",
            "Silence a viewer for a while",
            (_VIEWER, Param("seconds", int, required=False, help="600 by default"), _REASON),
            timeout_s=15.0,
        ),
        Verb("ban", "chat", "Ban a viewer", (_VIEWER, _REASON), timeout_s=15.0),
        Verb("unban", "chat", "End a ban or timeout", (_VIEWER,), timeout_s=15.0),
        Verb("trust", "chat", "Let a viewer's lines past the gate's doubts", (_VIEWER,)),
        Verb("untrust", "chat", "Doubt them again", (_VIEWER,)),
        Verb("undo", "chat", "Undo the last of these that can be undone", timeout_s=15.0),
        Verb("viewer", "chat", "What is known of a viewer", (_VIEWER,), changes=False),
        Verb("bans", "chat", "Who is banned, silenced or trusted", changes=False),
        Verb(
            "send",
            "chat",
            "Write a line into the chat",
            (
                Param("text", rest=True),
                Param("platform", required=False, help="only this one"),
                Param("reply", required=False, help="id of the line it answers"),
            ),
            timeout_s=15.0,
        ),
        # chat
        Verb(
            "chat",
            "chat",
            "Send a chat line as a viewer of the console platform",
            (Param("text", rest=True), Param("author", required=False, help="viewer's name")),
        ),
        Verb(
            "outcome",
            "director",
            "Wait until a chat line was answered or passed over",
            (Param("message_id"),),
            changes=False,
            timeout_s=120.0,
        ),
        # body
        Verb(
            "avatar",
            "avatar",
            "Press a hotkey of a body; without one, ask VTube Studio again to be let in",
            (Param("name"), Param("hotkey", required=False, rest=True)),
        ),
        # memory
        Verb("recall", "memory", "Search the memory", (Param("text", rest=True),), changes=False),
        Verb("forget", "memory", "Forget one memory", (Param("id"),)),
        # sound
        Verb(
            "sound",
            "stage",
            "The sound of a recent turn as it was heard (PCM)",
            (Param("turn", int),),
            changes=False,
        ),
        # processes
        Verb("status", SUPERVISOR, "State of the show and its workers", changes=False),
        Verb("snapshot", SUPERVISOR, "Where an event client starts", changes=False),
        Verb("logs", SUPERVISOR, "Last lines a worker printed", (_WORKER,), changes=False),
        Verb("restart", SUPERVISOR, "Stop a worker and start it again", (_WORKER,)),
        Verb("stop", SUPERVISOR, "Drain everything and end the show"),
    )
}


def check_args(verb: Verb, args: dict[str, Any]) -> str:
    """Empty if ``args`` fit the verb, otherwise the sentence for the operator."""
    known = {param.name: param for param in verb.params}
    for name in args:
        if name not in known:
            return f"{verb.name} takes no {name!r}"
    for param in verb.params:
        value = args.get(param.name)
        if value is None:
            if param.required:
                return f"{verb.name} needs {param.name}"
        elif not isinstance(value, (int, float) if param.kind is float else param.kind):
            return f"{verb.name}: {param.name} must be {param.kind.__name__}"
    return ""


@dataclass
class Incoming:
    """A request at the supervisor, with the way back to whoever asked."""

    request: Request
    client: bytes


class OperatorServer:
    """The supervisor's end. ``on_request`` must lead to exactly one ``reply`` each.

    A request id seen before is answered from memory or joined to the one under way, so
    that a client may repeat itself.
    """

    _REMEMBERED = 1024

    def __init__(self, endpoints: Endpoints, on_request: Callable[[Incoming], None]) -> None:
        self._on_request = on_request
        self.dropped = 0
        self._waiting: dict[str, list[bytes]] = {}
        self._answered: dict[str, bytes] = {}
        self._changing: set[str] = set()  # under way, and to be remembered
        self._channel = Channel(zmq.ROUTER, self._receive)
        self._channel.bind(endpoints.operator)

    def reply(self, reply: Reply) -> None:
        body = encode(reply)
        for client in self._waiting.pop(reply.id, []):
            self._channel.send([client, body])
        if reply.id in self._changing:  # what only reads may be carried out again
            self._changing.discard(reply.id)
            self._answered[reply.id] = body
            if len(self._answered) > self._REMEMBERED:
                del self._answered[next(iter(self._answered))]

    def close(self) -> None:
        self._channel.flush_and_close()

    def _receive(self, frames: Frames) -> None:
        try:
            client, body = frames
            request = decode(Request, body)
        except (ValueError, ProtocolError):
            self.dropped += 1
            return
        if body_before := self._answered.get(request.id):
            self._channel.send([client, body_before])
        elif clients := self._waiting.get(request.id):
            if client not in clients:
                clients.append(client)
        else:
            self._waiting[request.id] = [client]
            if (verb := VERBS.get(request.verb)) is not None and verb.changes:
                self._changing.add(request.id)
            self._on_request(Incoming(request, client))


class OperatorClient:
    """A client's end: ``await request(verb, **args)``."""

    def __init__(self, endpoints: Endpoints, *, readonly: bool = False, who: str = "") -> None:
        self._readonly = readonly
        self._who = who or f"{getpass.getuser()}@{os.ttyname(0) if os.isatty(0) else 'script'}"
        self.dropped = 0
        self._futures: dict[str, asyncio.Future[Reply]] = {}
        self._channel = Channel(zmq.DEALER, self._receive)
        self._channel.connect(endpoints.operator)

    async def request(self, verb: str, timeout_s: float | None = None, **args: Any) -> Any:
        """The verb's result. Raises RequestFailed with the show's sentence, or RequestTimeout."""
        limit = VERBS[verb].timeout_s if timeout_s is None else timeout_s
        request = Request(
            id=uuid.uuid4().hex,
            verb=verb,
            args=args,
            who=self._who,
            readonly=self._readonly,
            sent_ns=time.monotonic_ns(),
            timeout_s=limit,
        )
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._futures[request.id] = future
        body = encode(request)
        try:
            async with asyncio.timeout(limit + 0.5):  # the show's own deadline comes first
                # said again now and then: the same id is carried out once, whatever got lost
                while not future.done():
                    self._channel.send([body])
                    await asyncio.wait([future], timeout=_AGAIN_S)
                reply = future.result()
        except TimeoutError:
            raise RequestTimeout(
                f"the show did not answer {verb!r} within {limit:.0f} s",
                "spark-tui status shows which worker is in trouble",
            ) from None
        finally:
            del self._futures[request.id]
        if reply.error:
            raise RequestFailed(reply.error, reply.hint)
        return reply.result

    def close(self) -> None:
        self._channel.flush_and_close(100)

    def _receive(self, frames: Frames) -> None:
        try:
            (body,) = frames
            reply = decode(Reply, body)
        except (ValueError, ProtocolError):
            self.dropped += 1
            return
        future = self._futures.get(reply.id)
        if future is not None and not future.done():
            future.set_result(reply)
