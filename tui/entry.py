"""The console script ``spark-tui``: Ctrl-C is no traceback, not even while it is importing."""

from __future__ import annotations

import sys

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line; see ``tui.cli``."""
    try:
        from tui.cli import main as run  # noqa: PLC0415  (inside the try, on purpose)

        run()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
