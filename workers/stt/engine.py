"""What an engine of hearing is to the worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from workers.stt.audio import Samples

Progress = Callable[[str], None]
"""Takes a sentence about how far loading has come. Called from the engine's thread."""


class Abandoned(Exception):
    """Nobody wants this text any more."""


@dataclass(frozen=True)
class Transcript:
    """What an engine heard, and how sure it is."""

    text: str
    no_speech: float = 0.0  # probability that nobody speaks
    logprob: float = 0.0  # mean of the natural logarithms of the tokens' probabilities
    compression: float = 1.0  # how well the text packs; speech is below 2


class Engine(ABC):
    """All methods are called from one thread of its own, and may block there."""

    def check(self) -> None:
        """Whether ``load`` could work, without loading. Raises ModelMissing."""

    @abstractmethod
    def load(self, progress: Progress) -> dict[str, str]:
        """Load and hear once; details for people. Raises ModelMissing."""

    @abstractmethod
    def hear(
        self, sound: Samples, *, utterance: str, thorough: bool, unwanted: Callable[[], bool]
    ) -> Transcript:
        """Write down what is said in at most 30 s of sound.

        ``utterance`` is the same for every hearing of the same one. ``thorough``: as well as
        can be, not as fast. Raises Abandoned soon after ``unwanted()`` became true.
        """
