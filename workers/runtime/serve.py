"""The life of a worker process: hello, load, ready, serve, drain, exit."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import uvloop

from ipc.control import ControlClient
from ipc.endpoints import Endpoints
from ipc.errors import EXIT_FAILURE, EXIT_OK, SparkError, VersionMismatch
from ipc.fence import Fence
from ipc.load import decode_config
from ipc.pipeline import Inbox
from ipc.protocol import (
    PROTOCOL_VERSION,
    Ack,
    Cancel,
    Command,
    CommandResult,
    Drain,
    Drained,
    Failing,
    Hello,
    Message,
    Peer,
    Ready,
    Welcome,
)
from workers.runtime.link import Link
from workers.runtime.parent import die_with_parent, show_stacks_on_sigusr1
from workers.runtime.worker import Worker

ENV_DIRECTORY = "SPARK_VTUBER_DIRECTORY"  # socket directory of the show
ENV_INCARNATION = "SPARK_VTUBER_INCARNATION"
ENV_SUPERVISOR = "SPARK_VTUBER_SUPERVISOR"  # its pid

_READY_ID = 1


def main(kind: type[Worker]) -> None:
    """Entry of ``python -m workers.NAME``. Never returns."""
    try:
        directory = Path(os.environ[ENV_DIRECTORY])
        incarnation = int(os.environ[ENV_INCARNATION])
        supervisor = int(os.environ[ENV_SUPERVISOR])
    except (KeyError, ValueError):
        sys.exit(f"workers.{kind.name} is started by the supervisor; start a show with: spark-tui")
    die_with_parent(supervisor)
    show_stacks_on_sigusr1()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    sys.exit(uvloop.run(_serve(kind, Endpoints(directory), incarnation)))


async def _serve(kind: type[Worker], endpoints: Endpoints, incarnation: int) -> int:
    return await _Incarnation(kind, endpoints, incarnation).run()


class _Incarnation:
    """One process of one worker, from Hello to its exit code."""

    def __init__(self, kind: type[Worker], endpoints: Endpoints, number: int) -> None:
        loop = asyncio.get_running_loop()
        self._kind = kind
        self._endpoints = endpoints
        self._number = number
        self._welcome: asyncio.Future[Welcome] = loop.create_future()
        self._ending: asyncio.Future[int] = loop.create_future()
        self._draining = False
        self._early: list[Message] = []  # came in one batch with Welcome: no worker was there yet
        self._commands: set[asyncio.Task[None]] = set()
        self._inbox: Inbox | None = None
        self._link: Link
        self._worker: Worker | None = None
        self._control = ControlClient(endpoints, kind.name, number, self._on_control)

    async def run(self) -> int:
        """Serve until drained, told to stop, or crashed; the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end, EXIT_OK)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor
        self._control.send(Hello(name=self._kind.name, incarnation=self._number, pid=os.getpid()))
        welcome = await self._welcome
        tasks: list[asyncio.Task[None]] = []
        try:
            if welcome.protocol != PROTOCOL_VERSION:
                raise VersionMismatch(
                    f"the supervisor speaks protocol {welcome.protocol}, this worker "
                    f"{PROTOCOL_VERSION}",
                    "both must come from the same installation",
                )
            config = decode_config(welcome.config)
            self._link = Link(
                self._kind.name,
                self._endpoints,
                self._control,
                config,
                Path(welcome.state_dir),
                Fence(welcome.fence),
                welcome.peers,
                self._crash,
            )
            self._worker = self._kind(self._link)
            for message in self._early:
                self._on_control(message)
            tasks.append(loop.create_task(self._beat(config.supervisor.heartbeat_s), name="beat"))
            tasks.append(loop.create_task(self._become_ready(self._worker), name="load"))
            return await self._ending
        except SparkError as error:
            return self._fail(error, error.exit_code)
        except Exception as error:  # the process boundary: say it, exit, be restarted
            traceback.print_exception(error)
            return self._fail(error, EXIT_FAILURE)
        finally:
            await self._close(tasks)

    async def _become_ready(self, worker: Worker) -> None:
        try:
            details = await worker.load()
            gc.collect()
            gc.freeze()  # libraries and models stay: no collection needs to look through them
            self._inbox = Inbox(self._endpoints, worker.name, self._on_pipeline)
        except Exception as error:
            self._crash(error)
        else:
            self._control.send(Ready(id=_READY_ID, details=details))

    async def _beat(self, every_s: float) -> None:
        while True:
            dropped = self._control.dropped + (self._inbox.dropped if self._inbox else 0)
            self._control.send(self._link.beat(dropped))
            await asyncio.sleep(every_s)

    # --- messages ---

    def _on_control(self, message: Message) -> None:
        if isinstance(message, Welcome):
            if not self._welcome.done():
                self._welcome.set_result(message)
        elif isinstance(message, Ack):
            return
        elif self._worker is None:
            self._early.append(message)
        elif isinstance(message, Cancel):
            self._link.fence.apply(message)
            self._guarded(self._worker.cancelled, message)
            self._control.send(Ack(id=message.id))
        elif isinstance(message, Peer):
            self._link.peer_changed(message)
            self._guarded(self._worker.peer_changed, message)
        elif isinstance(message, Command):
            task = asyncio.get_running_loop().create_task(self._command(self._worker, message))
            self._commands.add(task)
            task.add_done_callback(self._commands.discard)
        elif isinstance(message, Drain) and not self._draining:
            self._draining = True
            self._link.show_ends = message.final
            self._link.spawn(self._drain(self._worker, message), "drain")

    def _on_pipeline(self, message: Message, payload: bytes) -> None:
        if self._worker is None:
            return
        allowed = self._link.fence.allows(getattr(message, "turn", 0))
        if allowed or isinstance(message, self._worker.hears_fenced):
            self._guarded(self._worker.receive, message, payload)
            self._link.progressed()

    async def _command(self, worker: Worker, command: Command) -> None:
        if self._inbox is None:
            result = CommandResult(id=command.id, error=f"{worker.name} is still loading")
        else:
            try:
                value = await worker.command(command)
                result = CommandResult(id=command.id, result=value)
            except SparkError as error:
                result = CommandResult(id=command.id, error=error.message, hint=error.hint)
            except Exception as error:
                self._crash(error)
                result = CommandResult(id=command.id, error=f"{worker.name} crashed: {error!r}")
        self._control.send(result)

    async def _drain(self, worker: Worker, order: Drain) -> None:
        left_s = (order.deadline_ns - time.monotonic_ns()) / 1e9
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                await worker.drain()
        except TimeoutError:
            logging.getLogger(__name__).warning("not everything was finished before the deadline")
        self._control.send(Drained())
        self._end(EXIT_OK)

    # --- endings ---

    def _guarded(self, handler: Callable[..., None], *args: object) -> None:
        """A handler that raises has broken its worker's state: crash and be restarted."""
        try:
            handler(*args)
        except Exception as error:
            self._crash(error)

    def _end(self, code: int) -> None:
        if not self._ending.done():
            self._ending.set_result(code)

    def _crash(self, error: BaseException) -> None:
        if not self._ending.done():
            self._ending.set_exception(error)

    def _fail(self, error: Exception, code: int) -> int:
        if isinstance(error, SparkError):
            text, hint = error.message, error.hint
        else:
            text, hint = f"{type(error).__name__}: {error}", ""
        print(f"{self._kind.name}: {text}", file=sys.stderr)
        self._control.send(Failing(exit_code=code, error=text, hint=hint))
        return code

    async def _close(self, tasks: list[asyncio.Task[None]]) -> None:
        owned = [*tasks, *self._commands]
        for task in owned:
            task.cancel()
        await asyncio.gather(*owned, return_exceptions=True)
        if self._inbox is not None:
            self._inbox.close()
        if self._worker is not None:
            try:
                await self._worker.close()
            finally:
                await self._link.close()
        self._control.close()
