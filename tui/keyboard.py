"""What comes from the terminal's keyboard, before any key means anything.

A terminal without bracketed paste types a pasted text key by key. Taken as keys, half a
page of text would hold, ban and dump at random, and the panic key behind it would wait for
minutes. So keys are gathered for an instant, and text that nobody can have typed in it
becomes one paste.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

BURST = 16  # characters at once: more than fingers type, or an SSH line that stalled brings
GATHER_S = 0.008
_GOES_ON_S = 0.05  # what follows a paste as closely as this belongs to it
_TYPED = {"enter": "\n", "tab": " "}


def fold(messages: Iterable[Message], *, pasting: bool = False) -> list[Message]:
    """``messages`` with every burst of text as one Paste, and a key held down pressed once.

    ``pasting``: the text they begin with goes on a paste, however short it is.
    """
    folded: list[Message] = []
    for is_text, run in groupby(messages, key=lambda message: bool(_text(message))):
        keys = list(run)
        text = "".join(_text(key) for key in keys) if is_text else ""
        goes_on = pasting and not folded
        if not text or (len(keys) < BURST and not goes_on):
            folded += keys
        elif len(set(text)) == 1 and not goes_on:
            folded.append(keys[0])
        else:
            folded.append(events.Paste(text))
    return folded


def _text(message: Message) -> str:
    """What a key types; empty for keys that type nothing, and for what is no key."""
    if not isinstance(message, events.Key):
        return ""
    if message.is_printable and message.character:
        return message.character
    return _TYPED.get(message.key, "")


class Keyboard(LinuxDriver):
    """Textual's driver, handing keys over in batches that went through ``fold``."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._lock = threading.Lock()
        self._gathered: list[Message] = []
        self._pasted_at = 0.0

    def send_message(self, message: Message) -> None:
        """Called in the thread that reads the terminal."""
        with self._lock:
            self._gathered.append(message)
            first = len(self._gathered) == 1
        if first:
            self._loop.call_soon_threadsafe(self._loop.call_later, GATHER_S, self._hand_over)

    def _hand_over(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, []
        folded = fold(gathered, pasting=gathered[0].time - self._pasted_at < _GOES_ON_S)
        if isinstance(folded[-1], events.Paste):
            self._pasted_at = gathered[-1].time
        for message in folded:
            self._app.post_message(message)
