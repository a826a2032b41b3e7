"""Who can be on air."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from ipc.config import PersonaSection
from ipc.errors import RequestFailed
from ipc.protocol import Voice


class Personas:
    """The personalities of the configuration, by key."""

    def __init__(self, sections: Mapping[str, PersonaSection]) -> None:
        self._sections = dict(sections)
        self._topics = dict.fromkeys(self._sections, 0)

    def __getitem__(self, key: str) -> PersonaSection:
        return self._sections[key]

    def __contains__(self, key: str) -> bool:
        return key in self._sections

    @property
    def keys(self) -> list[str]:
        return list(self._sections)

    def find(self, name: str) -> str:
        """The key for a key or a display name, whatever its case. Raises RequestFailed."""
        wanted = name.strip().casefold()
        for key, section in self._sections.items():
            if wanted in {key.casefold(), section.name.casefold()}:
                return key
        near = get_close_matches(wanted, [key.casefold() for key in self._sections], 1, 0.0)
        raise RequestFailed(
            f"there is no personality {name!r}",
            f"did you mean {near[0]!r}? There are: {', '.join(self._sections)}"
            if near
            else "add one to [personas] in config.toml",
        )

    def voice(self, key: str) -> Voice:
        section = self._sections[key].voice
        return Voice(name=section.name, speed=section.speed, pitch=section.pitch)

    def next_topic(self, key: str) -> str:
        """Something to talk about when chat is quiet, in turn; empty if there is nothing."""
        topics = self._sections[key].idle
        if not topics:
            return ""
        topic = topics[self._topics[key] % len(topics)]
        self._topics[key] += 1
        return topic
