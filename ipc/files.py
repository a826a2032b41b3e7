"""Files of the state directory: replaced whole, readable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write ``content`` to ``path``. A crash of the process leaves the old file or the new one.

    ``durable``: a crash of the machine too; this waits for the disk, so keep it off an event
    loop. Raises OSError.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # of a crash; it may be anybody's, ours is made anew
    with open(new, "wb", opener=_private) as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(new, path)
    if durable:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)
