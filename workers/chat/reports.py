"""What the operator is told of chat: lines on the screen, sentences in the log. Pure.

The director gets every line whatever is shown. What happens often is told now and then: a
flood must not fill the screen and the log with its own news.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ipc.protocol import ChatEvent, ChatMessage, ChatOutcomeEvent, Message
from ipc.states import ChatKind
from workers.chat.backlog import KEPT, Backlog
from workers.chat.intake import Arrival
from workers.chat.platform import CONSOLE

A_SECOND = 100  # lines on the screen; nobody reads more, a terminal over SSH draws fewer
ONE_IN = 20  # of those beyond
TOLD_S = 60.0  # between two sentences about the same


class Throttle:
    """A sentence that may be said once in ``every_s``: counts, and gives the count when it may."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._told_s = -math.inf
        self._count = 0

    def happened(self, now_s: float, times: int = 1) -> int:
        """How often it happened since that was last told; 0: it is too early to tell."""
        self._count += times
        return self.due(now_s)

    def due(self, now_s: float) -> int:
        """The same, without anything new."""
        if not self._count or now_s - self._told_s < self._every_s:
            return 0
        count, self._count, self._told_s = self._count, 0, now_s
        return count


class Sample:
    """The first ``a_second`` things of each second, then one in ``one_in``."""

    def __init__(self, a_second: int, one_in: int) -> None:
        self._a_second = a_second
        self._one_in = one_in
        self._second_s = -math.inf
        self._seen = 0

    def takes(self, now_s: float) -> bool:
        """Whether this one is among the sample."""
        if now_s - self._second_s >= 1.0:
            self._second_s, self._seen = now_s, 0
        self._seen += 1
        beyond = self._seen - self._a_second
        return beyond <= 0 or beyond % self._one_in == 0


class Screen:
    """``publish`` is the events plane, ``notice`` the operator's log."""

    def __init__(
        self, publish: Callable[[Message], None], notice: Callable[[str, str], None]
    ) -> None:
        self._publish = publish
        self._notice = notice
        self._sample = Sample(A_SECOND, ONE_IN)
        self._left_out = Throttle(TOLD_S)

    def show(self, arrival: Arrival, now_s: float) -> None:
        """A line, and why it goes no further."""
        if not self._sample.takes(now_s) and not _matters(arrival):
            self._tell(self._left_out.happened(now_s))
            return
        self._publish(shown(arrival.message))
        if arrival.outcome is not None:
            self._publish(
                ChatOutcomeEvent(
                    message_id=arrival.message.id, outcome=arrival.outcome, reason=arrival.reason
                )
            )

    def tick(self, now_s: float) -> None:
        """Now and then, for what was not told yet."""
        self._tell(self._left_out.due(now_s))

    def _tell(self, left_out: int) -> None:
        if left_out:
            count = f" ({left_out} lines left out since this was said)" if left_out > 1 else ""
            self._notice(
                "info",
                f"chat is so busy that the screen shows a part of it; all of it is read{count}",
            )


def _matters(arrival: Arrival) -> bool:
    message = arrival.message
    return (
        message.paid > 0
        or message.kind is not ChatKind.LINE
        or message.held_why != ""
        or message.platform == CONSOLE
    )


def shown(message: ChatMessage) -> ChatEvent:
    """What a screen is told of it."""
    return ChatEvent(
        id=message.id,
        platform=message.platform,
        author=message.author,
        text=message.text,
        at=message.at,
        author_id=message.author_id,
        kind=message.kind,
        notice=message.notice,
        roles=message.roles,
        first=message.first,
        paid_text=message.paid_text,
        reply_to=message.reply_to,
        held_why=message.held_why,
    )


class Waiting:
    """Says that lines wait for the director, that some are lost, and that the rest was delivered.

    Once each: whoever looks at the log of a long absence must find the other lines too.
    ``notice`` takes level, text and hint.
    """

    def __init__(self, notice: Callable[[str, str, str], None]) -> None:
        self._notice = notice
        self._waited = 0
        self._told = self._told_lost = False
        self._slow = Throttle(TOLD_S)

    def begin(self, waited: int) -> None:
        """The director serves now; so many lines wait for it."""
        self._waited = max(self._waited, waited)

    def tell(self, backlog: Backlog, now_s: float, *, serves: bool) -> None:
        """What there is to say about the backlog as it is now."""
        if not serves:
            self._tell_away(backlog)
        elif not self._waited:
            self._tell_slow(backlog, now_s)
        elif not len(backlog):
            self._tell_delivered(backlog)

    def _tell_away(self, backlog: Backlog) -> None:
        self._waited = len(backlog)
        if not self._waited or (self._told and (self._told_lost or not backlog.lost)):
            return
        self._told, self._told_lost = True, bool(backlog.lost)
        lost = " and the oldest are now lost" if backlog.lost else ""
        self._notice(
            "warning",
            f"the director is away: chat lines wait (the newest {KEPT}){lost}",
            "spark-tui status shows what it is doing",
        )

    def _tell_delivered(self, backlog: Backlog) -> None:
        lost, backlog.lost = backlog.lost, 0
        waited, self._waited = self._waited, 0
        self._told = self._told_lost = False
        lines = "1 chat line" if waited == 1 else f"{waited} chat lines"
        text = f"{lines} waited for the director and went on"
        if lost:
            text += f", {lost} older ones were lost"
        self._notice("info", text, "")

    def _tell_slow(self, backlog: Backlog, now_s: float) -> None:
        lost, backlog.lost = backlog.lost, 0
        count = self._slow.happened(now_s, lost) if lost else self._slow.due(now_s)
        if count:
            self._notice(
                "warning",
                f"more chat comes than the director takes: lines were lost ({count})",
                "spark-tui status shows how busy it is",
            )
