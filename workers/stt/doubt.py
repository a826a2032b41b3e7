"""Whether a person said these words, or the model imagined them. Pure.

Whisper was trained on subtitles and finds words in noise. What it imagines gives itself
away: it is unsure, repeats itself, comes faster than anybody speaks, or is one of a few
closing phrases of videos.
"""

from __future__ import annotations

from collections import Counter

from ipc.config.stt import DoubtSection
from workers.stt.engine import Transcript
from workers.stt.words import spoken, words

_PHANTOMS = frozenset(
    """
    you|thank you|thanks|thank you very much|thank you so much|thanks for watching
    thank you for watching|bye|bye bye|the end|i'm sorry|oh|ah|hmm|mm|uh|so|okay
    please subscribe|see you next time|i'll see you next time|music|silence|applause
    """.replace("\n", "|").split("|")
)
"""What is imagined most. Believed only if the model is sure: people say these things too."""
_SURE_PHANTOM = -0.35  # mean log probability
_SPARE_WORDS = 2  # any short sound may hold this many more
_REPEATED = {1: 6, 2: 4, 3: 4}  # so often the same one, two, three words: no speech


def doubt(transcript: Transcript, voiced_s: float, limits: DoubtSection) -> str:
    """Why these are not a person's words; empty if they are.

    ``voiced_s`` is how much of the sound the voice detector took for speech.
    """
    said = words(spoken(transcript.text))
    if not said:
        return "no words in it"
    if transcript.no_speech >= limits.no_speech and transcript.logprob < limits.surely:
        return "a noise"
    if transcript.logprob < limits.never:
        return "not understood"
    if transcript.compression > limits.compression or _repeats(said):
        return "the same words again and again"
    if len(said) > voiced_s * limits.words_per_s + _SPARE_WORDS:
        return "more words than the sound has room for"
    if " ".join(said).strip() in _PHANTOMS and transcript.logprob < _SURE_PHANTOM:
        return "a phrase that noise is taken for"
    return ""


def _repeats(said: list[str]) -> bool:
    """One, two or three words that make up most of the text, over and over."""
    for length, often in _REPEATED.items():
        if len(said) < length * often:
            continue
        groups = Counter(
            tuple(said[i : i + length]) for i in range(0, len(said) - length + 1, length)
        )
        most = groups.most_common(1)[0][1]
        if most >= often and most * length * 2 > len(said):
            return True
    return False
