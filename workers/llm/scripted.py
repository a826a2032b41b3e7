"""Fixed replies at declared times: the engine of tests and benchmarks."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from ipc.config import LlmScripted
from ipc.errors import ConfigError
from ipc.protocol import Generate
from ipc.states import Finish
from workers.llm.engine import Alive, Emit, Engine, Outcome, Progress

REPLIES = (
    "Oh I love that, tell me more about it please. It sounds like a very good day.",
    "Stars are just shy suns. They wave at us from far away.",
    "Well that was unexpected, and I am not ready for it at all. Give me a second.",
    "Good question! I would pick the red one. It matches my hat.",
    "Hello there my friend, it is so nice to see you here tonight.",
    "I once tried that myself, but the cat had other plans. We still do not talk about it.",
    "Nobody told me there would be homework. Chat, please help me out here.",
    "That is the best idea I have heard all week. Let us do it right now!",
)

_TOKEN = re.compile(r"\s*[\w'’-]+|\s*[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Words with their leading space; each punctuation mark is a token of its own.

    >>> tokens_of("Hi there, you.")
    ['Hi', ' there', ',', ' you', '.']
    """
    return _TOKEN.findall(text)


def cut_at_stop(text: str, stop: list[str]) -> str:
    """``text`` up to the first of the stop strings."""
    ends = [at for at in (text.find(word) for word in stop if word) if at >= 0]
    return text[: min(ends)] if ends else text


class ScriptedEngine(Engine):
    """Token ``i`` leaves ``first_token_ms + i * token_ms`` after the request came.

    The deadlines are absolute, so a late timer does not delay the tokens behind it.
    """

    def __init__(self, section: LlmScripted) -> None:
        self._section = section
        self._replies: tuple[str, ...] = REPLIES
        self._next = 0

    async def load(self, progress: Progress) -> dict[str, str]:
        if self._section.replies:
            progress("reading the replies")
            self._replies = await asyncio.to_thread(_read_replies, self._section.replies)
        return {"engine": "scripted", "model": f"{len(self._replies)} fixed replies"}

    async def generate(
        self, request: Generate, arrived_s: float, emit: Emit, alive: Alive
    ) -> Outcome:
        reply = self._replies[self._next % len(self._replies)]
        self._next += 1
        tokens = tokens_of(cut_at_stop(reply, request.stop))
        finish = Finish.STOP if len(tokens) <= request.max_tokens else Finish.LENGTH
        said = 0
        loop = asyncio.get_running_loop()
        for i, token in enumerate(tokens[: request.max_tokens]):
            due_ms = self._section.first_token_ms + i * self._section.token_ms
            await asyncio.sleep(arrived_s + due_ms / 1e3 - loop.time())
            if not alive():
                finish = Finish.CANCELLED
                break
            emit(token, 1)
            said += 1
        prompt_tokens = sum(len(m.content.split()) for m in request.prompt)
        return Outcome(finish, tokens=said, prompt_tokens=prompt_tokens)


def _read_replies(path: str) -> tuple[str, ...]:
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"llm.scripted.replies = {path!r} cannot be read: {error}",
            "name a UTF-8 text file with one reply a line, or leave the key empty",
        ) from None
    replies = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not replies:
        raise ConfigError(f"llm.scripted.replies = {path!r} has no lines", "write one reply a line")
    return replies
