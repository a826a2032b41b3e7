"""``python -m workers.supervisor``. Told to stop while it is still importing, it exits with 0."""

from __future__ import annotations

import signal
import sys


def _nothing_to_drain(*_: object) -> None:
    sys.exit(0)


for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, _nothing_to_drain)  # until the show listens for itself

from workers.supervisor.command import main  # noqa: E402  (after the handlers, on purpose)

main()
