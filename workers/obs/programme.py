"""What OBS is to show, from what the show tells everybody. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from ipc.protocol import Cancel, ClauseEvent, ShowEvent, TraceEvent

AWAY_S = 5.0  # a director that crashed is back within about two: no scene for that
SAID = ("allow", "mask")  # verdicts of the gate on what is heard
CAPTION_EVERY_S = 0.2


class Air(StrEnum):
    """Which of the three scenes fits."""

    ON_AIR = "on_air"
    HELD = "held"  # somebody, or the show itself, holds it
    BREAK = "break"  # nobody is there to answer: the show ends, or has lost its director


class Programme:
    """``state`` and ``caption`` as of now; None: not known yet, so leave OBS alone."""

    def __init__(self) -> None:
        self.caption = ""
        self.over = False
        self._held: bool | None = None
        self._away_s = math.inf  # since when the director is away
        self._newest = (0, -1)  # turn and clause that was shown last

    @property
    def known(self) -> bool:
        """Whether anybody has said if the show is held."""
        return self._held is not None

    def state(self, now_s: float) -> Air | None:
        if self.over or now_s - self._away_s >= AWAY_S:
            return Air.BREAK
        if self._held is None:
            return None
        return Air.HELD if self._held else Air.ON_AIR

    def due_s(self, now_s: float) -> float:
        """When ``state`` changes by itself; infinite if it does not."""
        due_s = self._away_s + AWAY_S
        return due_s if due_s > now_s else math.inf

    def show(self, *, held: bool) -> None:
        """What the operator has set."""
        self._held = held

    def director(self, *, serves: bool, now_s: float) -> None:
        """It came or went; with it goes what it said."""
        if serves:
            self._away_s = math.inf
        elif self._away_s == math.inf:
            self._away_s = now_s
            self.caption = ""

    def end(self, *, over: bool = True) -> None:
        """The show is over; or only we are."""
        self.over, self.caption = over, ""

    def hear(self, event: ShowEvent | ClauseEvent | TraceEvent) -> None:
        """An event of the director."""
        if isinstance(event, ShowEvent):
            self.show(held=event.held)
        elif isinstance(event, TraceEvent):
            if event.turn == self._newest[0]:
                self.caption = ""
        elif event.verdict in SAID and (event.turn, event.clause) > self._newest:
            # told again at its end, and then perhaps after the turn was cut: that is no news
            self._newest = event.turn, event.clause
            self.caption = event.text

    def cut(self, cancel: Cancel) -> None:
        """Nothing of these turns is shown any more."""
        turn = self._newest[0]
        if turn == cancel.turn or (cancel.up_to and turn <= cancel.turn):
            self.caption = ""


class Scenes:
    """Changes OBS's scene only when the state of the show has changed, and never away from a
    scene that is none of ours: then a person has other plans."""

    def __init__(self, names: Mapping[Air, str]) -> None:
        self._names = dict(names)
        self._done: Air | None = None
        self.ours = {name for name in names.values() if name}

    def wanted(self, state: Air | None) -> str:
        """The scene to change to, if OBS shows one of ours; "" for no change."""
        if state is None or state is self._done:
            return ""
        return self._names[state]

    def done(self, state: Air | None) -> None:
        """OBS was brought in line with it, or left alone."""
        self._done = state


class Captions:
    """The newest text, and not more often than OBS needs it."""

    def __init__(self) -> None:
        self._sent: str | None = None  # None: OBS may show anything
        self._next_s = -math.inf

    def wanted(self, text: str, now_s: float) -> bool:
        """Whether to send it now."""
        return text != self._sent and now_s >= self._next_s

    def due_s(self, text: str) -> float:
        """When it may be sent; infinite if it was."""
        return self._next_s if text != self._sent else math.inf

    def sent(self, text: str, now_s: float) -> None:
        self._sent, self._next_s = text, now_s + CAPTION_EVERY_S

    def forget(self) -> None:
        """Another OBS, or another source of that name."""
        self._sent, self._next_s = None, -math.inf
