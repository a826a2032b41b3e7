"""The gate as it stands before chat: what it says about lines and names on their way in."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from ipc.config import GateSection
from workers.chat.clean import NOBODY
from workers.gate import Gate, Judgement, Verdict

_NAMES = 4_000


class InputGate:
    """One gate for viewers, and for trusted ones (made when there is the first) one that has
    no doubts about addresses and spam."""

    def __init__(self, section: GateSection) -> None:
        self._section = section
        self.window_ns = int(section.tighten.window_s * 1e9)  # in which hits add up
        self._gate = Gate(section, "input")
        self._lenient: Gate | None = None
        self.name = lru_cache(_NAMES)(self._name)  # viewers write more than once

    @property
    def problem(self) -> str:
        return self._gate.problem

    def refresh(self, now_ns: int) -> bool:
        """Read the lists again if they changed; the gate looks at most once a second."""
        if self._lenient is not None:
            self._lenient.refresh(now_ns)
        if not self._gate.refresh(now_ns):
            return False
        self.name.cache_clear()
        return True

    def line(self, text: str, *, trusted: bool, now_ns: int) -> Judgement:
        """A viewer's text. For a trusted one there is no HOLD."""
        if not trusted:
            return self._gate.judge(text)
        if self._lenient is None:
            kinder = msgspec.structs.replace(self._section.input, urls="allow", spam="allow")
            # what a classifier finds is held at most, and for trusted viewers nothing is
            section = msgspec.structs.replace(self._section, input=kinder, classifier="")
            self._lenient = Gate(section, "input")
            self._lenient.refresh(now_ns)
        judgement = self._lenient.judge(text)
        if judgement.verdict is Verdict.HOLD:
            return Judgement(Verdict.ALLOW, judgement.text)
        return judgement

    def _name(self, name: str) -> str:
        """The name as it may be shown, prompted and spoken."""
        judgement = self._gate.judge(name)
        stopped = judgement.verdict in (Verdict.HOLD, Verdict.DROP)
        return NOBODY if stopped else judgement.text or NOBODY
