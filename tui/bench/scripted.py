"""What the show itself costs: engines with declared timings, so that the rest is visible."""

from __future__ import annotations

import time
from statistics import median

from ipc.config import LlmScripted
from ipc.trace import percentile
from tui.bench.result import Result
from tui.bench.rig import Rig, rig
from tui.bench.screen import bytes_per_second

TURNS = 50
EARLY_TURNS = 20
SKIPS = 40
LONG_REPLIES = 5
NS_PER_MS = 1e6

# A word a token, at most eight words and no comma: the first clause is the whole sentence.
WHOLE = "\n".join(
    (
        "The moon looks very bright tonight my friend.",
        "Every good stream needs a warm drink.",
        "My favourite colour is the one you like.",
        "Nobody expected such a strange little story.",
    )
)
SHORT_WORDS = "[tts.scripted]\nword_s = 0.04\n"

# The comma is token five; the sentence ends eleven tokens after it.
EARLY = "Well now my friend, the night is long and all the stars are out."
EARLY_TOKENS = 16
EARLY_MARGIN_MS = 80.0

# 33 words of 0.3 s: 9.9 s of sound.
LONG = (
    "The old lighthouse keeper counted every wave that night. "
    "He wrote their names into a small blue book. "
    "In the morning the sea came back and asked for it. "
    "He said no."
)


async def overhead(turns: int) -> list[Result]:
    """Request to first sample at a sink, less what the engines took."""
    turns = turns or TURNS
    async with rig("scripted", SHORT_WORDS, WHOLE) as show:
        await show.spans("warm up")
        spans = [await show.spans(f"message number {i + 1}") for i in range(turns)]
    rest = [s["chat_to_audio"] - s["engines"] for s in spans if "engines" in s]
    name = "scripted: chat to audio less engines"
    return [
        Result(name, "p50", percentile(rest, 50), 5, "ms", len(rest)),
        Result(name, "p95", percentile(rest, 95), 12, "ms", len(rest)),
    ]


async def early_start(turns: int) -> list[Result]:
    """How long before the sentence would have ended its first clause is heard."""
    turns = turns or EARLY_TURNS
    timing = LlmScripted()
    ends_ms = timing.first_token_ms + (EARLY_TOKENS - 1) * timing.token_ms
    async with rig("scripted", SHORT_WORDS, EARLY) as show:
        await show.spans("warm up")
        spans = [await show.spans(f"message number {i + 1}") for i in range(turns)]
    early = [
        ends_ms - (s["chat_to_audio"] - s["queue"] - s.get("recall", 0.0))
        for s in spans
        if "chat_to_audio" in s
    ]
    late_half = percentile([-ms for ms in early], 50)
    name = "scripted: sound before the sentence's end"
    return [Result(name, "p50", -late_half, EARLY_MARGIN_MS, "ms", len(early), at_least=True)]


async def speaking(turns: int) -> list[Result]:
    """A long reply: CPU of all processes, terminal output, and how fast a skip is silence."""
    async with rig("scripted", "", LONG) as show:
        await show.spans("warm up", cut=True)
        cpu = [await _cpu_of_reply(show, i) for i in range(LONG_REPLIES)]
        skips = [await _skip(show, f"skip {i}") for i in range(turns or SKIPS)]
        dumps = [await _skip(show, f"dump {i}", "dump") for i in range(5)]
        screen = await bytes_per_second(show, "and now on the screen")
    cuts = skips + dumps
    return [
        Result("CPU of all processes, 10 s of sound", "p50", median(cpu), 0.25, "s", len(cpu)),
        Result("skip or dump to silence", "p95", percentile(cuts, 95), 50, "ms", len(cuts)),
        Result("terminal output while speaking, 80x24", "mean", screen, 20, "KiB/s", 1),
    ]


async def _cpu_of_reply(show: Rig, number: int) -> float:
    before = show.cpu_s()
    turn = await show.say_as_viewer(f"tell me a long story {number}")
    trace = await show.over(turn)
    return (show.cpu_s() - before) * 10.0 / max(trace.audio_s, 1.0)


async def _skip(show: Rig, text: str, verb: str = "skip") -> float:
    """Milliseconds from sending the request to the last audible sample."""
    turn = await show.say_as_viewer(text)
    await show.audible(turn)
    sent_ns = time.monotonic_ns()
    await show.request(verb)
    trace = await show.over(turn)
    if verb == "dump":
        await show.request("release")
    return (trace.stopped_ns - sent_ns) / NS_PER_MS
