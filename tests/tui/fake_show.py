"""A realistic synthetic show on real sockets, to look at the screen without any worker.

    python tests/tui/fake_show.py STATE_DIR

It holds the lock of STATE_DIR, serves both UI sockets, and talks until it gets SIGTERM or
the verb ``stop``. ``FakeShow`` is also what the socket tests drive, one event at a time.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from ipc.codec import encode
from ipc.config import WORKERS
from ipc.endpoints import Endpoints, ShowLock
from ipc.events import EventHub
from ipc.operator import VERBS, Incoming, OperatorServer
from ipc.protocol import (
    AuditEvent,
    ChatEvent,
    ChatOutcomeEvent,
    ClauseEvent,
    MemoryEvent,
    MemoryHit,
    Message,
    Meter,
    MeterEvent,
    NoticeEvent,
    Reply,
    ShowEvent,
    Snapshot,
    TokenEvent,
    TraceEvent,
    TurnEvent,
    WorkerEvent,
)
from ipc.states import TurnOutcome, WorkerState

BUDGETS_MB = {
    "stage": 205.0, "tts": 614.0, "llm": 819.0, "memory": 1229.0, "director": 154.0, "chat": 154.0,
}  # fmt: skip
DETAILS = {
    "stage": {"overlay": "http://127.0.0.1:8765/", "sound": "no device"},
    "tts": {"engine": "hibari", "voice": "heart", "rate": "24 kHz"},
    "llm": {"model": "SmolLM2-135M-Instruct Q8_0", "context": "2048 tokens"},
    "memory": {"model": "all-MiniLM-L6-v2", "rows": "214 memories"},
    "director": {"personas": "nova, umbra"},
    "chat": {"platforms": "console, replay sample"},
}
LINES = (
    ("pixel_otter", "hi Nova! first time here, what game are we playing tonight?"),
    ("かなえ", "こんばんは！今日の配信も楽しみにしてました 🎉"),
    ("mod_ruth", "[bold]no markup please[/bold], be nice to each other"),
    ("grumblecat", "do you actually remember what I told you about my sister's bakery?"),
    ("long_john", "so I was thinking, if the stars are all that far away and the light takes "
     "so long to get here, are we not really just looking at a very old photograph of the sky?"),
    ("Zoë", "what does the night sky look like from up there"),
    ("bakery_fan", "👩‍🚀👩‍🚀 sing something"),
)  # fmt: skip
REPLIES = (
    "Welcome in, pixel otter! Tonight we are sorting meteorites by how grumpy they look, "
    "and yes, it is exactly as fun as it sounds.",
    "Of course I remember the bakery, you said the cinnamon rolls sell out before sunrise! "
    "Tell your sister I would orbit the block for one.",
    "It really is an old photograph, and somewhere somebody may be looking at an old "
    "photograph of us, wondering what we had for dinner.",
)


class FakeShow:
    """Lock, hub and operator server of a show whose workers are make-believe."""

    def __init__(self, state_dir: Path) -> None:
        self.endpoints = Endpoints.of(state_dir)
        self._lock = ShowLock(self.endpoints)
        self.epoch = uuid.uuid4().hex
        self.started_at = time.time()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.snapshots = 0
        self.ended = asyncio.Event()
        self.held = self.muted = False
        self.persona = "nova"
        self.hub = EventHub(self.endpoints, lambda _: None)
        self._server = OperatorServer(self.endpoints, self._on_request)

    def publish(self, event: Message) -> None:
        self.hub.publish(event)

    def close(self) -> None:
        self._server.close()
        self.hub.close()
        self._lock.release()

    def show_event(self, queued: int = 0) -> ShowEvent:
        return ShowEvent(
            held=self.held,
            muted=self.muted,
            persona=self.persona,
            personas=["nova", "umbra"],
            queued=queued,
        )

    def _on_request(self, incoming: Incoming) -> None:
        request = incoming.request
        verb = VERBS[request.verb]
        if request.readonly and verb.changes:
            self._server.reply(Reply(id=request.id, error="this client is read-only"))
            return
        result: Any = {}
        if request.verb == "snapshot":
            self.snapshots += 1
            snapshot = Snapshot(
                epoch=self.epoch,
                sequences=self.hub.sequences(),
                events=self.hub.retained(),
                started_at=self.started_at,
            )
            result = {"snapshot": encode(snapshot)}
        elif request.verb == "logs":
            name = request.args["worker"]
            result = {"worker": name, "lines": [f"{name}: line {i} of the log" for i in range(80)]}
        else:
            self._change(request.verb, request.args)
        self.requests.append((request.verb, request.args))
        if verb.changes:
            self.publish(
                AuditEvent(
                    who=request.who, verb=request.verb, args=request.args, ok=True, at=time.time()
                )
            )
        self._server.reply(Reply(id=request.id, result=result))

    def _change(self, verb: str, args: dict[str, Any]) -> None:
        match verb:
            case "hold" | "release" | "dump":
                self.held = verb != "release"
            case "mute" | "unmute":
                self.muted = verb == "mute"
            case "persona":
                self.persona = args["name"]
            case "stop":
                self.ended.set()
        self.publish(self.show_event())


def worker(name: str, state: WorkerState, at: float, **more: Any) -> WorkerEvent:
    """A worker as the supervisor would describe it."""
    return WorkerEvent(
        name=name,
        state=state,
        incarnation=1 + more.get("restarts", 0),
        pid=4000 + WORKERS.index(name),
        details=DETAILS[name] if state.serves else {},
        at=at,
        **more,
    )


def meter(at: float, growth: float = 1.0) -> MeterEvent:
    """Plausible memory of all workers."""
    shares = {"stage": 0.45, "tts": 0.62, "llm": 0.57, "memory": 0.81, "director": 0.5, "chat": 0.4}
    workers = {
        name: Meter(
            memory_mb=share * BUDGETS_MB[name] * growth,
            budget_mb=BUDGETS_MB[name],
            cpu_percent=4.0,
        )
        for name, share in shares.items()
    }
    return MeterEvent(
        workers=workers,
        used_mb=sum(m.memory_mb for m in workers.values()) + 48,
        budget_mb=102400.0,
        host_used_mb=11_800,
        host_total_mb=122_880,
        at=at,
    )


def trace(turn: int, at: float, rng: random.Random, message_id: str, reply: str) -> TraceEvent:
    """Plausible spans of one turn."""
    first_token, audio, playout = rng.uniform(55, 130), rng.uniform(30, 115), rng.uniform(4, 14)
    return TraceEvent(
        turn=turn,
        outcome=TurnOutcome.PLAYED,
        source="chat",
        spans_ms={
            "recall": rng.uniform(18, 45),
            "llm_first_token": first_token,
            "tts_first_audio": audio,
            "playout": playout,
            "dead_air": first_token + audio + playout + rng.uniform(60, 220),
        },
        reply=reply,
        generated=reply,
        message_ids=[message_id],
        persona="nova",
        at=at,
    )


def opening(at: float) -> list[Message]:
    """A show that has been going on for a while, the same every time for the same ``at``."""
    rng = random.Random(7)
    events: list[Message] = [
        worker(name, WorkerState.READY, at - 900) for name in WORKERS if name != "memory"
    ]
    events.append(worker("memory", WorkerState.READY, at - 880, restarts=1))
    events.append(meter(at - 3))
    events.append(ShowEvent(held=False, muted=False, persona="nova", personas=["nova", "umbra"]))
    outcomes = itertools.cycle(
        [TurnOutcome.PLAYED, TurnOutcome.SHED, TurnOutcome.BLOCKED, TurnOutcome.PLAYED]
    )
    for number in range(24):
        author, text = LINES[number % len(LINES)]
        message_id = f"m{number}"
        events.append(
            ChatEvent(
                id=message_id, platform="console", author=author, text=text,
                at=at - 400 + number * 15,
            )
        )  # fmt: skip
        if number < 21:
            outcome = next(outcomes)
            reason = {"shed": "a newer line was better", "blocked": "the word list"}.get(
                outcome, ""
            )
            events.append(
                ChatOutcomeEvent(message_id=message_id, outcome=outcome, turn=number, reason=reason)
            )
    for turn in range(1, 8):
        author, text = LINES[turn % len(LINES)]
        speaker = "Umbra" if turn == 3 else "Nova"
        events.append(
            TurnEvent(turn=turn, source="chat", persona="nova", author=author, text=text, at=at)
        )
        first, second = REPLIES[turn % 3].split(", ", 1)
        last = turn == 7
        for clause, words in enumerate((first + ",", second)):
            cut_short = turn == 5 and clause == 1
            events.extend(
                ClauseEvent(
                    turn=turn, clause=clause, speaker=speaker, text=words, heard=heard, at=at
                )
                for heard in ((0.0,) if last and clause else (0.0, 0.4 if cut_short else 1.0))
            )
        if not last:
            events.append(trace(turn, at, rng, f"m{turn}", REPLIES[turn % 3]))
    events.append(TokenEvent(turn=7, text=REPLIES[1][:110]))
    events.append(
        MemoryEvent(
            turn=7,
            query=LINES[3][1],
            hits=[
                MemoryHit(id="a", who="grumblecat", score=0.83,
                          text="my sister opened a bakery by the harbour last spring"),
                MemoryHit(id="b", who="grumblecat", score=0.61,
                          text="the cinnamon rolls sell out before sunrise"),
                MemoryHit(id="c", who="bakery_fan", score=0.42,
                          text="asked which bread keeps longest on a boat"),
            ],
        )
    )  # fmt: skip
    events.append(
        NoticeEvent(
            level="info", source="stage", text="a page of the overlay connected", at=at - 90
        )
    )
    events.append(
        NoticeEvent(
            level="warning", source="memory", text="recall took longer than 80 ms",
            hint="the answer went on without it", at=at - 60,
        )
    )  # fmt: skip
    events.append(
        AuditEvent(who="mika@pts/2", verb="persona", args={"name": "nova"}, ok=True, at=at - 30)
    )
    return events


def trouble(at: float) -> list[Message]:
    """A show in which much goes wrong at once."""
    return [
        *opening(at),
        worker("tts", WorkerState.BACKOFF, at, restarts=3, retry_in_s=4.0,
               reason="exited with code 1: onnxruntime could not allocate 512 MB"),
        worker("llm", WorkerState.STARTING, at, restarts=1, fraction=0.62,
               progress="loading SmolLM2-135M-Instruct"),
        worker("memory", WorkerState.FAILED, at, restarts=5,
               reason="gave up after 5 crashes in 300 s; the show goes on without recall"),
        worker("chat", WorkerState.DEGRADED, at, reason="replay: line 12 of the file is no JSON"),
        ShowEvent(held=True, muted=True, persona="umbra", personas=["nova", "umbra"],
                  reason="the language model is gone", queued=41),
        NoticeEvent(level="error", source="memory", text="memory gave up", at=at,
                    hint="spark-tui logs memory says why"),
    ]  # fmt: skip


async def talk(show: FakeShow) -> None:
    """Starts up, then answers for ever: lines every 0.7 s, tokens 15 times a second."""
    rng = random.Random(3)
    for name in WORKERS:
        show.publish(worker(name, WorkerState.WAITING, time.time()))
    for name in WORKERS:
        for fraction in (0.2, 0.7):
            show.publish(
                worker(
                    name, WorkerState.STARTING, time.time(),
                    progress="loading the model", fraction=fraction,
                )
            )  # fmt: skip
            await asyncio.sleep(0.1)
        show.publish(worker(name, WorkerState.READY, time.time()))
    for event in opening(time.time()):
        show.publish(event)
    for turn in itertools.count(8):
        show.publish(meter(time.time(), 1 + 0.05 * rng.random()))
        author, text = rng.choice(LINES)
        message_id = f"t{turn}"
        show.publish(
            ChatEvent(id=message_id, platform="console", author=author, text=text, at=time.time())
        )
        reply = rng.choice(REPLIES)
        show.publish(
            TurnEvent(
                turn=turn, source="chat", persona="nova", author=author, text=text,
                message_ids=[message_id], at=time.time(),
            )
        )  # fmt: skip
        clauses = reply.split(", ")
        for clause, words in enumerate(clauses):
            for word in words.split():
                show.publish(TokenEvent(turn=turn, text=f"{word} "))
                await asyncio.sleep(0.066)
            for heard in (0.0, 1.0):
                show.publish(
                    ClauseEvent(
                        turn=turn, clause=clause, speaker="Nova", text=words, heard=heard,
                        at=time.time(),
                    )
                )  # fmt: skip
                await asyncio.sleep(0.5 * (1 - heard))
        show.publish(TokenEvent(turn=turn, text="", done=True))
        show.publish(ChatOutcomeEvent(message_id=message_id, outcome=TurnOutcome.PLAYED, turn=turn))
        show.publish(trace(turn, time.time(), rng, message_id, reply))
        show.publish(show.show_event(queued=rng.randrange(5)))


async def main(state_dir: Path, *, idle: bool) -> None:
    show = FakeShow(state_dir)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, show.ended.set)
    if idle:
        for event in opening(time.time()):
            show.publish(event)
    talking = asyncio.create_task(show.ended.wait() if idle else talk(show))
    try:
        await show.ended.wait()
        await asyncio.sleep(0.2)  # let the answer to ``stop`` out
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        show.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), idle="--idle" in sys.argv))
