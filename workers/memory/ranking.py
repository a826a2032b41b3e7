"""Which memories a reply sees, and which exchanges are worth keeping. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ipc.protocol import MemoryHit, Remember

MAX_CHARS: Final = 600  # of what was said, and of what was answered; prompts are short
MAX_QUERY_CHARS: Final = 1000
MAX_NAME_CHARS: Final = 64
MAX_ID_CHARS: Final = 256  # of authors and of lines
SAME_VIEWER_BONUS: Final = 0.05  # added to the similarity when the same person said it
NEAR_DUPLICATE: Final = 0.97


@dataclass(frozen=True, slots=True)
class Exchange:
    """One row of the memory: what a viewer said and what was answered."""

    id: str
    text: str
    who: str
    author_id: str
    persona: str
    at: float
    message_id: str = ""


def text_of(heard: Remember) -> str:
    """The exchange as it is kept: viewers' text as it is, but bounded."""
    said, reply = heard.text.strip()[:MAX_CHARS], heard.reply.strip()[:MAX_CHARS]
    lines = ([f"{heard.author[:MAX_NAME_CHARS]}: {said}"] if said else []) + (
        [f"{heard.persona}: {reply}"] if reply else []
    )
    return "\n".join(lines)


def rank(
    candidates: Iterable[tuple[Exchange, float]], *, viewer: str, limit: int, min_score: float
) -> list[MemoryHit]:
    """The best hits, best first. Scores are similarities, 0..1; the same viewer is preferred
    mildly, but nobody's unlike memory comes in by that."""
    best: dict[str, tuple[float, Exchange]] = {}
    for exchange, similarity in candidates:
        if similarity < min_score:
            continue
        bonus = SAME_VIEWER_BONUS if viewer and exchange.author_id == viewer else 0.0
        best[exchange.id] = (min(1.0, similarity + bonus), exchange)
    ordered = sorted(best.values(), key=lambda item: (-item[0], -item[1].at))
    return [
        MemoryHit(
            id=e.id,
            text=e.text,
            score=round(score, 4),
            who=e.who,
            at=e.at,
            author_id=e.author_id,
            message_id=e.message_id,
        )
        for score, e in ordered[: max(0, limit)]
    ]
