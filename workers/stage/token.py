"""The word that opens the overlay page to visitors from other machines."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ipc.errors import PathNotWritable


def token_file(state_dir: Path) -> Path:
    """Where the token is kept."""
    return state_dir / "overlay-token"


def overlay_token(state_dir: Path) -> str:
    """From ``overlay-token`` in the state directory (0600), made once. Raises PathNotWritable."""
    path = token_file(state_dir)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(fd, 0o600)
            token = os.pread(fd, 256, 0).decode("ascii", errors="replace").strip()
            if len(token) < 16:
                token = secrets.token_urlsafe(24)
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{token}\n".encode(), 0)
        finally:
            os.close(fd)
    except OSError as error:
        raise PathNotWritable(
            f"cannot keep the overlay's token in {path}: {error.strerror}",
            "make the state directory writable",
        ) from None
    return token
