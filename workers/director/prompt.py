"""The prompt: what never changes first, what changes every time last.

persona and rules -> the topic -> examples -> history -> memories -> the message -> what the
operator whispers. The words of a viewer, or of somebody at a microphone, stand in a block of
their own inside the user message; the characters that could end that block early are taken out
of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from ipc.config import PersonaSection
from ipc.protocol import ChatMessage, MemoryHit, PromptMessage
from ipc.states import ChatKind
from workers.director.history import Exchange

_AUTHOR_MAX = 40  # characters of a viewer's name in a prompt
_TEXT_MAX = 500
_HIT_MAX = 80  # every token here delays the first one of the reply
_SPACE = re.compile(r"\s+")
_DELIMITERS = str.maketrans({"<": "(", ">": ")", '"': "'", "“": "'", "”": "'", "`": "'", "|": "/"})


@lru_cache(512)  # the history is in every prompt, and stays the same
def clean(text: str, limit: int) -> str:
    """One line of hostile text: bounded, no control characters, nothing that delimits."""
    text = text[: limit * 2]
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", text)
        text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    return _SPACE.sub(" ", text).translate(_DELIMITERS).strip()[:limit]


def happened(line: ChatMessage) -> str:
    """What a viewer did besides writing, to stand behind the name; empty for a plain line."""
    count = line.count
    match line.kind:
        case ChatKind.LINE:
            return f"to {clean(line.reply_to, _AUTHOR_MAX)}" if line.reply_to else ""
        case ChatKind.SUB:
            return f"subscribed for {count} months" if count > 1 else "subscribed"
        case ChatKind.GIFT:
            return f"gave {count} subscriptions to viewers" if count > 1 else "gave a subscription"
        case ChatKind.RAID:
            return f"comes over with {count} viewers" if count else "comes over with viewers"
        case ChatKind.ANNOUNCEMENT:
            return "announces"
        case _:
            return clean(line.notice, _HIT_MAX) or "did something"


def prefix(
    persona: PersonaSection, history: Iterable[Exchange], topic: str = ""
) -> list[PromptMessage]:
    """The part that stays the same from turn to turn; also what is prewarmed."""
    system = persona.system.strip()
    if topic:
        system += f"\nToday's topic: {clean(topic, _TEXT_MAX)}"
    messages = [PromptMessage(role="system", content=system)]
    examples = [
        Exchange(persona="", author=author, text=text, reply=reply)
        for author, text, reply in persona.examples
    ]
    for exchange in [*examples, *history]:
        messages.append(PromptMessage(role="user", content=_asked(exchange)))
        messages.append(PromptMessage(role="assistant", content=exchange.reply))
    return messages


def build(
    persona: PersonaSection,
    history: Iterable[Exchange],
    hits: Iterable[MemoryHit],
    new: Exchange,
    *,
    topic: str = "",
    whisper: str = "",
) -> list[PromptMessage]:
    """The whole prompt for ``new`` (its reply is not there yet)."""
    content = _asked(new)
    # what viewers said, not what she answered: small models repeat their own old words
    known = [clean(hit.text.partition("\n")[0], _HIT_MAX) for hit in hits]
    if known:
        content = "You remember: " + " / ".join(known) + "\n" + content
    if whisper:
        content += (
            f"\nDirector's note, only for you, do not read it out: {clean(whisper, _TEXT_MAX)}"
        )
    return [*prefix(persona, history, topic), PromptMessage(role="user", content=content)]


def _asked(exchange: Exchange) -> str:
    text = clean(exchange.text, _TEXT_MAX)
    if exchange.source == "speech":
        return f'{clean(exchange.author, _AUTHOR_MAX) or "Somebody"} says: "{text}"'
    if exchange.source != "chat":
        return text
    author = clean(exchange.author, _AUTHOR_MAX) or "A viewer"
    if not exchange.event:
        return f'{author}: "{text}"'
    event = clean(exchange.event, _TEXT_MAX)
    return f'({author} {event}: "{text}")' if text else f"({author} {event})"
