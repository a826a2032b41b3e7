"""The supervisor's command line: one show, until it is stopped. Exits 0 when drained."""

from __future__ import annotations

import argparse
import asyncio
import errno
import io
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path

import uvloop

from ipc.config import Config
from ipc.endpoints import Endpoints, ShowLock, default_state_dir
from ipc.errors import EXIT_OK, AddressInUse, ConfigError, PathNotWritable, SparkError
from ipc.load import load_config
from workers.supervisor.notify import Notifier
from workers.supervisor.service import Supervisor


def main() -> None:
    """Parse, run, exit with the documented code; a person's mistake is a sentence."""
    options = _parse()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a dropped line never ends a show
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in a locale that lacks a character
            stream.reconfigure(errors="replace")
    logging.raiseExceptions = False  # nor does a log line that nobody can read
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        sys.exit(uvloop.run(_run(options)))
    except SparkError as error:
        print(f"spark-tui: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m workers.supervisor", description="Run one show until it is stopped."
    )
    parser.add_argument("--config", type=Path, metavar="F", help="configuration file")
    parser.add_argument("--profile", default="", metavar="P", help="a [profile.P] of it")
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory")
    parser.add_argument(
        "--foreground", action="store_true", help="under systemd or in a terminal: sd_notify"
    )
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> int:
    config = load_config(options.config, options.profile)
    state_dir = (options.state or default_state_dir()).absolute()
    _make_private(state_dir)
    endpoints = Endpoints.of(state_dir)
    lock = ShowLock(endpoints)
    try:
        _preflight(config)
        notifier = Notifier() if options.foreground else None
        try:
            supervisor = Supervisor(
                config, endpoints, state_dir, options.profile, say=_Console(), notifier=notifier
            )
        except OSError as error:
            raise _unusable(state_dir, error) from None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop, signal.Signals(number).name)
        await supervisor.run()
        if notifier is not None:
            notifier.close()
    finally:
        lock.release()
    return EXIT_OK


def _make_private(state_dir: Path) -> None:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        state_dir.chmod(0o700)
        for name in ("logs", "recordings"):
            (state_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unusable(state_dir, error) from None


def _unusable(state_dir: Path, error: OSError) -> PathNotWritable:
    return PathNotWritable(
        f"cannot write {error.filename or state_dir}: {error.strerror}",
        "free the place, or name a state directory you can write to with --state",
    )


def _preflight(config: Config) -> None:
    """What would only fail later, inside a worker."""
    stage = config.stage
    if not (stage.enabled and stage.overlay and stage.overlay_port):
        return
    place = f"stage.overlay_host = {stage.overlay_host!r}, overlay_port = {stage.overlay_port}"
    family = socket.AF_INET6 if ":" in stage.overlay_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((stage.overlay_host, stage.overlay_port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressInUse(
                    f"{place}: another program listens there",
                    "end it, or choose another stage.overlay_port (0 takes a free one)",
                ) from None
            raise ConfigError(
                f"{place}: cannot listen there: {error.strerror or error}",
                "stage.overlay_host is an address of this machine, usually 127.0.0.1",
            ) from None


class _Console:
    """One readable line for each thing that happens; silent once nobody can read it."""

    def __init__(self) -> None:
        self._open = True

    def __call__(self, line: str) -> None:
        if self._open:
            try:
                shown = "".join(c if c.isprintable() else " " for c in line)
                print(f"{time.strftime('%H:%M:%S')} {shown}", flush=True)
            except OSError:  # the terminal is gone; the show is not
                self._open = False
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, sys.stdout.fileno())  # or what is buffered fails again at exit
                os.close(nowhere)
