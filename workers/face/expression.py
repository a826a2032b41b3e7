"""What she shows of feelings: emotions of clauses and events of the stream, with decay.

An emotion is any word that the model wrote as a tag; an event is something that happened on
the platform. Both become a cue: an expression that rises, stays and fades. Of several cues
the one with the higher priority, then the later one, takes what it wants; the others share
the rest, so that the weights never sum to more than 1. Time comes in with every call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

EXPRESSIONS = ("joy", "anger", "sorrow", "fun", "surprise")
"""The first four are the presets of VRM 0."""

CUES_KEPT = 16
_GONE = 0.01


@dataclass(frozen=True, slots=True)
class Cue:
    """An expression that begins at ``at_s``: rises, stays for ``hold_s``, fades exponentially.

    An empty ``expression`` is a plain face: it takes room from the others.
    """

    expression: str
    at_s: float
    strength: float = 1.0  # 0..1
    attack_s: float = 0.2
    hold_s: float = 2.0
    decay_s: float = 1.5  # time constant
    priority: int = 0

    def weight(self, t_s: float) -> float:
        """0..1 at that time; 0 before it begins."""
        since_s = t_s - self.at_s
        if since_s < 0.0:
            return 0.0
        if since_s < self.attack_s:
            return self.strength * since_s / self.attack_s
        fading_s = max(0.0, since_s - self.attack_s - self.hold_s)
        return self.strength * math.exp(-fading_s / self.decay_s)


_WORDS = {
    "joy": """happy happiness joy joyful glad cheerful delighted excited smile smiling smiles
        grateful thankful love loving proud warm hopeful relieved""",
    "anger": """angry anger mad annoyed furious rage frustrated grumpy irritated disgusted
        pout""",
    "sorrow": """sad sadness sorrow sorry unhappy crying cry disappointed lonely worried afraid
        scared hurt tired melancholic nervous""",
    "fun": """fun funny amused playful laugh laughing laughs laughter giggle giggles giggling
        chuckles grin smug teasing silly relaxed mischievous wink""",
    "surprise": """surprise surprised shocked amazed astonished wow gasp gasps startled confused
        curious""",
    "": "neutral calm serious plain deadpan",
}
EMOTIONS = {word: expression for expression, words in _WORDS.items() for word in words.split()}
"""The tags that are understood. Others show nothing: models invent them freely."""

EVENTS = {
    "sub": Cue("joy", 0.0, attack_s=0.15, hold_s=3.0, decay_s=2.0, priority=1),
    "gift": Cue("joy", 0.0, attack_s=0.15, hold_s=4.0, decay_s=2.0, priority=1),
    "cheer": Cue("joy", 0.0, strength=0.8, attack_s=0.15, hold_s=2.0, priority=1),
    "raid": Cue("surprise", 0.0, attack_s=0.1, hold_s=2.5, decay_s=2.0, priority=2),
    "laughter": Cue("fun", 0.0, attack_s=0.1, hold_s=1.2, decay_s=0.8, priority=1),
}


class Expressions:
    """The cues of the last moments. ``decay`` stretches every fade (1.0: as designed)."""

    def __init__(self, decay: float = 1.0) -> None:
        self._decay = decay
        self._cues: list[Cue] = []

    def emotion(self, name: str, at_s: float, strength: float = 0.8) -> bool:
        """The emotion of a clause that begins. False if the word means nothing here."""
        expression = EMOTIONS.get(name.strip().lower())
        if expression is None:
            return False
        self.add(Cue(expression, at_s, strength))
        return True

    def event(self, kind: str, at_s: float) -> bool:
        """Something happened: a key of ``EVENTS``. False for anything else."""
        made = EVENTS.get(kind)
        if made is None:
            return False
        self.add(replace(made, at_s=at_s))
        return True

    def add(self, cue: Cue) -> None:
        """Any cue. What has faded by its beginning is forgotten."""
        stretched = replace(cue, decay_s=cue.decay_s * self._decay)
        alive = [c for c in self._cues if c.at_s >= cue.at_s or c.weight(cue.at_s) > _GONE]
        self._cues = [*alive, stretched][-CUES_KEPT:]

    def clear(self) -> None:
        """A plain face at once."""
        self._cues = []

    def at(self, t_s: float) -> dict[str, float]:
        """Every expression with its weight in 0..1; together at most 1."""
        return weights(self._cues, t_s)


def weights(cues: Iterable[Cue], t_s: float) -> dict[str, float]:
    """What these cues show at that time, in the order of ``EXPRESSIONS``."""
    shown = dict.fromkeys(EXPRESSIONS, 0.0)
    room = 1.0
    # a cue that begins takes over as it rises: the later one counts first
    for cue in sorted(cues, key=lambda cue: (cue.priority, cue.at_s), reverse=True):
        taken = room * cue.weight(t_s)
        if cue.expression:
            shown[cue.expression] += taken
        room -= taken
    return shown
