"""What the operator has set, kept over a crash: a show that was held comes back held."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ipc.protocol import ShowEvent

MODEL_GONE = "the language model is gone"


class ShowState(msgspec.Struct, kw_only=True):
    """Persisted in ``STATE/show.json``."""

    persona: str
    held: bool = False
    muted: bool = False
    reason: str = ""  # why it is held

    def event(self, personas: list[str], queued: int) -> ShowEvent:
        """What everybody is told about it."""
        return ShowEvent(
            held=self.held,
            muted=self.muted,
            persona=self.persona,
            personas=personas,
            reason=self.reason,
            queued=queued,
        )

    def save(self, path: Path) -> None:
        """Atomic: a crash leaves the old file or the new one. Raises OSError."""
        new = path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self))
        os.replace(new, path)

    @classmethod
    def load(cls, path: Path, persona: str, known: list[str]) -> ShowState:
        """The saved state, or a new one with ``persona``. An unreadable file counts as held:
        nobody knows what the operator wanted. A hold for want of a language model is not
        the operator's: it is made anew if the model is still gone."""
        try:
            state = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls(persona=persona)
        except (msgspec.DecodeError, OSError) as error:
            return cls(persona=persona, held=True, reason=f"{path.name} is unreadable: {error}")
        if state.persona not in known:
            state.persona = persona
        if state.held and state.reason == MODEL_GONE:
            state.held, state.reason = False, ""
        return state
