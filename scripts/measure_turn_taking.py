#!/usr/bin/env python
"""How fast she gives way, and what beginning a reply early saves, in a simulated show.

Usage: scripts/measure_turn_taking.py [--barge-ins N]. In virtual time, with the timings the
table begins with: what is measured is the director's own share, not a machine.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "unit"))

from director_simulation import MS, Simulation, config

from ipc.config import SpeechSection
from ipc.protocol import Duck
from ipc.trace import percentile

STORY = (
    "Well, let me tell you a long story about the sea. It begins with a small boat and a cat. "
    "The cat could sail better than anybody else in town."
)
QUESTION = "which tea do you like best?"


def show_in(place: str, **speech: object) -> Simulation:
    settings = config(idle_after_s=0.0, speech=SpeechSection(**speech))  # type: ignore[arg-type]  # keys
    show = Simulation(Path(place), settings)
    show.memories = []
    return show.start()


def heard_by(chance: random.Random) -> dict[str, float]:
    """How stt hears one utterance."""
    return {
        "word_s": chance.uniform(0.22, 0.4),
        "vad_ms": chance.uniform(60, 130),
        "partial_ms": chance.uniform(200, 500),
        "silence_ms": 500.0,
        "final_ms": chance.uniform(100, 600),
    }


def barge_in(chance: random.Random) -> tuple[float, float]:
    """Milliseconds from a person's first sound to her being ducked, and to her silence."""
    with tempfile.TemporaryDirectory() as place:
        show = show_in(place)
        show.reply = STORY
        show.chat("tell me a story")
        show.run_until(lambda s: bool(s.core.turns) and s.core.turns[0].audible)
        show.run_for(chance.uniform(0.2, 7.0))
        speech = show.speak("wait a second Nova what was its name", **heard_by(chance))
        show.run_until(lambda s: bool(s.traces))
        ducked = [at for at, _to, it in show.sent if isinstance(it, Duck) and it.gain < 1]
        silent = max(until for _turn, _since, until in show.sounded)
        return (ducked[0] - speech.began_ns) / MS, (silent - speech.began_ns) / MS


def answered(seed: int, *, early: bool, pauses: bool = False) -> float:
    """Milliseconds from the end of a person's voice to her first sound."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        show = show_in(place, early=early)
        show.reply = "Green tea. I could drink it all day."
        hears = heard_by(chance)
        if pauses:  # the words are there before the silence has lasted
            hears |= {"pause_ms": chance.uniform(190, 440), "silence_ms": 450.0, "final_ms": 5.0}
        show.speak(QUESTION, **hears)
        show.run_until(lambda s: bool(s.traces) and s.traces[-1].outcome == "played")
        return show.traces[-1].spans_ms["chat_to_audio"]


def row(name: str, values: Sequence[float]) -> None:
    numbers = (percentile(list(values), at) for at in (50, 95, 100))
    print(f"{name:44}", *(f"{number:8.0f}" for number in numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--barge-ins", type=int, default=200)
    count = parser.parse_args().barge_ins
    chance = random.Random(4)
    print("voice activity after 60-130 ms, words so far every 200-500 ms, 0.22-0.4 s a word,")
    print("final words 100-600 ms after 500 ms of silence; recall 10 ms, first token 80 ms,")
    print("20 ms a token, first sound 30 ms after its clause. Where stt tells a pause: all words")
    print("190-440 ms after the voice, final 5 ms after 450 ms of silence\n")
    print(f"{'milliseconds':44}", *(f"{head:>8}" for head in ("p50", "p95", "max")))
    ducked, silent = zip(*(barge_in(chance) for _ in range(count)), strict=True)
    row("voice begins -> she is ducked", ducked)
    row("voice begins -> she is silent", silent)
    for what, pauses in (("two partials that agree", False), ("a pause", True)):
        late = [answered(seed, early=False, pauses=pauses) for seed in range(count)]
        soon = [answered(seed, early=True, pauses=pauses) for seed in range(count)]
        print(f"stt tells {what}:")
        row("  voice ends -> her reply, begun at the final", late)
        row("  voice ends -> her reply, begun early", soon)
        row("  saved", [one - other for one, other in zip(late, soon, strict=True)])


if __name__ == "__main__":
    main()
