"""A show that reads a Twitch chat of its own, and can moderate it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from conversation import FAST
from doubles.tls import Authority
from doubles.twitch_irc import TwitchIrcServer
from harness import Show

from ipc.protocol import ChatEvent, ChatOutcomeEvent, ClauseEvent, TraceEvent, TurnEvent

CHANNEL = "spark"


def reading(server: TwitchIrcServer, more: str = "", engines: str = FAST) -> str:
    """A configuration that reads ``server``."""
    return (
        f'{engines}\n[chat]\nca_file = "{server.ca_file}"\nretry_base_s = 0.05\n'
        f'[chat.twitch]\nchannel = "{CHANNEL}"\nirc_host = "localhost"\n'
        f"irc_port = {server.port}\n{more}"
    )


@asynccontextmanager
async def twitch() -> AsyncIterator[TwitchIrcServer]:
    """The channel."""
    with tempfile.TemporaryDirectory(prefix="sv-tls-") as folder:
        async with TwitchIrcServer(Authority(Path(folder)), channel=CHANNEL) as server:
            yield server


@asynccontextmanager
async def on_air(
    server: TwitchIrcServer, more: str = "", engines: str = FAST, **options: Any
) -> AsyncIterator[Show]:
    """A show with scripted engines that has joined the channel."""
    async with Show(reading(server, more, engines), profile="scripted", **options) as show:
        await show.until_ready()
        await server.joined()
        yield show


def line_of(show: Show, text: str) -> ChatEvent | None:
    """The line with these words, as the show tells of it."""
    return next((e for e in reversed(show.of(ChatEvent)) if e.text == text), None)


async def arrived(show: Show, text: str) -> str:
    """The show's id of the line with these words."""
    event: ChatEvent = await show.until(lambda s: line_of(s, text))
    return event.id


async def outcome_of(show: Show, message_id: str) -> ChatOutcomeEvent:
    """What became of a line."""

    def found(s: Show) -> ChatOutcomeEvent | None:
        events = s.of(ChatOutcomeEvent)
        return next((e for e in events if e.message_id == message_id), None)

    event: ChatOutcomeEvent = await show.until(found)
    return event


def turn_for(show: Show, message_id: str) -> int:
    """The newest turn that answers this line; 0 for none."""
    turns = [e.turn for e in show.of(TurnEvent) if message_id in e.message_ids]
    return turns[-1] if turns else 0


def trace_for(show: Show, turn: int) -> TraceEvent | None:
    """How a turn ended."""
    return next((e for e in show.of(TraceEvent) if e.turn == turn), None)


def audible(show: Show, turn: int) -> bool:
    """Whether something of it was heard."""
    return any(e.turn == turn for e in show.of(ClauseEvent))


Stage = Callable[[Show, str], object]
"""True once the line with this id has come so far."""
