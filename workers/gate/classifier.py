"""A text classifier as a judge: an ONNX model and its tokenizer, from a directory.

Fails closed: while it cannot be loaded, and for every text on which it raises or answers
nonsense, the judgement is HOLD with the reason.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from workers.gate.verdict import Judgement, Verdict

MODEL, TOKENIZER, CONFIG = "model.onnx", "tokenizer.json", "config.json"
WINDOW_TOKENS = 256  # longer texts are judged in pieces that overlap; the worst one counts
_OVERLAP_TOKENS = 32
_INNOCENT = frozenset(
    ["0", "label_0", "neutral", "non-toxic", "nontoxic", "not_toxic", "non_toxic", "normal", "ok",
     "safe", "clean", "acceptable", "none", "not-hate", "nothate", "non-hate", "non_hate",
     "no_hate", "not_hate", "benign", "positive"]
)  # fmt: skip


class ClassifierError(Exception):
    """The model cannot be loaded, or its answer cannot be used; the message says why."""


class Classifier:
    """``model.onnx``: inputs ``input_ids`` (int64, 1 x tokens) and, if it has them,
    ``attention_mask`` and ``token_type_ids``; first output logits, float, 1 x labels (or 1 x 1).
    ``tokenizer.json``: of the ``tokenizers`` library. ``config.json``, optional: ``id2label``,
    and ``problem_type`` "multi_label_classification" if each label stands for itself.
    """

    def __init__(self, directory: Path, limit: float) -> None:
        """Load and try it once. Raises ClassifierError."""
        self._limit = limit
        # only shows that have a classifier pay for these imports
        try:
            import numpy as np  # noqa: PLC0415
            import onnxruntime  # noqa: PLC0415
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError as error:
            raise ClassifierError(f"it needs the package {error.name}") from error
        self._np = np
        for name in (MODEL, TOKENIZER):
            if not (directory / name).is_file():
                raise ClassifierError(f"there is no {name} in {directory}")
        try:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1  # one clause at a time, beside everything else
            self._session: Any = onnxruntime.InferenceSession(
                str(directory / MODEL), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer: Any = Tokenizer.from_file(str(directory / TOKENIZER))
            self._tokenizer.enable_truncation(WINDOW_TOKENS, stride=_OVERLAP_TOKENS)
            self._tokenizer.no_padding()
            config = directory / CONFIG
            told = json.loads(config.read_text("utf-8")) if config.is_file() else {}
            labels = {int(key): str(name) for key, name in told.get("id2label", {}).items()}
        except Exception as error:  # both libraries raise bare Exception
            raise ClassifierError(f"it cannot be loaded: {error}") from error
        self._labels = labels
        self._separate = told.get("problem_type") == "multi_label_classification"
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self.scores("hello")

    def judge(self, text: str) -> Judgement:
        """ALLOW, or HOLD with the label and its score."""
        try:
            scores = self.scores(text)
        except ClassifierError as error:
            return Judgement(Verdict.HOLD, text, f"the classifier failed: {error}")
        bad = {name: score for name, score in scores.items() if name.lower() not in _INNOCENT}
        worst = max(bad, key=lambda name: bad[name], default="")
        if worst and bad[worst] >= self._limit:
            return Judgement(Verdict.HOLD, text, f"classifier: {worst} {bad[worst]:.2f}")
        return Judgement(Verdict.ALLOW, text)

    def scores(self, text: str) -> dict[str, float]:
        """Label to score, 0..1. Raises ClassifierError."""
        try:
            encoded = self._tokenizer.encode(text)
            rows = [self._scores_of(window) for window in (encoded, *encoded.overflowing)]
        except ClassifierError:
            raise
        except Exception as error:  # whatever it is, the text was not judged
            raise ClassifierError(f"{type(error).__name__}: {error}") from error
        worst = [max(column) for column in zip(*rows, strict=True)]
        if len(worst) == 1:
            return {self._labels.get(0, "toxic"): worst[0]}
        return {self._labels.get(at, str(at)): score for at, score in enumerate(worst)}

    def _scores_of(self, window: Any) -> list[float]:
        np = self._np
        given = {
            "input_ids": window.ids or [0],
            "attention_mask": window.attention_mask or [1],
            "token_type_ids": window.type_ids or [0],
        }
        feed = {name: np.asarray([given[name]], dtype=np.int64) for name in self._inputs}
        logits = np.asarray(self._session.run(None, feed)[0], dtype=np.float64).reshape(-1)
        if not len(logits) or not np.isfinite(logits).all():
            raise ClassifierError("its answer is not a number")
        if len(logits) == 1 or self._separate:
            return [_sigmoid(float(logit)) for logit in logits]
        powers = np.exp(logits - logits.max())
        return [float(power) for power in powers / powers.sum()]


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1 + power)
