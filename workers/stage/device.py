"""Sound out of a device of this machine, through PortAudio.

The device has a thread of its own: opening and writing block, and the loop that owns the
clock must not.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipc.errors import SparkError
from workers.stage.playout import Sound

_BLOCK_S = 0.01  # the thread looks for a flush this often
_IDLE_S = 1.0  # without sound for this long the stream is closed: no wakes while idle
_WAITING = 64  # stretches of about 100 ms; a device this far behind is stuck


class DeviceMissing(SparkError):
    """There is no such sound device, or no PortAudio library to ask."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Ends the thread."""


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
        self._queue: queue.Queue[tuple[int, Sound] | _Stop] = queue.Queue(_WAITING)
        self._generation = 0  # sound of an earlier one was flushed
        self._thread = threading.Thread(target=self._run, name="sound device", daemon=True)
        self._thread.start()

    def sound(self, sound: Sound) -> None:
        try:
            self._queue.put_nowait((self._generation, sound))
        except queue.Full:
            self._on_problem(f"the sound device {self.label} takes no sound")

    def flush(self) -> None:
        self._generation += 1

    def close(self) -> None:
        """Waits at most half a second for the thread."""
        self.flush()
        while True:
            try:
                self._queue.put_nowait(_Stop())
                break
            except queue.Full:
                self._queue.get_nowait()
        self._thread.join(0.5)

    def _run(self) -> None:
        stream: Any = None
        rate = 0
        while True:
            try:
                item = self._queue.get(timeout=_IDLE_S if stream is not None else None)
            except queue.Empty:
                stream.close()
                stream = None
                continue
            if isinstance(item, _Stop):
                break
            generation, sound = item
            try:
                if stream is None or sound.rate != rate:
                    if stream is not None:
                        stream.close()
                    rate = sound.rate
                    stream = self._open(rate)
                self._write(stream, generation, sound)
            except self._audio.PortAudioError as error:
                stream = None
                self._on_problem(f"the sound device {self.label} failed: {error}")
            else:
                self._on_problem("")
        if stream is not None:
            stream.abort()
            stream.close()

    def _open(self, rate: int) -> Any:
        stream = self._audio.RawOutputStream(
            samplerate=rate, device=self._index, channels=1, dtype="int16", latency="low"
        )
        stream.start()
        return stream

    def _write(self, stream: Any, generation: int, sound: Sound) -> None:
        step = 2 * int(sound.rate * _BLOCK_S)
        for start in range(0, len(sound.pcm), step):
            if generation != self._generation:
                if stream.active:
                    stream.abort()  # drops what the device has taken but not played
                    stream.start()
                return
            stream.write(sound.pcm[start : start + step])
