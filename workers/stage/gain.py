"""How loud her voice is: turned down while somebody else speaks.

A Ramp is immutable and a function of the playout clock, so the thread of a device and the
records can apply it to any stretch, in any order, and agree.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000_000


def warm() -> None:
    """Load what ``apply`` needs, away from the event loop, before the first interruption."""
    Ramp(0.5, 0.5).apply(bytes(4), 24_000, 1)


@dataclass(frozen=True, slots=True)
class Ramp:
    """From gain ``begin`` at ``at_ns`` in a straight line to ``end``, ``length_ns`` later."""

    begin: float = 1.0
    end: float = 1.0
    at_ns: int = 0
    length_ns: int = 0

    def to(self, gain: float, now_ns: int, ramp_s: float) -> Ramp:
        """The next ramp: from where this one is now."""
        return Ramp(self.at(now_ns), gain, now_ns, int(ramp_s * SECOND))

    def at(self, at_ns: int) -> float:
        """The gain at that time."""
        if at_ns >= self.at_ns + self.length_ns:
            return self.end
        part = max(0.0, (at_ns - self.at_ns) / self.length_ns)
        return self.begin + (self.end - self.begin) * part

    def leaves(self, at_ns: int) -> bool:
        """Whether sound from then on stays as it is."""
        return self.at(at_ns) == 1.0 and self.end == 1.0

    def apply(self, pcm: bytes, rate: int, at_ns: int) -> bytes:
        """16-bit mono ``pcm`` whose first sample is due at ``at_ns``, at its gain."""
        if self.leaves(at_ns) or len(pcm) < 2:
            return pcm
        import numpy as np  # noqa: PLC0415  # 30 MB that a show without interruptions never needs

        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")
        if at_ns >= self.at_ns + self.length_ns:
            return bytes(np.rint(samples * np.float32(self.end)).astype("<i2").tobytes())
        since_ns = at_ns - self.at_ns + np.arange(len(samples)) * (SECOND / rate)
        gains = np.interp(since_ns, (0, self.length_ns), (self.begin, self.end))
        return bytes(np.rint(samples * gains).astype("<i2").tobytes())
