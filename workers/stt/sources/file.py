"""A file played in as if somebody said it now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from workers.stt.audio import BadSound
from workers.stt.sources.hello import Hello
from workers.stt.sources.page import Hearing
from workers.stt.sources.wav import open_sound

_STEP_S = 0.04
_SILENCE_S = 1.0  # behind the file, so that its last word has an end


async def play_file(
    name: str,
    path: str,
    hear: Callable[[Hello], Hearing],
    now_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> float:
    """In real time, to the end. Returns its length in seconds. Raises BadSound."""
    sound = await asyncio.to_thread(open_sound, path)
    hearing = hear(Hello(name, sound.rate, sound.channels, sound.format, None))
    try:
        frame = hearing.frame_bytes
        step = max(1, int(sound.rate * _STEP_S)) * frame
        began_s = now_s()
        sent = 0
        blocks = sound.blocks(step)
        while block := await asyncio.to_thread(next, blocks, b""):
            sent += len(block)
            await sleep(max(0.0, began_s + sent / (sound.rate * frame) - now_s()))
            hearing.push(block)
        for _ in range(int(_SILENCE_S / _STEP_S)):
            sent += step
            await sleep(max(0.0, began_s + sent / (sound.rate * frame) - now_s()))
            hearing.push(bytes(step))
    finally:
        hearing.close()
    return sound.length / (sound.rate * sound.channels) / (frame // sound.channels)


async def keep_playing(
    name: str,
    path: str,
    hear: Callable[[Hello], Hearing],
    notice: Callable[[str, str, str], None],
) -> None:
    """Play it once; say what is wrong with it, or that it is over."""
    try:
        seconds = await play_file(name, path, hear)
    except BadSound as error:
        notice("warning", f"the sound source {name!r} is not heard: {error.message}", error.hint)
    else:
        notice("info", f"the sound file of {name!r} is over after {seconds:.1f} s", "")
