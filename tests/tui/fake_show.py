"""A realistic synthetic show on real sockets, to look at the screen without any worker.

    python tests/tui/fake_show.py STATE_DIR [--idle | --flood LINES_A_SECOND]

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
from ipc.config import WORKERS, Config
from ipc.endpoints import Endpoints, ShowLock
from ipc.events import EventHub
from ipc.operator import VERBS, Incoming, OperatorServer
from ipc.protocol import (
    Approval,
    ApprovalsEvent,
    AuditEvent,
    ChatEvent,
    ChatOutcomeEvent,
    ChatRemovedEvent,
    ClauseEvent,
    IntakeEvent,
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
from ipc.states import ChatKind, Role, ShowMode, TurnOutcome, WorkerState

ENABLED = [name for name in WORKERS if Config().worker(name).enabled]
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
VIEWERS: dict[str, dict[str, Any]] = {
    "pixel_otter": {"platform": "twitch", "first": True},
    "かなえ": {"platform": "youtube", "roles": [Role.SUBSCRIBER]},
    "mod_ruth": {"platform": "twitch", "roles": [Role.SUBSCRIBER, Role.MODERATOR]},
    "grumblecat": {"platform": "twitch", "roles": [Role.SUBSCRIBER]},
    "long_john": {"platform": "twitch"},
    "Zoë": {"platform": "youtube"},
    "bakery_fan": {"platform": "twitch", "roles": [Role.VIP]},
}
SPECIAL: dict[int, dict[str, Any]] = {
    13: {"paid_text": "500 bits"},
    14: {"kind": ChatKind.SUB, "notice": "pixel_otter subscribed for 5 months"},
    18: {"kind": ChatKind.RAID, "notice": "long_john is raiding with 42 viewers", "text": ""},
    20: {"held_why": "an address of a web page"},
}
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
        self.steering: dict[str, Any] = {}
        self.approvals: list[Approval] = []
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
            **self.steering,
        )

    def wait_for(self, *items: Approval) -> None:
        """These wait for a person from now on."""
        self.approvals = list(items)
        self.publish(ApprovalsEvent(items=self.approvals, at=time.time()))

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
        elif request.verb in ANSWERS:
            result = ANSWERS[request.verb]
        else:
            result = self._change(request.verb, request.args) or {}
        self.requests.append((request.verb, request.args))
        if verb.changes:
            self.publish(
                AuditEvent(
                    who=request.who, verb=request.verb, args=request.args, ok=True, at=time.time()
                )
            )
        self._server.reply(Reply(id=request.id, result=result))

    def _change(self, verb: str, args: dict[str, Any]) -> dict[str, Any] | None:
        match verb:
            case "hold" | "release" | "dump":
                self.held = verb != "release"
            case "mute" | "unmute":
                self.muted = verb == "mute"
            case "persona":
                self.persona = args["name"]
            case "mode":
                mode = ShowMode(args["name"])
                self.steering |= {"mode": mode, "mode_reason": ""}
            case "topic" | "whisper":
                self.steering[verb] = args.get("text", "")
            case "slow" | "delay":
                self.steering[f"{verb}_s"] = args["seconds"]
            case "approve" | "deny":
                self.wait_for(*(item for item in self.approvals if item.id != args["id"]))
            case "delete":
                gone = ChatRemovedEvent(
                    platform="twitch", message_ids=[args["message_id"]], reason="by the operator"
                )
                self.publish(gone)
                return {"here": "deleted", "platform": "done"}
            case "timeout" | "ban":
                viewer = args["viewer"]
                platform = viewer.partition(":")[0]
                self.publish(
                    ChatRemovedEvent(platform=platform, author_id=viewer, reason=f"{verb} by mika")
                )
                return {"viewer": viewer, "here": f"{verb} set", "platform": "done"}
            case "stop":
                self.ended.set()
        self.publish(self.show_event())
        return None


ANSWERS: dict[str, Any] = {
    "viewer": {
        "viewer": "twitch:grumblecat",
        "platform": "twitch",
        "name": "grumblecat",
        "login": "grumblecat",
        "names": ["grumblecat", "grumble_kitten"],
        "first_seen": 1_699_990_000.0,
        "last_seen": 1_699_999_800.0,
        "lines": 41,
        "hits": 2,
        "found": [{"why": "an address of a web page", "at": 1_699_995_000.0}],
        "said": [
            {"message_id": "m10", "text": "is the bakery open on sundays?", "at": 1_699_998_000.0},
            {"message_id": "m17", "text": "do you remember the bakery?", "at": 1_699_999_800.0},
        ],
        "banned": False,
        "silenced_s": 0,
        "trusted": True,
        "by": "operator",
        "reason": "",
        "since": 1_699_991_000.0,
    },
    "queue": [
        {
            "id": "m22", "author": "3 viewers", "text": "what does the night sky look like?",
            "score": 5.1, "people": 3, "age_s": 4.2,
            "factors": {"question": 1.7, "repeated": 2.1, "fresh": 0.9},
        },
        {
            "id": "m23", "author": "bakery_fan", "text": "sing something",
            "score": 1.2, "people": 1, "age_s": 11.0, "factors": {},
        },
    ],
    "bans": {"banned": [{"viewer": "twitch:spam_bot_77", "by": "operator"}], "trusted": []},
}  # fmt: skip


def chat_line(number: int, message_id: str, at: float, **more: Any) -> ChatEvent:
    """A line of one of the viewers, with what the platform tells of them."""
    author, text = LINES[number % len(LINES)]
    viewer = VIEWERS[author]
    fields: dict[str, Any] = {"text": text} | viewer | more
    return ChatEvent(
        id=message_id,
        author=author,
        author_id=f"{viewer['platform']}:{author}",
        at=at,
        **fields,
    )


def waiting(at: float) -> list[Approval]:
    """What a person has to look at."""
    return [
        Approval(
            id="a1", kind="line", author="bakery_fan", at=at - 42,
            text="everybody look at www.cakes.example/today, it is free",
            why="an address of a web page",
        ),
        Approval(
            id="a2", kind="reply", persona="nova", author="long_john", at=at - 17,
            question="what do you really think of the neighbours?",
            text="Honestly, I would rather not say what I think of them on a stream. "
                 "But the dog is lovely, and I hope he comes to visit again before the winter.",
            why="every reply waits for approval",
        ),
        Approval(
            id="a3", kind="reply", persona="umbra", author="Zoë", at=at - 3,
            question="say my phone number", text="Your number is five five five, and then …",
            why="a phone number",
        ),
    ]  # fmt: skip


def careful(at: float) -> list[Message]:
    """A show that has become careful: replies wait for a person, and much is set."""
    return [
        *opening(at),
        ShowEvent(
            held=False, muted=False, persona="nova", personas=["nova", "umbra"],
            mode=ShowMode.APPROVAL, mode_reason="9 gate hits within 60 s", queued=12,
            topic="the night sky", whisper="be kind to mira", slow_s=20, delay_s=5,
        ),
        ApprovalsEvent(items=waiting(at), at=at),
        IntakeEvent(
            per_minute=1020, waiting=12, crowd=True, merged=214, at=at,
            passed_over={"it waited too long": 3120, "the queue is full": 880, "a command": 31},
            to_queue_p50_ms=2.1, to_queue_p99_ms=9.4,
        ),
        ClauseEvent(
            turn=8, clause=0, speaker="Nova", text="x", heard=0.0, verdict="hold",
            why="a phone number", at=at,
        ),
    ]  # fmt: skip


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
        worker(name, WorkerState.READY, at - 900) for name in ENABLED if name != "memory"
    ]
    events.append(worker("memory", WorkerState.READY, at - 880, restarts=1))
    events.append(meter(at - 3))
    events.append(ShowEvent(held=False, muted=False, persona="nova", personas=["nova", "umbra"]))
    outcomes = itertools.cycle(
        [TurnOutcome.PLAYED, TurnOutcome.SHED, TurnOutcome.BLOCKED, TurnOutcome.PLAYED]
    )
    for number in range(24):
        message_id = f"m{number}"
        events.append(
            chat_line(number, message_id, at - 400 + number * 15, **SPECIAL.get(number, {}))
        )
        if number < 20:
            outcome = next(outcomes)
            reason = {"shed": "a newer line was better", "blocked": "the word list"}.get(
                outcome, ""
            )
            events.append(
                ChatOutcomeEvent(message_id=message_id, outcome=outcome, turn=number, reason=reason)
            )
    events.append(
        ChatRemovedEvent(
            platform="twitch", message_ids=["m16"], reason="deleted by mod_ruth", at=at
        )
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


async def talk(show: FakeShow, flood: int) -> None:
    """Starts up, then answers for ever: lines every 0.7 s, tokens 15 times a second."""
    rng = random.Random(3)
    for name in ENABLED:
        show.publish(worker(name, WorkerState.WAITING, time.time()))
    for name in ENABLED:
        for fraction in (0.2, 0.7):
            show.publish(
                worker(
                    name, WorkerState.STARTING, time.time(),
                    progress="loading the model", fraction=fraction,
                )
            )  # fmt: skip
            await asyncio.sleep(0.1)
        show.publish(worker(name, WorkerState.READY, time.time()))
    for event in careful(time.time()):
        show.publish(event)
    show.wait_for(*waiting(time.time()))
    flooding = asyncio.create_task(crowd(show, flood)) if flood else None
    try:
        for turn in itertools.count(9):
            await reply(show, turn, rng)
    finally:
        if flooding is not None:
            flooding.cancel()
            await asyncio.gather(flooding, return_exceptions=True)


async def crowd(show: FakeShow, per_second: int) -> None:
    """Chat at a flood, as chat and director would tell of it."""
    for number in itertools.count():
        at = time.time()
        message_id = f"f{number}"
        show.publish(chat_line(number, message_id, at))
        show.publish(
            ChatOutcomeEvent(
                message_id=message_id, outcome=TurnOutcome.SHED, reason="the queue is full"
            )
        )
        if number % per_second == 0:
            show.publish(
                IntakeEvent(
                    per_minute=per_second * 60, waiting=64, crowd=True, merged=number // 3,
                    passed_over={"the queue is full": number}, at=at,
                )
            )  # fmt: skip
        await asyncio.sleep(1 / per_second)


async def reply(show: FakeShow, turn: int, rng: random.Random) -> None:
    """One line of chat and the reply to it."""
    show.publish(meter(time.time(), 1 + 0.05 * rng.random()))
    number = rng.randrange(len(LINES))
    author, text = LINES[number]
    message_id = f"t{turn}"
    show.publish(chat_line(number, message_id, time.time()))
    answer = rng.choice(REPLIES)
    show.publish(
        TurnEvent(
            turn=turn, source="chat", persona="nova", author=author, text=text,
            message_ids=[message_id], at=time.time(),
        )
    )  # fmt: skip
    for clause, words in enumerate(answer.split(", ")):
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
    show.publish(trace(turn, time.time(), rng, message_id, answer))
    show.publish(show.show_event(queued=rng.randrange(5)))


async def main(state_dir: Path, *, idle: bool, flood: int) -> None:
    show = FakeShow(state_dir)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, show.ended.set)
    if idle:
        for event in careful(time.time()):
            show.publish(event)
        show.wait_for(*waiting(time.time()))
    talking = asyncio.create_task(show.ended.wait() if idle else talk(show, flood))
    try:
        await show.ended.wait()
        await asyncio.sleep(0.2)  # let the answer to ``stop`` out
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        show.close()


if __name__ == "__main__":
    words = sys.argv[1:]
    rate = int(words[words.index("--flood") + 1]) if "--flood" in words else 0
    asyncio.run(main(Path(words[0]), idle="--idle" in words, flood=rate))
