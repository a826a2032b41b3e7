"""A real show for tests: a supervisor in a directory of its own, watched through its sockets.

``async with Show(config=TEXT) as show`` starts ``python -m workers.supervisor``; it is
ended, and every process that carries its token with it, when the block is left. Waiting is
for conditions, never for time: ``await show.until(predicate)`` asks again at every event.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ipc.codec import decode
from ipc.config import WORKERS, Config
from ipc.endpoints import Endpoints
from ipc.events import EventStream
from ipc.operator import OperatorClient
from ipc.protocol import Event, Message, Snapshot, WorkerEvent
from ipc.states import WorkerState

SERVING = (WorkerState.READY, WorkerState.DEGRADED)
STARTED = tuple(name for name in WORKERS if Config().worker(name).enabled)  # by default
E = TypeVar("E", bound=Message)


class Show:
    """A running show. ``events`` holds all it said so far, ``workers`` the newest of each.

    ``config`` is the text of a configuration file (``stage.overlay_port = 0`` unless the
    text sets it); ``profile`` and ``env`` as for the command.
    """

    def __init__(
        self,
        config: str = "",
        profile: str = "",
        env: Mapping[str, str] | None = None,
        wait_s: float = 30.0,
    ) -> None:
        self._wait_s = wait_s
        self.home = Path(tempfile.mkdtemp(prefix="sv-", dir="/tmp"))  # short: it holds sockets
        self.state_dir = self.home / "state"
        self.config = self.home / "config.toml"
        self.config.write_text(config)
        self.profile = profile
        self.env = os.environ | {"XDG_RUNTIME_DIR": str(self.home)}
        self.env.setdefault("SPARK_VTUBER__STAGE__OVERLAY_PORT", "0")
        self.env |= env or {}
        self.output = self.home / "supervisor.out"
        self.events: list[Message] = []
        self.workers: dict[str, WorkerEvent] = {}
        self.token = ""
        self._changed = asyncio.Event()
        self._clients: list[OperatorClient] = []
        self.endpoints = self._endpoints()
        self._popen: subprocess.Popen[bytes] | None = None

    # --- life ---

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close(failed=kind is not None)

    async def close(self, *, failed: bool = False) -> None:
        """End the show and everything of it, remove its directory."""
        for client in self._clients:
            client.close()
        if hasattr(self, "_stream"):
            self._stream.close()
        try:
            if self._popen is not None and self._popen.poll() is None:
                self._popen.send_signal(signal.SIGCONT)
                self._popen.terminate()
                try:
                    await asyncio.to_thread(self._popen.wait, 15)
                except subprocess.TimeoutExpired:
                    self._popen.kill()
                    self._popen.wait()
        finally:
            for pid in self.descendants():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if failed:
                sys.stderr.write(self.said())
            shutil.rmtree(self.home, ignore_errors=True)

    async def start(self) -> None:
        """Start the supervisor and connect. Raises AssertionError if it exits at once."""
        with self.output.open("ab") as out:
            self._popen = subprocess.Popen(  # noqa: ASYNC220 - the loop only watches it
                self.command(),
                env=self.env,
                cwd="/",
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        self.pid = self._popen.pid
        if hasattr(self, "_stream"):  # started again
            self._stream.close()
            self._joined = False
        self._stream = EventStream(self.endpoints, self._on_event)
        self.operator = self.client()
        self._pidfd_watch()
        first = asyncio.ensure_future(self.operator.request("snapshot", self._wait_s))
        await asyncio.wait(
            [first, self.exited], timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not first.done():
            first.cancel()
            raise AssertionError(f"the supervisor did not come up:\n{self.said()}")
        snapshot = decode(Snapshot, (await first)["snapshot"])
        self.snapshot = snapshot
        # the stream may have begun before the snapshot was taken: what both hold counts once
        streamed, self.events = self._streamed, []
        for body in snapshot.events:
            self._take(decode(Event, body))
        for topic, sequence, event in streamed:
            if sequence > snapshot.sequences[topic]:
                self._take(event)
        self._joined = True
        self.token = _environ(self._first_child()).get("SPARK_VTUBER_SHOW", "")

    def command(self, *more: str) -> list[str]:
        """The command line of the supervisor."""
        profile = ["--profile", self.profile] if self.profile else []
        return [
            sys.executable, "-m", "workers.supervisor", "--config", str(self.config),
            "--state", str(self.state_dir), "--foreground", *profile, *more,
        ]  # fmt: skip

    def client(self, *, readonly: bool = False, who: str = "test") -> OperatorClient:
        """Another operator; closed with the show."""
        client = OperatorClient(self.endpoints, readonly=readonly, who=who)
        self._clients.append(client)
        return client

    # --- watching ---

    async def until(self, predicate: Callable[[Show], Any], limit_s: float | None = None) -> Any:
        """The first true value of ``predicate(show)``, asked again at every event."""
        try:
            async with asyncio.timeout(limit_s or self._wait_s):
                while not (found := predicate(self)):
                    self._changed.clear()
                    await self._changed.wait()
                return found
        except TimeoutError:
            states = {name: f"{w.state}: {w.reason}" for name, w in self.workers.items()}
            raise AssertionError(f"never came true; workers: {states}\n{self.said()}") from None

    async def until_ready(self, *names: str) -> None:
        """Until these workers (or all that are enabled) serve."""
        await self.until(
            lambda show: (
                all(
                    w.state in SERVING or (not names and w.state is WorkerState.DISABLED)
                    for n, w in show.workers.items()
                    if not names or n in names
                )
                and set(names) <= set(show.workers)
                and bool(show.workers)
            )
        )

    async def until_state(self, name: str, state: WorkerState, after: int = 0) -> WorkerEvent:
        """The worker's next event in ``state``, of an incarnation above ``after``."""

        def found(show: Show) -> WorkerEvent | None:
            event = show.workers.get(name)
            here = event is not None and event.state is state and event.incarnation > after
            return event if here else None

        event: WorkerEvent = await self.until(found)
        return event

    def of(self, kind: type[E]) -> list[E]:
        """All events of a class so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def said(self) -> str:
        """What the supervisor and its workers printed."""
        parts = [self.output.read_text(errors="replace") if self.output.exists() else ""]
        parts.extend(
            f"=== {path.name}\n{path.read_text(errors='replace')[-4000:]}"
            for path in sorted((self.state_dir / "logs").glob("*.log"))
        )
        return "\n".join(parts)

    async def wait_exit(self, limit_s: float = 15.0) -> int:
        """The supervisor's exit code."""
        await asyncio.wait([self.exited], timeout=limit_s)
        assert self._popen is not None
        assert self.exited.done(), f"the supervisor (pid {self.pid}) does not exit:\n{self.said()}"
        return self._popen.wait()

    def kill(self) -> None:
        """SIGKILL the supervisor."""
        os.kill(self.pid, signal.SIGKILL)

    def descendants(self) -> list[int]:
        """Living processes that carry the token of this show."""
        return tagged(self.token) if self.token else []

    # --- inside ---

    _joined = False

    def _endpoints(self) -> Endpoints:
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = self.env["XDG_RUNTIME_DIR"]
        try:
            return Endpoints.of(self.state_dir)
        finally:
            if before is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = before

    def _pidfd_watch(self) -> None:
        loop = asyncio.get_running_loop()
        self._streamed: list[tuple[str, int, Message]] = []
        self.exited: asyncio.Future[None] = loop.create_future()
        pidfd = os.pidfd_open(self.pid)

        def gone() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            if not self.exited.done():
                self.exited.set_result(None)
            self._changed.set()

        loop.add_reader(pidfd, gone)

    def _first_child(self) -> int:
        """Any process the supervisor started with the token."""
        for entry in os.listdir("/proc"):
            if entry.isdigit() and _parent(int(entry)) == self.pid:
                pid = int(entry)
                if "SPARK_VTUBER_SHOW" in _environ(pid):
                    return pid
        return 0

    def _on_event(self, topic: str, sequence: int, event: Message) -> None:
        if self._joined:
            self._take(event)
        else:
            self._streamed.append((topic, sequence, event))

    def _take(self, event: Message) -> None:
        self.events.append(event)
        if isinstance(event, WorkerEvent):
            self.workers[event.name] = event
            if not self.token and event.pid:
                self.token = _environ(event.pid).get("SPARK_VTUBER_SHOW", "")
        self._changed.set()


def tagged(token: str) -> list[int]:
    """Living processes with this show token in their environment."""
    return [
        int(entry)
        for entry in os.listdir("/proc")
        if entry.isdigit() and _environ(int(entry)).get("SPARK_VTUBER_SHOW") == token
    ]


def _environ(pid: int) -> dict[str, str]:
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes() if pid else b""
    except OSError:
        return {}
    pairs = (item.partition("=") for item in data.decode(errors="replace").split("\0"))
    return {name: value for name, _, value in pairs}


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])
