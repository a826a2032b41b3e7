"""The optional model: a real ONNX graph and tokenizer, made here, judge words by number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from ipc.config import GateSection
from workers.gate import RECHECK_NS, Gate, Verdict
from workers.gate.classifier import WINDOW_TOKENS, Classifier, ClassifierError

VOCABULARY = {"[UNK]": 0, "hello": 1, "vile": 2, "broken": 3, "nova": 4}


def build(directory: Path, *, columns: int = 2, **config: object) -> Path:
    """A model whose last logit is -6, with "vile" 14, and with "broken" NaN; the others are -6."""
    directory.mkdir(exist_ok=True)
    weights = np.zeros((len(VOCABULARY), columns), dtype=np.float32)
    weights[:, -1] = [0, 0, 20, np.nan, 0]
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["weights", "input_ids"], ["by_token"], axis=0),
            helper.make_node("ReduceSum", ["by_token", "axes"], ["sum"], keepdims=0),
            helper.make_node("Sub", ["sum", "six"], ["logits"]),
        ],
        "classifier",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, [1, None]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, columns])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"),
            numpy_helper.from_array(np.array([6], dtype=np.float32), "six"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, str(directory / "model.onnx"))
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(directory / "tokenizer.json"))
    if config:
        (directory / "config.json").write_text(json.dumps(config))
    return directory


def gate_of(directory: Path) -> Gate:
    return Gate(GateSection(classifier=str(directory)), "output")


def test_a_score_over_the_limit_holds(tmp_path: Path) -> None:
    gate = gate_of(build(tmp_path / "model", id2label={"0": "neutral", "1": "toxic"}))
    assert gate.refresh(0)
    assert not gate.problem
    assert gate.judge("hello nova").verdict is Verdict.ALLOW
    judgement = gate.judge("hello vile nova")
    assert (judgement.verdict, judgement.text) == (Verdict.HOLD, "hello vile nova")
    assert judgement.why == "classifier: toxic 1.00"


def test_it_does_not_soften_what_the_lists_say(tmp_path: Path) -> None:
    gate = gate_of(build(tmp_path / "model"))
    gate.refresh(0)
    assert gate.judge("kill yourself").verdict is Verdict.DROP
    assert gate.judge("shit hello").verdict is Verdict.MASK
    judgement = gate.judge("shit vile")
    assert (judgement.verdict, judgement.text) == (Verdict.HOLD, "**** vile")


@pytest.mark.parametrize(
    ("columns", "config", "label"),
    [
        (2, {}, "1"),
        (1, {}, "toxic"),
        (3, {"id2label": {0: "insult", 1: "threat", 2: "hate"},
             "problem_type": "multi_label_classification"}, "hate"),
    ],
)  # fmt: skip
def test_the_usual_heads_are_understood(
    columns: int, config: dict[str, object], label: str, tmp_path: Path
) -> None:
    classifier = Classifier(build(tmp_path / "model", columns=columns, **config), 0.8)
    scores = classifier.scores("vile")
    assert scores[label] > 0.99
    assert classifier.judge("vile").why == f"classifier: {label} 1.00"
    assert classifier.judge("hello").verdict is Verdict.ALLOW


def test_the_end_of_a_long_text_is_judged_too(tmp_path: Path) -> None:
    classifier = Classifier(build(tmp_path / "model"), 0.8)
    assert classifier.judge("hello " * 2 * WINDOW_TOKENS + "vile").verdict is Verdict.HOLD
    assert classifier.judge("").verdict is Verdict.ALLOW


def test_an_answer_that_is_not_a_number_holds(tmp_path: Path) -> None:
    gate = gate_of(build(tmp_path / "model"))
    gate.refresh(0)
    judgement = gate.judge("hello broken")
    assert judgement.verdict is Verdict.HOLD
    assert "not a number" in judgement.why


@pytest.mark.parametrize("broken", ["directory", "model.onnx", "tokenizer.json", "bytes"])
def test_without_its_model_everything_is_held_and_it_is_said(broken: str, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    if broken != "directory":
        build(directory)
        if broken == "bytes":
            (directory / "model.onnx").write_bytes(b"no model")
        else:
            (directory / broken).unlink()
    gate = gate_of(directory)
    gate.refresh(0)
    assert gate.loaded
    assert "classifier" in gate.problem
    judgement = gate.judge("hello")
    assert judgement.verdict is Verdict.HOLD
    assert "classifier" in judgement.why
    assert gate.judge("kill yourself").verdict is Verdict.DROP
    build(directory)
    os.utime(directory / "model.onnx", ns=(1, 1))
    assert gate.refresh(RECHECK_NS)
    assert not gate.problem
    assert gate.judge("hello").verdict is Verdict.ALLOW


def test_a_model_that_wants_more_than_a_text_is_refused(tmp_path: Path) -> None:
    directory = build(tmp_path / "model")
    model = onnx.load(str(directory / "model.onnx"))
    model.graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1]))
    onnx.save(model, str(directory / "model.onnx"))
    with pytest.raises(ClassifierError, match="pixels"):
        Classifier(directory, 0.8)


def test_without_a_classifier_no_model_library_is_imported() -> None:
    code = (
        "import sys; from ipc.config import GateSection; from workers.gate import Gate\n"
        "gate = Gate(GateSection(), 'input'); gate.refresh(0); gate.judge('hello')\n"
        "sys.exit(any(name in sys.modules for name in ('onnxruntime', 'tokenizers', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
