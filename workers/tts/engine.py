"""What a voice engine is to the worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable

from ipc.protocol import Synthesise

Progress = Callable[[str], None]
"""Takes a sentence about how far loading has come. Called on the event loop."""

SAMPLE_BYTES = 2  # signed 16-bit mono


class Unspeakable(Exception):
    """This clause has no (more) sound; the text says why, in a sentence."""


class Engine(ABC):
    """Loads once, then speaks one clause after another."""

    sample_rate: int

    @abstractmethod
    async def load(self, progress: Progress) -> dict[str, str]:
        """Load and speak once into nowhere; details for people. Raises ModelMissing."""

    @abstractmethod
    def speak(self, clause: Synthesise, arrived_s: float) -> AsyncGenerator[bytes, None]:
        """The clause as chunks of signed 16-bit little-endian mono PCM, as early as they exist.

        ``arrived_s`` is when the clause came, on the event loop's clock. Raises Unspeakable.
        """

    async def close(self) -> None:
        """Release the model."""
