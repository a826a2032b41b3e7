"""Where a voice can be stopped: between two words, if there is such a place.

A pause between words is the quietest moment of the next few syllables. In fluent speech words
run into each other: then it is the closure of a consonant, where a voice stops as naturally,
if not always at the end of a word. Plain integers, for at most half a second of sound, only
when somebody interrupts.
"""

from __future__ import annotations

import sys
from array import array

_BLOCK_S = 0.01
_BLOCKS = 2  # so many in a row make a pause
_EVERY = 4  # of the samples: loudness needs no more
QUIET = 0.125  # of the loudest block, about -18 dB: a closed consonant or a pause
_SILENCE = 150  # mean amplitude of a block that is quiet whatever is around it, about -47 dB


def word_end(pcm: bytes | bytearray, rate: int, first: int, last: int, *, final: bool) -> int:
    """The sample in ``first..last`` at which to stop 16-bit mono ``pcm``.

    ``final``: ``last`` is where the clause ends anyway, which is an end of a word. Otherwise
    the middle of the quietest 20 ms, or ``last`` if nothing in there is quiet.
    """
    if final:
        return last
    block = max(1, int(rate * _BLOCK_S))
    samples = array("h", bytes(pcm[2 * first : 2 * last]))
    if sys.byteorder == "big":
        samples.byteswap()
    levels = [
        sum(map(abs, samples[start : start + block : _EVERY]))
        for start in range(0, len(samples) - block + 1, block)
    ]
    pauses = [sum(levels[i : i + _BLOCKS]) for i in range(len(levels) - _BLOCKS + 1)]
    if not pauses:
        return last
    quiet = max(QUIET * max(levels), _SILENCE * -(-block // _EVERY))
    if min(pauses) > _BLOCKS * quiet:
        return last
    return first + (pauses.index(min(pauses)) + _BLOCKS // 2) * block


def fade_out(pcm: bytearray, count: int) -> None:
    """Let the last ``count`` samples go to silence, in place."""
    count = min(count, len(pcm) // 2)
    if count == 0:
        return
    samples = array("h", bytes(pcm[-2 * count :]))
    if sys.byteorder == "big":
        samples.byteswap()
    for i in range(count):
        samples[i] = samples[i] * (count - 1 - i) // count
    if sys.byteorder == "big":
        samples.byteswap()
    pcm[-2 * count :] = samples.tobytes()
