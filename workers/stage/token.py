"""The word that opens the overlay page to visitors from other machines."""

from __future__ import annotations

from pathlib import Path

from workers.runtime.visitors import kept_token


def token_file(state_dir: Path) -> Path:
    """Where the token is kept."""
    return state_dir / "overlay-token"


def overlay_token(state_dir: Path) -> str:
    """From ``overlay-token`` in the state directory (0600), made once. Raises PathNotWritable."""
    return kept_token(token_file(state_dir))
