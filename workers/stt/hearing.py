"""All of hearing as one thing that a worker owns: engine, ears, page, devices, files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ipc.config.stt import SttSection
from ipc.errors import AddressInUse
from workers.runtime.visitors import is_loopback, kept_token
from workers.stt.ears import Detector, Ear, Ears, Told
from workers.stt.engine import Engine
from workers.stt.scribe import Scribe
from workers.stt.scripted import ScriptedEngine
from workers.stt.sources.device import Devices, Microphone
from workers.stt.sources.file import keep_playing
from workers.stt.sources.hello import Hello
from workers.stt.sources.page import MicrophonePage
from workers.stt.vad import Silero, load_silero
from workers.stt.whisper import WhisperEngine

BIND_RETRY_S = 3.0
_HEARING_S = 15.0  # one hearing may keep the engine's thread this long on a busy machine


class Host(Protocol):
    """What hearing needs of the process it lives in; ``workers.runtime.Link`` has it."""

    state_dir: Path
    problem: str

    def loading(self, text: str, fraction: float | None = None) -> None: ...

    def notice(self, level: str, text: str, hint: str = "") -> None: ...

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]: ...

    def working(self, at_most_s: float = 0.0) -> AbstractContextManager[None]: ...


def token_file(state_dir: Path) -> Path:
    """Where the token of a page that is not on loopback is kept."""
    return state_dir / "mic-token"


def make_engine(settings: SttSection) -> Engine:
    if settings.engine == "scripted":
        return ScriptedEngine(settings.scripted)
    return WhisperEngine(settings)


class Hearing:
    """``tell`` takes every message, in order. ``close`` after a failed ``load``, too."""

    def __init__(self, settings: SttSection, host: Host, tell: Callable[[Told], None]) -> None:
        self._settings = settings
        self._host = host
        self._told = tell
        self._engine = make_engine(settings)
        self._scribe = Scribe(self._engine, partial(host.working, _HEARING_S))
        self._silero: Any = None
        self._ears = Ears(settings, self._scribe, self._detector, self._tell)
        self._page: MicrophonePage | None = None
        self._problems: dict[str, str] = {}
        self._loading = False

    async def load(self) -> dict[str, str]:
        """Open every source; details for people. Raises ModelMissing.

        A source that cannot be opened is a problem, not an end.
        """
        settings, host = self._settings, self._host
        host.loading("loading the voice detector")
        self._silero = await asyncio.to_thread(load_silero)
        details: dict[str, str] = {"engine": settings.engine}
        if settings.lazy and not settings.devices and not settings.files:
            self._engine.check()
            details["engine"] += ", loaded when the first source comes"
        else:
            self._loading = True
            details |= await self._scribe.load(host.loading)
        host.spawn(self._scribe.run(), "hearing")
        if settings.page:
            details |= await self._open_page()
        devices = Devices()
        for name, wanted in settings.devices.items():
            microphone = Microphone(
                name, wanted, self.hear, partial(self._trouble, f"device {name}"), devices
            )
            host.spawn(microphone.run(), f"microphone {name}")
        for name, path in settings.files.items():
            host.spawn(keep_playing(name, path, self.hear, host.notice), f"file {name}")
        named = [*settings.devices, *settings.files]
        if named:
            details["sources"] = ", ".join(named)
        return details

    def hear(self, hello: Hello) -> Ear:
        """A source begins. Raises BadSound."""
        if not self._loading:
            self._loading = True
            self._host.spawn(self._scribe.load(lambda _: None), "loading the engine")
        hears_her = True if hello.hears_her is None else hello.hears_her
        return self._ears.open(
            hello.name, hello.rate, hello.channels, hello.format, hears_her=hears_her
        )

    def playing(self, text: str) -> None:
        """She is heard saying this from now on."""
        self._ears.playing(text)

    @property
    def url(self) -> str:
        """Of the microphone page; empty without one."""
        return self._page.url if self._page is not None else ""

    async def close(self) -> None:
        if self._page is not None:
            await self._page.close()
        await self._scribe.close()

    # --- inside ---

    def _detector(self) -> Detector:
        return Silero(self._silero).probability

    def _tell(self, message: Told) -> None:
        self._told(message)
        if self._page is not None:
            self._page.tell(message)

    async def _open_page(self) -> dict[str, str]:
        settings, host = self._settings, self._host
        token = "" if is_loopback(settings.page_host) else kept_token(token_file(host.state_dir))
        self._page = page = MicrophonePage(
            settings.page_host, settings.page_port, self.hear, host.notice, token
        )
        if not await self._bind(page):
            host.spawn(self._bind_later(page), "microphone page")
        details = {"microphone": page.url}
        if token:
            details["token"] = f"add ?token= and the word in {token_file(host.state_dir)}"
        return details

    async def _bind(self, page: MicrophonePage) -> bool:
        try:
            await page.bind()
        except AddressInUse as error:
            self._trouble("page", f"{error.message}; {error.hint}")
            return False
        return True

    async def _bind_later(self, page: MicrophonePage) -> None:
        bound = False
        while not bound:
            await asyncio.sleep(BIND_RETRY_S)
            bound = await self._bind(page)
        self._trouble("page", "")
        self._host.notice("info", f"the microphone page is at {page.url}")

    def _trouble(self, source: str, sentence: str) -> None:
        """What is wrong with a source now; empty: nothing any more. Said once a trouble."""
        before = self._problems.pop(source, "")
        if sentence:
            self._problems[source] = sentence
            if not before:
                self._host.notice("warning", sentence)
        elif before:
            self._host.notice("info", f"{source} is well again")
        self._host.problem = ". ".join(self._problems.values())
