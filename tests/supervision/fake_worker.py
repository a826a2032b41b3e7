"""A worker with faults to order, built on the real runtime. Run through ``fakes.FakeShow``.

Reads ``FAKE_DIR/NAME.json`` at its start; appends a line to ``FAKE_DIR/NAME.marks`` for each
incarnation. Keys: ``crash_starts`` (so many first incarnations exit with 3), ``exit_code``
(exit at load with it, after Failing), ``silent_exit`` (exit with it at once, before Hello),
``load_gate`` (a FIFO: loading lasts until its other end was opened and closed),
``drain_hang`` (never finish draining), ``ignore_term``, ``children`` ("group", "session",
"bare": processes to start), ``problem`` (degraded from the start).
The command verbs do the rest: the text of ``say``/``chat``/``recall`` names the fault.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ipc.errors import ConfigError, RequestFailed
from ipc.protocol import Cancel, Command, Message
from workers.runtime import Worker, main

NAME = sys.argv[1]
HOME = Path(os.environ["FAKE_DIR"])
ORDERS = json.loads(
    (HOME / f"{NAME}.json").read_text() if (HOME / f"{NAME}.json").exists() else "{}"
)


def mark(kind: str, text: object) -> None:
    with (HOME / f"{NAME}.{kind}").open("a") as file:
        file.write(f"{text}\n")


def child(kind: str) -> int:
    """A process that only a signal ends; ``session`` leaves our session, ``bare`` also hides."""
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    return subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        start_new_session=kind == "session",
        env={} if kind == "bare" else None,
    ).pid


class Fake(Worker):
    """Does what it is told, wrongly if that is what it is told."""

    name = NAME

    async def load(self) -> dict[str, str]:
        mark("marks", os.environ["SPARK_VTUBER_INCARNATION"])
        mark("floors", self.link.fence.floor)
        for kind in ORDERS.get("children", []):
            mark("children", child(kind))
        if int(os.environ["SPARK_VTUBER_INCARNATION"]) <= ORDERS.get("crash_starts", 0):
            print("the engine fell over", file=sys.stderr, flush=True)
            os._exit(3)
        if ORDERS.get("exit_code"):
            raise ConfigError("the model is not there", "install it")
        gate = ORDERS.get("load_gate")
        if gate:
            self.link.loading("weights", 0.5)
            await asyncio.to_thread((HOME / gate).read_bytes)  # a FIFO: until somebody opens it
        if ORDERS.get("ignore_term"):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.link.problem = ORDERS.get("problem", "")
        return {"engine": "fake", "overlay": "http://127.0.0.1:1/"} if NAME == "stage" else {}

    def receive(self, message: Message, payload: bytes) -> None:
        mark("received", type(message).__name__)

    def cancelled(self, cancel: Cancel) -> None:
        mark("cancels", f"{cancel.turn} {cancel.up_to}")

    async def command(self, command: Command) -> Any:
        mark("commands", command.verb)
        words = str(command.args.get("text", "")).split()
        if words[:1] == ["freeze"]:
            time.sleep(3600)  # noqa: ASYNC251 - the fault: nothing else runs any more
        elif words[:1] == ["stall"]:
            with self.link.working():
                await asyncio.Event().wait()
        elif words[:1] == ["busy"]:
            with self.link.working(at_most_s=float(words[1])):
                await asyncio.Event().wait()
        elif words[:1] == ["die"]:
            os._exit(int(words[1]))
        elif words[:1] == ["wait"]:
            await asyncio.Event().wait()
        elif words[:1] == ["refuse"]:
            raise RequestFailed("not today", "try tomorrow")
        elif words[:1] == ["problem"]:
            self.link.problem = " ".join(words[1:])
        elif words[:1] == ["details"]:
            self.link.details = {"state": " ".join(words[1:])}
        elif words[:1] == ["open"]:
            self.link.open_turn(int(words[1]))
        elif words[:1] == ["cancel"]:
            self.link.cancel(int(words[1]), up_to=True)
        return {"pid": os.getpid(), "verb": command.verb}

    async def drain(self) -> None:
        mark("drains", time.monotonic_ns())
        if ORDERS.get("drain_hang"):
            time.sleep(3600)  # noqa: ASYNC251 - the fault: no deadline interrupts it


if ORDERS.get("silent_exit") is not None:
    mark("marks", os.environ["SPARK_VTUBER_INCARNATION"])
    sys.exit(ORDERS["silent_exit"])
main(Fake)
