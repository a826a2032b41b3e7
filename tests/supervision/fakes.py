"""A show whose workers are ``fake_worker.py``: real supervisor, real sockets, real processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from harness import Show

from ipc.config import WORKERS

_SCRIPT = Path(__file__).with_name("fake_worker.py")
_FAST = {
    "heartbeat_s": 0.1,
    "beat_timeout_s": 2.0,
    "stall_timeout_s": 1.0,
    "drain_s": 2.0,
    "term_s": 0.5,
    "backoff_base_s": 0.02,
    "backoff_max_s": 0.05,
    "meter_s": 0.5,
}


class FakeShow(Show):
    """``orders``: worker -> keys of fake_worker; ``more``: TOML appended to the configuration."""

    def __init__(
        self,
        orders: dict[str, dict[str, Any]] | None = None,
        workers: tuple[str, ...] = WORKERS,
        settings: dict[str, float] | None = None,
        sections: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self.env["FAKE_DIR"] = str(self.home)
        python = self.home / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} {_SCRIPT} "${{2#workers.}}"\n')
        python.chmod(0o700)
        tables: dict[str, dict[str, Any]] = {"supervisor": _FAST | (settings or {})}
        for name in WORKERS:
            tables[name] = {"python": str(python), "enabled": name in workers, "memory_gb": 0.05}
        for name, keys in (sections or {}).items():
            tables[name] |= keys
        self.config.write_text(
            "\n".join(
                f"[{name}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in keys.items())
                for name, keys in tables.items()
            )
        )
        for name, keys in (orders or {}).items():
            self.order(name, keys)

    def order(self, name: str, keys: dict[str, Any]) -> None:
        """What the next incarnation of a worker does."""
        gate = keys.get("load_gate")
        if gate and not (self.home / gate).exists():
            os.mkfifo(self.home / gate)
        (self.home / f"{name}.json").write_text(json.dumps(keys))

    def marks(self, name: str, kind: str = "marks") -> list[str]:
        """Lines a worker left: ``marks`` one for each incarnation."""
        path = self.home / f"{name}.{kind}"
        return path.read_text().split("\n")[:-1] if path.exists() else []
