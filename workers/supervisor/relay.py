"""Cancels on their way to the workers: told at once, acknowledged, remembered for latecomers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Protocol

import msgspec

from ipc.protocol import Cancel, Message
from workers.supervisor.horizon import Horizon
from workers.supervisor.unit import Unit

_ACK_WITHIN_S = 2.0
_log = logging.getLogger(__name__)


class Send(Protocol):
    """Puts a message on the control plane."""

    def __call__(self, unit: Unit, message: Message) -> None: ...


class Relay:
    """The fence of the whole show. No task lies between a Cancel coming in and going out."""

    def __init__(self, units: Iterable[Unit], send: Send) -> None:
        self._units = tuple(units)
        self._send = send
        self._horizon = Horizon()
        self._last_id = 0
        self._unacked: dict[int, tuple[float, set[str]]] = {}

    @property
    def floor(self) -> int:
        """Every turn up to this one is dead."""
        return self._horizon.floor

    def opened(self, turn: int) -> None:
        """The director announced a turn."""
        self._horizon.opened(turn)

    def pass_on(self, cancel: Cancel, sender: str) -> None:
        """The director cancelled: everybody else is told."""
        self._horizon.relayed(cancel)
        self._broadcast(cancel, besides=sender)

    def cut(self, reason: str) -> None:
        """Kill every turn there is, in every worker."""
        self._broadcast(self._horizon.cut(reason))

    def acked(self, name: str, number: int) -> None:
        """A worker acted on a Cancel."""
        if entry := self._unacked.get(number):
            entry[1].discard(name)
            if not entry[1]:
                del self._unacked[number]

    def lost(self, name: str) -> None:
        """A worker is gone and acknowledges nothing any more."""
        for number in list(self._unacked):
            self.acked(name, number)

    def check(self, now: float) -> None:
        """Log who did not acknowledge in time."""
        for number in [n for n, (at, _) in self._unacked.items() if now - at > _ACK_WITHIN_S]:
            _, silent = self._unacked.pop(number)
            _log.warning("cancel %d was not acknowledged by %s", number, ", ".join(silent))

    def _broadcast(self, cancel: Cancel, besides: str = "") -> None:
        self._last_id += 1
        order = msgspec.structs.replace(cancel, id=self._last_id)
        told = set()
        for unit in self._units:
            if unit.connected and unit.name != besides:
                self._send(unit, order)
                told.add(unit.name)
        if told:
            self._unacked[order.id] = (time.monotonic(), told)
