"""A microphone of this machine, through PortAudio.

PortAudio calls from a thread of its own; the sound is handed to the event loop. A device
that is missing or vanishes is said once and looked for until it is there (again).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from workers.stt.audio import BadSound
from workers.stt.sources.hello import Hello
from workers.stt.sources.page import Hearing

_BLOCK_S = 0.02
_RETRY_S = 3.0
_SILENT_S = 3.0  # a device that gives nothing for so long is gone


def portaudio() -> Any:
    """The sounddevice module. Raises BadSound without its library."""
    try:
        import sounddevice  # noqa: PLC0415  # only for shows that use a device
    except (ImportError, OSError):
        raise BadSound(
            "stt.devices names a sound device, but the PortAudio library is not installed",
            "sudo apt install libportaudio2, or use the microphone page",
        ) from None
    return sounddevice


def find_microphone(audio: Any, wanted: str) -> tuple[int | None, int, str]:
    """(PortAudio index or None for the default, its rate, its name). Raises BadSound."""
    devices = [(i, d) for i, d in enumerate(audio.query_devices()) if d["max_input_channels"] > 0]
    if not devices:
        raise BadSound("this machine has no microphone", "connect one, or use the microphone page")
    if wanted == "default":
        device = audio.query_devices(kind="input")
        return None, int(device["default_samplerate"]), str(device["name"])
    for index, device in devices:
        if wanted.lower() in str(device["name"]).lower():
            return index, int(device["default_samplerate"]), str(device["name"])
    known = ", ".join(str(device["name"]) for _, device in devices)
    raise BadSound(f"no microphone is called {wanted!r}", f"stt.devices may name: {known}")


class Devices:
    """PortAudio, shared by all microphones of the worker."""

    def __init__(self, load: Callable[[], Any] = portaudio) -> None:
        self._load = load
        self._open = 0

    async def audio(self) -> Any:
        """Raises BadSound."""
        return await asyncio.to_thread(self._load)

    def opened(self) -> None:
        self._open += 1

    async def closed(self, stream: Any, audio: Any) -> None:
        self._open -= 1
        if stream is not None:
            await asyncio.to_thread(_close, audio, stream)

    async def look_again(self, audio: Any) -> None:
        """PortAudio lists devices once; a new cable is seen only after this.

        Not while another microphone is open: it would be closed too.
        """
        if self._open == 0:
            await asyncio.to_thread(_start_again, audio)


class Microphone:
    """``run`` listens for ever. ``problem(sentence)``: what is wrong now; empty: nothing."""

    def __init__(
        self,
        name: str,
        wanted: str,
        hear: Callable[[Hello], Hearing],
        problem: Callable[[str], None],
        devices: Devices,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._wanted = wanted
        self._hear = hear
        self._problem = problem
        self._devices = devices
        self._sleep = sleep
        self._now_s = now_s
        self._last_s = 0.0

    async def run(self) -> None:
        while True:
            try:
                audio = await self._devices.audio()
            except BadSound as error:  # will not change while the worker lives
                self._problem(f"{error.message}; {error.hint}")
                return
            try:
                await self._listen(audio)
            except BadSound as error:
                self._problem(f"the microphone of {self._name!r}: {error.message}; {error.hint}")
            except audio.PortAudioError as error:
                self._problem(
                    f"the microphone of {self._name!r} failed: {error}; look at its cable"
                )
            await self._sleep(_RETRY_S)
            await self._devices.look_again(audio)

    async def _listen(self, audio: Any) -> None:
        """Until it vanishes, which raises BadSound or PortAudioError."""
        loop = asyncio.get_running_loop()
        index, rate, label = await asyncio.to_thread(find_microphone, audio, self._wanted)
        hearing = self._hear(Hello(self._name, rate, 1, "s16le", None))
        over = asyncio.Event()

        def came(data: Any, _frames: int, _times: Any, _status: Any) -> None:
            loop.call_soon_threadsafe(self._came, hearing, bytes(data))

        def ended() -> None:
            loop.call_soon_threadsafe(over.set)

        stream: Any = None
        self._devices.opened()
        try:
            stream = await asyncio.to_thread(
                audio.RawInputStream,
                samplerate=rate,
                blocksize=int(rate * _BLOCK_S),
                device=index,
                channels=1,
                dtype="int16",
                latency="low",
                callback=came,
                finished_callback=ended,
            )
            await asyncio.to_thread(stream.start)
            self._last_s = self._now_s()
            self._problem("")
            while not over.is_set() and self._now_s() - self._last_s < _SILENT_S:
                try:
                    async with asyncio.timeout(_SILENT_S):
                        await over.wait()
                except TimeoutError:
                    continue  # look whether sound still comes
            raise BadSound(f"{label} gives no more sound", "look at its cable; it is tried again")
        finally:
            hearing.close()
            await asyncio.shield(self._devices.closed(stream, audio))

    def _came(self, hearing: Hearing, data: bytes) -> None:
        self._last_s = self._now_s()
        hearing.push(data)


def _close(audio: Any, stream: Any) -> None:
    try:
        stream.abort()
        stream.close()
    except audio.PortAudioError:
        return  # it is gone: there is nothing left to close


def _start_again(audio: Any) -> None:
    try:
        audio._terminate()
        audio._initialize()
    except audio.PortAudioError:
        return  # no sound system now: the next look says so
