"""The default show on its bundled models: latency, start, memory, rest."""

from __future__ import annotations

import asyncio

from ipc.trace import percentile
from tui.bench.result import Result
from tui.bench.rig import rig

TURNS = 20
WARM_UP = 3
IDLE_S = 20.0

MESSAGES = (
    "hey, how is the stream going tonight?",
    "what did you have for breakfast?",
    "do you like cats or dogs more?",
    "tell me something about the moon",
    "which game should we play next?",
    "I just got home from work, long day",
    "what is your favourite season and why?",
    "can you say hi to my sister?",
    "do robots dream?",
    "what would you do with a million coins?",
)


async def measure(turns: int) -> list[Result]:
    """All measures of the embedded profile, ``turns`` replies (0: 20)."""
    turns = turns or TURNS
    async with rig() as show:
        for i in range(WARM_UP):
            await show.spans(MESSAGES[-1 - i], cut=True)
        spans = [
            await show.spans(f"{MESSAGES[i % len(MESSAGES)]} ({i + 1})", cut=True)
            for i in range(turns)
        ]
        resident_gb = await asyncio.to_thread(show.resident_mb) / 1e3
        before = show.cpu_s()
        await asyncio.sleep(IDLE_S)
        idle_percent = (show.cpu_s() - before) / IDLE_S * 100
        start_s = show.start_s

    def of(name: str) -> list[float]:
        return [turn[name] for turn in spans if name in turn]

    total = of("chat_to_audio")
    token, voice = of("llm_first_token"), of("tts_first_audio")
    return [
        Result("embedded: chat to audio", "p50", percentile(total, 50), 400, "ms", len(total)),
        Result("embedded: chat to audio", "p95", percentile(total, 95), 700, "ms", len(total)),
        Result("embedded: llm first token", "p50", percentile(token, 50), 150, "ms", len(token)),
        Result("embedded: tts first audio", "p50", percentile(voice, 50), 100, "ms", len(voice)),
        Result("embedded: start to all ready", "once", start_s, 25, "s", 1),
        Result("embedded: idle CPU of one core", "mean", idle_percent, 10, "%", 1),
        Result("embedded: resident (PSS)", "once", resident_gb, 2.5, "GB", 1),
    ]
