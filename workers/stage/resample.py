"""Another sample rate for a sink that has one of its own. Rare: voices keep their rate."""

from __future__ import annotations


def resample(pcm: bytes, source: int, target: int) -> bytes:
    """16-bit mono PCM at ``target`` samples a second, by linear interpolation."""
    if source == target or len(pcm) < 2:
        return pcm
    import numpy as np  # noqa: PLC0415  # 30 MB that a show with one voice never needs

    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")
    count = max(1, round(len(samples) * target / source))
    at = np.arange(count) * (source / target)
    return bytes(np.interp(at, np.arange(len(samples)), samples).astype("<i2").tobytes())
