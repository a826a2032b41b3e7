"""What a language model engine is to the worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from ipc.protocol import Generate, Prewarm
from ipc.states import Finish

Emit = Callable[[str, int], None]
"""Takes the next text and how many tokens it is. Called on the event loop."""

Alive = Callable[[], bool]
"""False once nobody wants the reply any more. May be asked from any thread."""

Progress = Callable[[str], None]
"""Takes a sentence about how far loading has come. Called on the event loop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended. Counts are tokens; 0 where the engine does not tell."""

    finish: Finish
    tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    error: str = ""


class Engine(ABC):
    """Loads once, then generates; ``generate`` may run several times at once."""

    @abstractmethod
    async def load(self, progress: Progress) -> dict[str, str]:
        """Load and run one tiny inference; details for people. Raises ModelMissing."""

    @abstractmethod
    async def generate(
        self, request: Generate, arrived_s: float, emit: Emit, alive: Alive
    ) -> Outcome:
        """Stream one reply. What goes wrong inside becomes an Outcome, never an exception.

        ``arrived_s`` is when the request came, on the event loop's clock. Once ``alive``
        says no, it ends with CANCELLED within one token.
        """

    async def prewarm(self, request: Prewarm) -> None:
        """Put a prefix into the cache, if there is one."""

    async def close(self) -> None:
        """End what still runs and release the model."""
