"""sd_notify(3) in a few lines: one datagram to the socket systemd names."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping


class Notifier:
    """Silent when systemd did not ask. Takes its variables out of the environment, so that
    no worker talks to systemd in our name."""

    def __init__(self, env: MutableMapping[str, str] | None = None) -> None:
        env = os.environ if env is None else env
        address = env.pop("NOTIFY_SOCKET", "")
        watchdog_us = env.pop("WATCHDOG_USEC", "")
        for_pid = env.pop("WATCHDOG_PID", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._said = ""
        meant = not for_pid or for_pid == str(os.getpid())
        usable = meant and watchdog_us.isdigit()
        self.watchdog_s = int(watchdog_us) / 1e6 if usable else 0.0  # 0: none is wanted
        self._socket = (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            if address
            else None
        )
        if self._socket is not None:
            self._socket.setblocking(False)

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._send(f"STATUS={text}")

    def extend(self, more_s: float) -> None:
        """Loading goes on: do not count it as a failed start for this much longer."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(more_s * 1e6)}")

    def watchdog(self) -> None:
        if self.watchdog_s:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, line: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(line.encode(), self._address)
        except OSError:
            self.close()  # systemd is gone or full; the show does not depend on it
