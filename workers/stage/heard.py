"""The sound of the last turns, sample for sample as it was heard."""

from __future__ import annotations

from collections import OrderedDict

from workers.stage.outputs import Heard

TURNS_KEPT = 8
_TURN_BYTES = 12 * 1024 * 1024  # more than two minutes at 48 kHz, and it fits into one frame


class HeardRecord:
    """A ring of turns. Longer turns than a frame can carry keep their beginning."""

    def __init__(self) -> None:
        self._turns: OrderedDict[int, tuple[int, bytearray]] = OrderedDict()

    def heard(self, heard: Heard) -> None:
        if heard.turn not in self._turns:
            self._turns[heard.turn] = (heard.rate, bytearray())
            while len(self._turns) > TURNS_KEPT:
                self._turns.popitem(last=False)
        pcm = self._turns[heard.turn][1]
        pcm += heard.pcm[: _TURN_BYTES - len(pcm)]

    def sound(self, turn: int) -> tuple[int, bytes] | None:
        """(samples a second, 16-bit PCM), or None if that turn is not kept."""
        kept = self._turns.get(turn)
        return None if kept is None else (kept[0], bytes(kept[1]))

    @property
    def turns(self) -> list[int]:
        """The turns that are kept, oldest first."""
        return list(self._turns)
