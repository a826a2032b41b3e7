"""Sound out of a device of this machine, through PortAudio.

The device has a thread of its own: opening and writing block, and the loop that owns the
clock must not.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any

from ipc.errors import SparkError
from workers.stage.gain import Ramp
from workers.stage.outputs import FADE_S, Sound, Truncate
from workers.stage.wordend import fade_out

_BLOCK_S = 0.01  # the thread looks for a flush this often
_IDLE_S = 1.0  # without sound for this long the stream is closed: no wakes while idle
_WAITING = 64  # stretches of about 150 ms; a device this far behind is stuck


class DeviceMissing(SparkError):
    """There is no such sound device, or no PortAudio library to ask."""


class _Order(Enum):
    """What the thread is told besides sound."""

    FLUSH = auto()
    STOP = auto()


def portaudio() -> Any:
    """The sounddevice module. Raises DeviceMissing without its library."""
    try:
        import sounddevice  # noqa: PLC0415  # only for shows that use a device
    except (ImportError, OSError):
        raise DeviceMissing(
            "stage.device is set, but the PortAudio library is not installed",
            "sudo apt install libportaudio2, or empty stage.device",
        ) from None
    return sounddevice


def find_device(audio: Any, name: str) -> tuple[int | None, str]:
    """(PortAudio index or None for the default, its name). Raises DeviceMissing."""
    devices = [(i, d) for i, d in enumerate(audio.query_devices()) if d["max_output_channels"] > 0]
    if not devices:
        raise DeviceMissing(
            "stage.device is set, but this machine has no sound device",
            "connect one, or empty stage.device",
        )
    if name == "default":
        return None, "default"
    for index, device in devices:
        if name.lower() in str(device["name"]).lower():
            return index, str(device["name"])
    known = ", ".join(str(device["name"]) for _, device in devices)
    raise DeviceMissing(f"no sound device is called {name!r}", f"stage.device may be: {known}")


class Device:
    """A sink. ``on_problem(sentence)`` is called from its thread; empty means well again."""

    def __init__(self, name: str, on_problem: Callable[[str], None]) -> None:
        self._audio = portaudio()
        self._index, self.label = find_device(self._audio, name)
        self._on_problem = on_problem
        self._queue: queue.Queue[tuple[int, Sound] | _Order] = queue.Queue(_WAITING)
        self._generation = 0  # sound of an earlier one was flushed
        self._stream: Any = None
        self._rate = 0
        self._ramp = Ramp()
        self._truncate: Truncate | None = None
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="sound device", daemon=True)
        self._thread.start()

    def sound(self, sound: Sound) -> None:
        """Dropped if the device does not keep up."""
        with suppress(queue.Full):
            self._queue.put_nowait((self._generation, sound))

    def duck(self, ramp: Ramp) -> None:
        """From now on at this gain."""
        self._ramp = ramp

    def truncate(self, truncate: Truncate) -> None:
        """Nothing of that turn after that time. What the device itself holds is about 10 ms."""
        self._truncate = truncate

    def flush(self) -> None:
        self._tell(_Order.FLUSH)

    def close(self) -> None:
        """Waits at most half a second for the thread."""
        self._tell(_Order.STOP)
        self._thread.join(0.5)

    def _tell(self, order: _Order) -> None:
        """Instead of everything that waits."""
        self._generation += 1
        while True:
            with suppress(queue.Empty):
                while True:
                    self._queue.get_nowait()
            with suppress(queue.Full):
                self._queue.put_nowait(order)
                return

    def _run(self) -> None:
        while True:
            item: tuple[int, Sound] | _Order | None = None
            with suppress(queue.Empty):
                item = self._queue.get(timeout=_IDLE_S if self._stream is not None else None)
            try:
                if isinstance(item, tuple):
                    self._write(*item)
                elif item is _Order.FLUSH and self._stream is not None:
                    self._stream.abort()  # drops what the device has taken but not played
                    self._stream.start()
                elif item is not _Order.FLUSH:  # STOP, or nothing for a while
                    self._close_stream()
            except self._audio.PortAudioError as error:
                self._drop_stream()
                self._report(f"the sound device {self.label} failed: {error}")
            if item is _Order.STOP:
                return

    def _write(self, generation: int, sound: Sound) -> None:
        if self._stream is None or sound.rate != self._rate:
            self._close_stream()
            self._stream = self._audio.RawOutputStream(
                samplerate=sound.rate, device=self._index, channels=1, dtype="int16", latency="low"
            )
            self._rate = sound.rate
            self._stream.start()
        step = int(sound.rate * _BLOCK_S)
        for start in range(0, len(sound.pcm) // 2, step):
            if generation != self._generation:
                return
            pcm, ended = self._block(sound, start, step)
            if pcm:
                self._stream.write(pcm)
            if ended:
                break
        self._report("")

    def _block(self, sound: Sound, start: int, count: int) -> tuple[bytes, bool]:
        """Samples of the stretch as they are due now, and whether it ends with them."""
        at_ns = sound.at_ns + start * 1_000_000_000 // sound.rate
        pcm = sound.pcm[2 * start : 2 * (start + count)]
        truncate, ended = self._truncate, False
        if truncate is not None and truncate.turn == sound.turn:
            left = max(0, (truncate.at_ns - at_ns) * sound.rate // 1_000_000_000)
            if left <= count:
                faded = bytearray(pcm[: 2 * left])
                fade_out(faded, int(FADE_S * sound.rate))
                pcm, ended = bytes(faded), True
        return self._ramp.apply(pcm, sound.rate, at_ns), ended

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.abort()
            self._stream.close()
            self._stream = None

    def _drop_stream(self) -> None:
        """Of a device that failed: give back what can be given back."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(self._audio.PortAudioError):
                stream.close()

    def _report(self, problem: str) -> None:
        if bool(problem) != self._failing:
            self._failing = bool(problem)
            self._on_problem(problem)
