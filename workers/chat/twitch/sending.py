"""What may be written into a chat, and when. Pure: no socket, the clock is given."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable

from workers.chat.platform import PlatformRefused

LINE_CHARS = 500
LINES_MAX = 4  # a text of more lines than this is a flood
WINDOW_S = 30.0
LINES_A_WINDOW = 20  # of an account without a rank in the channel
LINES_A_WINDOW_FREE = 100
GAP_S = 1.0  # every channel is in this slow mode for accounts without a rank
_JOINERS = "\u200d\ufe0e\ufe0f"


def split(text: str) -> list[str]:
    """Lines of at most LINE_CHARS characters, cut between words where there are any.

    Raises PlatformRefused for an empty text and for one of more than LINES_MAX lines.
    """
    rest = " ".join(text.split())
    if not rest:
        raise PlatformRefused("there is nothing to write", "type some text")
    lines: list[str] = []
    while rest:
        end = _end(rest)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if len(lines) > LINES_MAX:
        raise PlatformRefused(
            f"a text of {len(text)} characters is too long for the chat",
            f"Twitch takes {LINE_CHARS} a line, and {LINES_MAX} lines at once are enough",
        )
    return lines


def _end(text: str) -> int:
    """Where the first line of ``text`` ends."""
    if len(text) <= LINE_CHARS:
        return len(text)
    space = text.rfind(" ", 0, LINE_CHARS + 1)
    if space > 0:
        return space
    end = LINE_CHARS
    while end > 1 and _joined(text[end - 1], text[end]):
        end -= 1
    return end if end > 1 else LINE_CHARS


def _joined(before: str, after: str) -> bool:
    """Whether a cut between the two would tear one drawn character apart."""
    return after in _JOINERS or before in _JOINERS[0] or unicodedata.combining(after) != 0


class Pace:
    """Twitch's limits on what one account writes into one channel."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.free = False  # broadcaster or moderator: the higher limit, may repeat itself
        self._now = now
        self._times: deque[float] = deque(maxlen=LINES_A_WINDOW_FREE)
        self._last = ("", 0.0)
        self._before = self._last

    def refuse_repetition(self, text: str) -> None:
        """Raises PlatformRefused for what Twitch would drop silently."""
        last, at = self._last
        left_s = at + WINDOW_S - self._now()
        if not self.free and text == last and left_s > 0:
            raise PlatformRefused(
                "Twitch drops a line that is the same as the one before within 30 s",
                f"say it in other words, or wait {left_s:.0f} s",
            )

    def wait_s(self) -> float:
        """Seconds until the next line may be sent."""
        now = self._now()
        while self._times and self._times[0] <= now - WINDOW_S:
            self._times.popleft()
        limit = LINES_A_WINDOW_FREE if self.free else LINES_A_WINDOW
        wait = 0.0
        if len(self._times) >= limit:
            wait = self._times[-limit] + WINDOW_S - now
        if self._times and not self.free:
            wait = max(wait, self._times[-1] + GAP_S - now)
        return max(0.0, wait)

    def sent(self, text: str) -> None:
        """A line is on its way."""
        now = self._now()
        self._times.append(now)
        self._before, self._last = self._last, (text, now)

    def dropped(self) -> None:
        """The last one did not arrive after all: it may be said again."""
        self._last = self._before
