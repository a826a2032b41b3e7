"""What the operator has set, kept over a crash: a show that was held comes back held."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ipc.config import Barge, DirectorSection
from ipc.files import replace
from ipc.protocol import ShowEvent
from ipc.states import ShowMode

MODEL_GONE = "the language model is gone"
SLOW_MAX_S = 3600.0
DELAY_MAX_S = 30.0


class ShowState(msgspec.Struct, kw_only=True):
    """Persisted in ``STATE/show.json``."""

    persona: str
    held: bool = False
    muted: bool = False
    reason: str = ""  # why it is held
    mode: ShowMode = ShowMode.OPEN
    mode_reason: str = ""
    before_safe: str = ""  # who comes back when the show is opened again
    topic: str = ""
    whisper: str = ""  # for the next reply
    slow_s: Annotated[float, Meta(ge=0, le=SLOW_MAX_S)] | None = None  # None: as configured
    delay_s: Annotated[float, Meta(ge=0, le=DELAY_MAX_S)] | None = None
    barge: Barge | None = None

    def event(self, personas: list[str], queued: int, settings: DirectorSection) -> ShowEvent:
        """What everybody is told about it."""
        return ShowEvent(
            held=self.held,
            muted=self.muted,
            persona=self.persona,
            personas=personas,
            reason=self.reason,
            queued=queued,
            mode=self.mode,
            mode_reason=self.mode_reason,
            topic=self.topic,
            whisper=self.whisper,
            slow_s=self.slow(settings),
            delay_s=self.delay(settings),
            barge=self.policy(settings),
        )

    def slow(self, settings: DirectorSection) -> float:
        """Shortest time between two turns of chat, seconds."""
        return settings.slow_s if self.slow_s is None else self.slow_s

    def delay(self, settings: DirectorSection) -> float:
        """From the first clause of a reply to its first sound, seconds."""
        return settings.air_delay_s if self.delay_s is None else self.delay_s

    def policy(self, settings: DirectorSection) -> Barge:
        """What she does when somebody speaks over her."""
        return settings.speech.policy if self.barge is None else self.barge

    def save(self, path: Path) -> None:
        """Waits for the disk: a show that was held must come back held. Raises OSError; the
        file does then not claim that the show may be less careful than it is."""
        try:
            replace(path, msgspec.json.encode(self), durable=True)
        except OSError:
            if self.held or self.mode is not ShowMode.OPEN:
                with suppress(OSError):
                    path.write_bytes(b"")  # unreadable, which needs no room on a full disk
            raise

    @classmethod
    def load(cls, path: Path, persona: str, known: list[str]) -> ShowState:
        """The saved state, or a new one with ``persona``. After an unreadable file the show is
        held and in approval mode: nobody knows what the operator wanted. A hold for want of a
        language model is not the operator's: it is made anew if the model is still gone."""
        try:
            state = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls(persona=persona)
        except (msgspec.DecodeError, OSError) as error:
            why = f"{path.name} is unreadable: {error}"
            return cls(
                persona=persona, held=True, reason=why, mode=ShowMode.APPROVAL, mode_reason=why
            )
        if state.persona not in known:
            state.persona = persona
        if state.held and state.reason == MODEL_GONE:
            state.held, state.reason = False, ""
        if state.before_safe not in known:
            state.before_safe = ""
        return state
