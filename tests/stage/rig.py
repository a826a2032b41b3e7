"""A real worker process with a supervisor's end of the planes around it, for tests."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import zmq

from ipc.codec import decode
from ipc.config import Config
from ipc.control import ControlServer
from ipc.endpoints import Endpoints
from ipc.load import encode_config
from ipc.pipeline import Inbox, Outbox
from ipc.protocol import (
    Ack,
    Cancel,
    ChatLines,
    Command,
    CommandResult,
    Drain,
    Event,
    Failing,
    Hello,
    Message,
    Peer,
    Ready,
    Welcome,
)
from ipc.sockets import Channel, Frames
from ipc.states import WorkerState


class Rig:
    """Everything a worker says is in ``seen``, in order; ``until`` waits for one of it."""

    def __init__(self, directory: Path, name: str, config: Config, peers: list[Peer]) -> None:
        self.name = name
        self.incarnation = 1
        self.seen: list[tuple[Message, int]] = []  # with the time it arrived here
        self.payloads: list[tuple[Message, bytes]] = []  # of the messages that have one
        self.directory = directory
        self._endpoints = Endpoints(directory / "sockets")
        self._endpoints.directory.mkdir(mode=0o700, exist_ok=True)
        self._config = config
        self._peers = peers
        self._news = asyncio.Event()
        self._ids = 100
        self._control = ControlServer(self._endpoints, self._on_control)
        self._events = Channel(zmq.PULL, self._on_event)
        self._events.bind(self._endpoints.events_in)
        self._inboxes = [
            Inbox(self._endpoints, other, self._on_pipeline)
            for other in ("director", "tts", "avatar")
            if other != name
        ]
        self._outbox = Outbox(self._endpoints)
        self.process: asyncio.subprocess.Process | None = None

    async def fail(self) -> tuple[Failing, int]:
        """Start a worker that cannot load: what it says and its exit code."""
        process = await self._spawn()
        return await self.until(Failing), await process.wait()

    async def start(self) -> Ready:
        await self._spawn()
        ready: Ready = await self.until(Ready)
        return ready

    async def _spawn(self) -> asyncio.subprocess.Process:
        env = {
            **os.environ,
            "SPARK_VTUBER_DIRECTORY": str(self._endpoints.directory),
            "SPARK_VTUBER_INCARNATION": str(self.incarnation),
            "SPARK_VTUBER_SUPERVISOR": str(os.getpid()),
        }
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"workers.{self.name}", env=env
        )
        return self.process

    async def restart(self) -> Ready:
        """kill -9 and a new incarnation."""
        await self.kill()
        self.incarnation += 1
        self.seen.clear()
        return await self.start()

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def send(self, message: Message, payload: bytes = b"") -> None:
        assert self._outbox.send(self.name, message, payload)

    def control(self, message: Message) -> None:
        self._control.send(self.name, self.incarnation, message)

    def cancel(self, turn: int, *, up_to: bool = False) -> int:
        """The time it was sent, monotonic nanoseconds."""
        now = time.monotonic_ns()
        self.control(Cancel(turn=turn, up_to=up_to))
        return now

    async def ask(self, verb: str, **args: Any) -> CommandResult:
        self._ids += 1
        number = self._ids
        self.control(
            Command(id=number, verb=verb, args=args, who="test", sent_ns=time.monotonic_ns())
        )
        return await self.until(CommandResult, lambda result: result.id == number)

    async def drain(self, within_s: float = 5.0) -> int:
        assert self.process is not None
        self.control(Drain(deadline_ns=time.monotonic_ns() + int(within_s * 1e9)))
        return await self.process.wait()

    async def until(
        self, kind: type[Any], matches: Callable[[Any], bool] = lambda _: True, within_s: float = 20
    ) -> Any:
        """The first message of this kind that matches, seen before or to come."""
        return (await self.until_at(kind, matches, within_s))[0]

    async def until_at(
        self, kind: type[Any], matches: Callable[[Any], bool] = lambda _: True, within_s: float = 20
    ) -> tuple[Any, int]:
        """The same, with the time it arrived."""
        looked = 0
        async with asyncio.timeout(within_s):
            while True:
                for message, at_ns in self.seen[looked:]:
                    if isinstance(message, kind) and matches(message):
                        return message, at_ns
                looked = len(self.seen)
                self._news.clear()
                await self._news.wait()

    def all(self, kind: type[Any]) -> list[Any]:
        return [message for message, _ in self.seen if isinstance(message, kind)]

    async def close(self) -> None:
        await self.kill()
        self._control.close()
        self._events.close()
        self._outbox.close()
        for inbox in self._inboxes:
            inbox.close()

    def _on_control(self, name: str, incarnation: int, message: Message) -> None:
        if isinstance(message, Hello):
            welcome = Welcome(
                config=encode_config(self._config),
                state_dir=str(self.directory),
                fence=0,
                peers=self._peers,
            )
            self._control.send(name, incarnation, welcome)
        elif isinstance(message, Ready):
            self._control.send(name, incarnation, Ack(id=message.id))
        self._note(message)

    def _on_event(self, frames: Frames) -> None:
        self._note(decode(Event, frames[0]))

    def _on_pipeline(self, message: Message, payload: bytes) -> None:
        if payload:
            self.payloads.append((message, payload))
        for one in message.lines if isinstance(message, ChatLines) else [message]:
            self._note(one)

    def _note(self, message: Message) -> None:
        self.seen.append((message, time.monotonic_ns()))
        self._news.set()


def serving(name: str) -> Peer:
    return Peer(name=name, state=WorkerState.READY, incarnation=1)


@asynccontextmanager
async def rig(
    directory: Path, name: str, config: Config, peers: list[Peer] | None = None
) -> AsyncIterator[Rig]:
    """A rig, not started. Ends its process whatever happens."""
    made = Rig(directory, name, config, [serving("director")] if peers is None else peers)
    try:
        yield made
    finally:
        await made.close()
