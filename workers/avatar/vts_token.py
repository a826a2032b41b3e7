"""The token VTube Studio gave: ``STATE/vtube-studio-NAME.token``, for its owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

from ipc import files
from ipc.secrets import SecretStr

_MAX = 256  # characters; VTube Studio gives at most 64


class TokenFile:
    """Reads and writes one token."""

    def __init__(self, state_dir: Path, name: str) -> None:
        self.path = state_dir / f"vtube-studio-{name}.token"

    def load(self) -> SecretStr:
        """Empty if there is none, or something that is no token. Raises OSError.

        A file that others may read is closed to them.
        """
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    os.fchmod(file.fileno(), 0o600)
                token = file.read(_MAX + 2).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return SecretStr("")
        return SecretStr(token if is_token(token) else "")

    def keep(self, token: SecretStr) -> None:
        """Written beside and moved over. Raises OSError."""
        files.replace(self.path, token.reveal().encode("ascii"))


def is_token(text: str) -> bool:
    """Whether it can be one: printable ASCII, not longer than VTube Studio's by far."""
    return 0 < len(text) <= _MAX and text.isascii() and text.isprintable()
