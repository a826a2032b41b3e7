"""Every key of ``config.toml``, typed, with its default, unit and meaning.

``docs/configuration.md`` is generated from these classes, and a test keeps
``config.toml`` equal to the defaults. How a file becomes a Config is ``ipc.load``.
"""

from __future__ import annotations

from msgspec import field

from ipc.config.avatar import AvatarSection, VmcSection, VtsSection
from ipc.config.base import Section, WorkerSection
from ipc.config.chat import ChatSection, TwitchSection, YouTubeSection
from ipc.config.director import Barge, DirectorSection, ScoreSection, SpeechSection
from ipc.config.engines import (
    LlmScripted,
    LlmSection,
    MemorySection,
    StageSection,
    TtsScripted,
    TtsSection,
)
from ipc.config.gate import GateInput, GateOutput, GateSection, GateTighten
from ipc.config.obs import ObsSection
from ipc.config.show import PersonaSection, ShowSection, UiSection, VoiceSection
from ipc.config.stt import SttSection
from ipc.config.supervisor import SupervisorSection

__all__ = [
    "AFTER",
    "WORKERS",
    "AvatarSection",
    "Barge",
    "ChatSection",
    "Config",
    "DirectorSection",
    "GateInput",
    "GateOutput",
    "GateSection",
    "GateTighten",
    "LlmScripted",
    "LlmSection",
    "MemorySection",
    "ObsSection",
    "PersonaSection",
    "ScoreSection",
    "Section",
    "ShowSection",
    "SpeechSection",
    "StageSection",
    "SttSection",
    "SupervisorSection",
    "TtsScripted",
    "TtsSection",
    "TwitchSection",
    "UiSection",
    "VmcSection",
    "VoiceSection",
    "VtsSection",
    "WorkerSection",
    "YouTubeSection",
]


class Config(Section, frozen=True):
    """All of config.toml, resolved: defaults, file, profile and environment."""

    show: ShowSection = ShowSection()
    supervisor: SupervisorSection = SupervisorSection()
    director: DirectorSection = DirectorSection()
    llm: LlmSection = LlmSection()
    tts: TtsSection = TtsSection()
    memory: MemorySection = MemorySection()
    stage: StageSection = StageSection()
    chat: ChatSection = ChatSection()
    stt: SttSection = SttSection()
    avatar: AvatarSection = AvatarSection()
    obs: ObsSection = ObsSection()
    gate: GateSection = GateSection()
    ui: UiSection = UiSection()
    personas: dict[str, PersonaSection] = field(default_factory=dict)

    def worker(self, name: str) -> WorkerSection:
        """The table of one worker. KeyError if there is no such worker."""
        if name not in WORKERS:
            raise KeyError(name)
        section: WorkerSection = getattr(self, name)
        return section


WORKERS = ("stage", "tts", "llm", "memory", "stt", "director", "chat", "avatar", "obs")
"""All workers, in the order the screen shows them."""

AFTER: dict[str, tuple[str, ...]] = {
    "stage": (),
    "tts": (),
    "llm": (),
    "memory": (),
    "director": ("stage", "tts", "llm", "memory"),
    "chat": ("director",),
    "stt": (),
    "avatar": (),
    "obs": ("director",),
}
"""A worker starts when those named here are settled; the show stops in reverse."""
