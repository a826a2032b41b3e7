"""Chat clients of other people, run by Node: the test servers are checked against them.

A peer is a script in ``doubles/node`` that speaks JSON lines: one object a line on stdin and
stdout. Its packages are pinned in ``package-lock.json`` and installed once, by ``npm ci``.
A test asks for the fixture ``needs_node``; without Node the tests fail and say so, or, with
``SPARK_VTUBER_NO_NODE=1``, are left out.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NO_NODE = "SPARK_VTUBER_NO_NODE"
FOLDER = Path(__file__).parent / "node"

_INSTALL_S = 90.0  # below the time limit of one test


class NodeMissing(Exception):
    """Node or its packages cannot be used; the text says how to mend it."""


def install() -> Path:
    """The folder with scripts and packages; installs these unless the lock file's are there.

    Safe to call from several processes at once. Raises NodeMissing.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NodeMissing(
            "no Node found: install it (version 20 or newer, with npm), or leave the tests with "
            f"foreign clients out with {NO_NODE}=1"
        )
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / "node_modules" / ".installed"
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            try:
                subprocess.run(
                    [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                    cwd=FOLDER,
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=_INSTALL_S,
                )
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                raise NodeMissing(
                    f"npm ci failed in {FOLDER}: {error.stderr}\nrun it by hand, or leave the "
                    f"tests with foreign clients out with {NO_NODE}=1"
                ) from None
            stamp.write_text(wanted)
    return FOLDER


class NodePeer:
    """A running script."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in = process.stdin
        self._out = process.stdout
        self.seen: list[dict[str, Any]] = []  # everything it has said

    def tell(self, message: dict[str, Any]) -> None:
        """One JSON line to its stdin."""
        self._in.write(json.dumps(message).encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        """Its next JSON line."""
        line = await self._out.readline()
        assert line, f"the script ended; it had said {self.seen}"
        message: dict[str, Any] = json.loads(line)
        self.seen.append(message)
        return message

    async def until(self, within_s: float = 30.0, **wanted: Any) -> dict[str, Any]:
        """The next message that has these keys with these values; others are in ``seen``."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    message = await self.hear()
                    if all(message.get(key) == value for key, value in wanted.items()):
                        return message
        except TimeoutError:
            raise AssertionError(f"the script never said {wanted}, only {self.seen}") from None


@asynccontextmanager
async def node_peer(
    script: str, settings: dict[str, Any], *, ca_file: str = ""
) -> AsyncIterator[NodePeer]:
    """Runs ``doubles/node/<script>``, which gets ``settings`` as its first line of input.

    ``ca_file`` (PEM) is trusted besides Node's own certificates. Its process ends with the
    block; what it writes to stderr goes to the test's.
    """
    folder = await asyncio.to_thread(install)
    environment = {**os.environ, "NODE_NO_WARNINGS": "1"}
    if ca_file:
        environment["NODE_EXTRA_CA_CERTS"] = ca_file
    process = await asyncio.create_subprocess_exec(
        "node",
        script,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    peer = NodePeer(process)
    try:
        peer.tell(settings)
        yield peer
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # reads to the end, so that both pipes are closed
