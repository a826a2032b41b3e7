"""What an embedding engine is to the worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (texts, DIMENSIONS), every row of length 1."""

DIMENSIONS: Final = 384

Progress = Callable[[str], None]
"""Takes a sentence about how far loading has come. Called on the event loop."""


class Embedder(ABC):
    """Texts to vectors whose scalar product says how alike the texts are."""

    @abstractmethod
    async def load(self, progress: Progress) -> dict[str, str]:
        """Load and embed once; details for people. Raises ModelMissing."""

    @abstractmethod
    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text."""

    async def close(self) -> None:
        """Release the model."""
