"""Draw docs/screen.svg: the screen of the show that runs now, in the middle of a reply.

spark-tui --demo                 # in one terminal
python scripts/screenshot.py     # in another, with the same --state if it is not the default
"""

from __future__ import annotations

import argparse
import asyncio
import re
from functools import partial
from pathlib import Path

from ipc.endpoints import Endpoints, default_state_dir
from ipc.protocol import ClauseEvent, Message
from tui.app import ShowApp
from tui.client import ShowClient

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "screen.svg"
CLAUSES = 4  # so much has been said when the picture is taken


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--state", type=Path, default=default_state_dir())
    options = parser.parse_args()
    endpoints = Endpoints.of(options.state)
    speaking = asyncio.Event()
    heard = 0

    def watch(event: Message) -> None:
        nonlocal heard
        heard += isinstance(event, ClauseEvent) and event.heard == 0
        if heard >= CLAUSES:
            speaking.set()

    app = ShowApp(partial(ShowClient, endpoints, readonly=True), readonly=False, rate_hz=8.0)
    async with (
        ShowClient(endpoints, on_event=watch, on_reset=lambda _: None, on_lost=speaking.set),
        app.run_test(size=(140, 45)) as pilot,
    ):
        await speaking.wait()
        await pilot.pause(0.5)  # two redraws
        # without Textual's web fonts: a picture in a README should load nothing from elsewhere
        picture = re.sub(
            r"@font-face\s*{.*?}", "", app.export_screenshot(title="spark-tui"), flags=re.S
        )
        PICTURE.write_text(picture, encoding="utf-8")
    print(PICTURE)


if __name__ == "__main__":
    asyncio.run(main())
