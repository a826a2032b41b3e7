"""Where her mouth is: frames of lip sync, stamped on the playout clock.

Fed with the sound as it goes to the sinks. Frames are sure only some 50 ms after their sound
is known; the lead of the sinks is longer than that, so they are still early.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from workers.stage.outputs import Sound

if TYPE_CHECKING:
    from workers.face.lipsync import LipSync
    from workers.face.vowels import Floats

RATE_HZ = 60.0
_SECOND = 1_000_000_000
_JOINED_NS = 1_000_000  # stretches closer together than this are one


@dataclass(frozen=True, slots=True)
class Track:
    """Rows (n, 6) of A I U E O and openness; row k is for ``at_ns`` + (k + 0.5) / RATE_HZ s."""

    turn: int
    clause: int
    at_ns: int
    rows: Floats
    persona: str
    emotion: str


class Mouth:
    """Made off the event loop: its library takes a while to load.

    One clause at a time: ``sound`` with its stretches in order, ``finished`` when it was heard,
    ``stop`` when the turn was cut. Each voice keeps what was learned about it.
    """

    def __init__(self) -> None:
        # numpy and 30 MB, only for those who want a mouth
        from workers.face import lipsync  # noqa: PLC0415

        self._make = lipsync.LipSync
        self._voices: dict[tuple[str, int], LipSync] = {}
        self._sync: LipSync | None = None
        self._sound: Sound | None = None  # the latest stretch of the clause
        self._fed = 0  # samples of the clause
        self._rows = 0  # frames that came out
        self._stretches: deque[tuple[int, int]] = deque()  # (sample fed, when it sounds)
        warm = lipsync.LipSync(24_000)
        warm.feed(bytes(4800))
        warm.finish()

    def sound(self, sound: Sound) -> list[Track]:
        """A stretch that goes to the sinks now."""
        before = self._sound
        tracks: list[Track] = []
        if before is not None and (before.turn, before.clause) != (sound.turn, sound.clause):
            tracks = self.finish()
            before = None
        if before is None:
            voice = (sound.persona, sound.rate)
            if voice not in self._voices:
                self._voices[voice] = self._make(sound.rate)
            self._sync = self._voices[voice]
        if before is None or abs(sound.at_ns - before.end_ns) > _JOINED_NS:
            self._stretches.append((self._fed, sound.at_ns))
        self._sound = sound
        self._fed += len(sound.pcm) // 2
        assert self._sync is not None
        tracks += self._place(sound, self._sync.feed(sound.pcm))
        return tracks + self.finish() if sound.last else tracks

    def finish(self) -> list[Track]:
        """The clause has no more sound: its last frames, which close the mouth."""
        sound, sync = self._sound, self._sync
        if sound is None or sync is None:
            return []
        tracks = self._place(sound, sync.finish())
        self._sound = self._sync = None
        self._fed = self._rows = 0
        self._stretches.clear()
        return tracks

    def finished(self, turn: int, clause: int) -> list[Track]:
        """This clause has been heard to its end, which nobody knew when its sound went out."""
        sound = self._sound
        known = sound is not None and (sound.turn, sound.clause) == (turn, clause)
        return self.finish() if known else []

    def stop(self) -> None:
        """The sound was cut: what is left of the clause is not needed."""
        self.finish()

    def _place(self, sound: Sound, frames: Floats) -> list[Track]:
        """Each frame belongs to the stretch in which the middle of its sound lies."""
        tracks: list[Track] = []
        while len(frames):
            count = len(frames)
            if len(self._stretches) > 1:
                next_row = self._stretches[1][0] * RATE_HZ / sound.rate - 0.5
                count = min(count, ceil(next_row) - self._rows)
                if count <= 0:
                    self._stretches.popleft()
                    continue
            fed, at_ns = self._stretches[0]
            first_ns = int(self._rows / RATE_HZ * _SECOND) - fed * _SECOND // sound.rate
            tracks.append(
                Track(
                    turn=sound.turn,
                    clause=sound.clause,
                    at_ns=max(0, at_ns + first_ns),
                    rows=frames[:count],
                    persona=sound.persona,
                    emotion=sound.emotion,
                )
            )
            self._rows += count
            frames = frames[count:]
        return tracks
