"""Embeddings without a model: a bag of words, hashed. Same words, same vector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from workers.memory.engine import DIMENSIONS, Embedder, Progress, Vectors

_WORD = re.compile(r"\w+")


class HashEmbedder(Embedder):
    """Feature hashing (Weinberger et al. 2009): each word adds +1 or -1 at one place."""

    async def load(self, progress: Progress) -> dict[str, str]:
        progress("nothing to load")
        return {"engine": "hash"}

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([hash_vector(text) for text in texts])


def hash_vector(text: str) -> Vectors:
    """One row, the same on every machine and in every process."""
    row = np.zeros(DIMENSIONS, np.float32)
    for word in _WORD.findall(text.casefold()):
        digest = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
        row[(digest >> 1) % DIMENSIONS] += 1.0 if digest & 1 else -1.0
    length = float(np.linalg.norm(row))
    if not length:  # no words: somewhere, but of length 1
        row[0] = length = 1.0
    return np.asarray(row / length, np.float32)
