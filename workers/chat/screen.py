"""What the screens are told of chat: all of it, or in a flood a part that can still be drawn.

The director gets every line whatever is shown.
"""

from __future__ import annotations

from collections.abc import Callable

from ipc.protocol import ChatOutcomeEvent, Message
from ipc.states import ChatKind
from workers.chat.intake import Arrival, shown
from workers.chat.seldom import Sample, Seldom

A_SECOND = 100  # nobody reads more; a terminal over SSH draws a fraction of it
ONE_IN = 20
TOLD_S = 60.0
CONSOLE = "console"


class Screen:
    """``publish`` is the events plane, ``notice`` the operator's log."""

    def __init__(
        self, publish: Callable[[Message], None], notice: Callable[[str, str], None]
    ) -> None:
        self._publish = publish
        self._notice = notice
        self._sample = Sample(A_SECOND, ONE_IN)
        self._left_out = Seldom(TOLD_S)

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
