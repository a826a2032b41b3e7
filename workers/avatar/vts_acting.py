"""Expressions and hotkeys of one VTube Studio: what she feels, and what is pressed for her.

What is wanted outlives a connection and a model: it is brought about again when either comes
back. Expressions are switched on and off as such, also those that a hotkey toggles: a toggle
that was lost would leave her with the wrong face for good.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from workers.avatar.report import Report
from workers.avatar.settings import VtsSettings
from workers.avatar.vts_errors import (
    BAD_STATE,
    DENIED,
    EXPRESSION_NO_MODEL,
    HOTKEY_COOLDOWN,
    NO_MODEL,
    QUEUE_FULL,
)
from workers.avatar.vts_parameters import nearest
from workers.avatar.vts_protocol import Expression, Hotkey, Refused, printable
from workers.avatar.vts_session import Nothing, Session

EXPRESSION = ".exp3.json"
_TOGGLE = "ToggleExpression"
_LATER = (QUEUE_FULL, HOTKEY_COOLDOWN, BAD_STATE)
_PRESSES = 32  # as many as VTube Studio lets wait
_RETRY_S = 0.1  # five frames at 50 a second; doubled each time
_PATIENCE_S = 8.0  # longer than the longest cooldown that is written anywhere, 5 s


@dataclass(slots=True)
class _Press:
    hotkey: str
    due_s: float
    until_s: float
    pause_s: float = _RETRY_S


class Acting:
    """``act`` runs as long as there is a connection; the rest may be called at any time."""

    def __init__(
        self,
        settings: VtsSettings,
        report: Report,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feelings = settings.feelings
        self._fade_s = settings.fade_s
        self._report = report
        self._now_s = now_s
        self._stirred = asyncio.Event()
        self._feeling = ""
        self._presses: deque[_Press] = deque(maxlen=_PRESSES)
        self._hotkeys: list[Hotkey] = []
        self._files: list[str] = []
        self._active: set[str] = set()  # of our expressions, those that are on
        self._refused: set[str] = set()  # of this model

    @property
    def hotkeys(self) -> list[str]:
        """Names of the hotkeys of the model."""
        return [hotkey.name for hotkey in self._hotkeys if hotkey.name]

    def feel(self, feeling: str) -> None:
        """The face of this feeling from now on; "" or one without an entry: a calm face."""
        if feeling == self._feeling:
            return
        self._feeling = feeling
        target = self._feelings.get(feeling, "")
        if target and not self._file(target):
            self.press(target)
        self._stirred.set()

    def press(self, hotkey: str) -> None:
        """A hotkey, by name or id. What cannot be carried out within seconds is forgotten."""
        now_s = self._now_s()
        self._presses.append(_Press(hotkey, now_s, now_s + _PATIENCE_S))
        self._stirred.set()

    def know(self, hotkeys: list[Hotkey], expressions: list[Expression]) -> None:
        """What the model has, and how it is now."""
        self._hotkeys = hotkeys
        self._files = [expression.file for expression in expressions]
        ours = {self._file(target) for target in self._feelings.values()} - {""}
        self._active = {
            expression.file
            for expression in expressions
            if expression.active and expression.file in ours
        }
        self._refused.clear()
        self._stirred.set()

    async def act(self, session: Session) -> None:
        """Bring about what is wanted. Raises Dropped, and Refused if access is lost."""
        while True:
            self._stirred.clear()
            await self._express(session)
            wait_s = await self._press_due(session)
            try:
                async with asyncio.timeout(wait_s):
                    await self._stirred.wait()
            except TimeoutError:
                continue

    # --- expressions ---

    async def _express(self, session: Session) -> None:
        wanted = {self._file(self._feelings.get(self._feeling, ""))} - {""} - self._refused
        for file in sorted(self._active - wanted):
            if await self._switch(session, file, active=False):
                self._active.discard(file)
        for file in sorted(wanted - self._active):
            if await self._switch(session, file, active=True):
                self._active.add(file)

    async def _switch(self, session: Session, file: str, *, active: bool) -> bool:
        data = {"expressionFile": file, "active": active, "fadeTime": self._fade_s}
        try:
            await session.call("ExpressionActivation", Nothing, data)
        except Refused as refused:
            if refused.code == DENIED:
                raise
            self._refused.add(file)
            self._active.discard(file)
            if refused.code != EXPRESSION_NO_MODEL:
                self._say(refused, f"expression {printable(file)!r}", file, self._files)
            return False
        return True

    def _file(self, target: str) -> str:
        """The expression this is, or which this hotkey toggles; "" for any other hotkey."""
        if target.lower().endswith(EXPRESSION):
            return target
        hotkey = self._find(target)
        return hotkey.file if hotkey is not None and hotkey.kind == _TOGGLE else ""

    # --- hotkeys ---

    async def _press_due(self, session: Session) -> float | None:
        """Seconds until the next has to be tried again; None if there is none."""
        for press in tuple(self._presses):
            if press.due_s <= self._now_s() < press.until_s and await self._press(session, press):
                press.until_s = 0.0
        left = [press for press in self._presses if press.until_s > self._now_s()]
        self._presses = deque(left, _PRESSES)
        if not left:
            return None
        return max(0.0, min(press.due_s for press in self._presses) - self._now_s())

    async def _press(self, session: Session, press: _Press) -> bool:
        """Whether it is done with, one way or the other."""
        hotkey = self._find(press.hotkey)
        data = {"hotkeyID": hotkey.id if hotkey is not None else press.hotkey}
        try:
            await session.call("HotkeyTrigger", Nothing, data)
        except Refused as refused:
            if refused.code == DENIED:
                raise
            if refused.code in _LATER and self._now_s() + press.pause_s < press.until_s:
                press.due_s = self._now_s() + press.pause_s
                press.pause_s *= 2.0
                return False
            if refused.code != NO_MODEL:
                self._say(
                    refused, f"hotkey {printable(press.hotkey)!r}", press.hotkey, self.hotkeys
                )
        return True

    def _find(self, name: str) -> Hotkey | None:
        folded = name.casefold()
        by_id = next((hotkey for hotkey in self._hotkeys if hotkey.id == name), None)
        return by_id or next(
            (hotkey for hotkey in self._hotkeys if hotkey.name.casefold() == folded), None
        )

    def _say(self, refused: Refused, what: str, name: str, known: Collection[str]) -> None:
        hint = refused.hint
        if refused.code != HOTKEY_COOLDOWN:
            hint = nearest(name, known) or hint
        self._report.once("warning", f"{what}: {refused.text}", hint)
