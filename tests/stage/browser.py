"""A headless Chromium over its DevTools WebSocket."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-port=0",
    "--window-size=1280,720",
)


def find_chromium() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    return None


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._id = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        await self._socket.send(json.dumps({"id": self._id, "method": method, "params": params}))
        while True:
            answer = json.loads(await self._socket.recv())
            if answer.get("id") == self._id:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str, within_s: float = 15.0) -> None:
        """Wait in the page, frame by frame, until the condition holds."""
        script = f"""new Promise((resolve, reject) => {{
            const end = performance.now() + {within_s * 1000};
            const look = () => {{
                let good = false;
                try {{ good = ({condition}); }} catch (error) {{ good = false; }}
                if (good) resolve(true);
                else if (performance.now() > end) resolve(false);
                else setTimeout(look, 5);
            }};
            look();
        }})"""
        async with asyncio.timeout(within_s + 10):
            held = await self.evaluate(script)
        if not held:
            counters = await self.evaluate("JSON.stringify(window.__spark || null)")
            raise AssertionError(f"never true in the page: {condition}; counters: {counters}")

    async def open(self, url: str) -> None:
        await self.call("Page.enable")
        await self.call("Page.navigate", url=url)
        await self.until(
            f"location.href === {json.dumps(url)} && document.readyState !== 'loading'"
        )

    async def screenshot(self, path: Path) -> None:
        data = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(data["data"]))  # noqa: ASYNC240  # a small file


@asynccontextmanager
async def chromium(*, autoplay: bool = True, flags: Sequence[str] = ()) -> AsyncIterator[Page]:
    """A browser of its own with one tab; its whole process group ends with the block."""
    binary = find_chromium()
    assert binary is not None
    policy = "no-user-gesture-required" if autoplay else "document-user-activation-required"
    with tempfile.TemporaryDirectory(prefix="spark-browser-", ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            binary,
            *_FLAGS,
            f"--autoplay-policy={policy}",
            f"--user-data-dir={home}",
            *flags,
            "about:blank",
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "HOME": home},
            start_new_session=True,
        )
        assert process.stderr is not None
        noise: asyncio.Task[bytes] | None = None
        try:
            async with asyncio.timeout(30):
                while True:
                    line = (await process.stderr.readline()).decode(errors="replace")
                    assert line, "chromium ended before it listened"
                    if line.startswith("DevTools listening on "):
                        break
            noise = asyncio.create_task(process.stderr.read())
            base = line.split("ws://")[1].split("/")[0]
            async with connect(await _tab(base), max_size=None, proxy=None) as socket:
                yield Page(socket)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if noise is not None:
                await noise


async def _tab(base: str) -> str:
    def read() -> str:
        with urllib.request.urlopen(f"http://{base}/json/list", timeout=10) as answer:
            tabs = json.loads(answer.read())
        return str(next(t["webSocketDebuggerUrl"] for t in tabs if t["type"] == "page"))

    return await asyncio.to_thread(read)
