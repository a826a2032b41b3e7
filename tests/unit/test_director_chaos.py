"""Everything at once, at random moments: nothing stays open and the next line is answered."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from director_simulation import Simulation, config

from ipc.config import GateSection, GateTighten
from ipc.errors import RequestFailed
from ipc.protocol import ChatOutcomeEvent, GateHit, Removed, Taken
from ipc.states import TurnOutcome, WorkerState

WORKERS = ("llm", "tts", "stage", "memory")


def anything(show: Simulation, chance: random.Random) -> None:
    """One thing an operator, a viewer, the supervisor or fate does."""
    core, worker = show.core, chance.choice(WORKERS)
    names = ["Ann", "Bob", "Cleo"]
    match chance.randrange(26):
        case 0:
            with contextlib.suppress(RequestFailed):
                core.skip()
        case 1:
            core.dump()
        case 2:
            core.hold("fate")
        case 3 | 4:
            core.release()
        case 5:
            with contextlib.suppress(RequestFailed):
                core.set_persona(chance.choice(["nova", "umbra"]))
        case 6:
            with contextlib.suppress(RequestFailed):
                core.say("Hello from the operator. All is well.", show.now)
        case 7:
            if show.opened:
                newest = show.opened[-1]
                show.fence_from_outside(newest - chance.randrange(2), up_to=chance.random() < 0.5)
        case 8 if show.states[worker].serves:
            show.lose(worker, chance.choice([WorkerState.BACKOFF, WorkerState.FAILED]))
        case 9 | 10:
            for name in WORKERS:
                if not show.states[name].serves:
                    show.recover(name)
        case 11:
            core.mute(muted=chance.random() < 0.5)
        case 12:
            show.remove(
                Removed(
                    platform="console",
                    author_id=f"console:{chance.choice(names).lower()}",
                    forget=chance.random() < 0.5,
                    everything=chance.random() < 0.2,
                )
            )
        case 13:
            gone = [f"m{len(show.opened) + chance.randrange(4)}" for _ in range(3)]
            show.remove(Removed(platform="console", message_ids=gone))
        case 14:
            show.chat("doubtful", chance.choice(names), held_why="links")
        case 15 | 16:
            waiting = [item.id for item in core.approvals.waiting] or ["none"]
            with contextlib.suppress(RequestFailed):
                (core.approve if chance.random() < 0.7 else core.deny)(chance.choice(waiting))
        case 17:
            core.set_mode(chance.choice(["open", "approval", "safe"]))
        case 18:
            show.deliver(GateHit(hits=chance.randrange(6), why="chance"))
        case 19:
            core.set_slow(chance.choice([0, 2]))
            core.set_delay(chance.choice([0, 0, 1.5]))
        case 20:
            core.whisper("be kind")
            core.set_topic(chance.choice(["", "trains"]))
        case 21:
            rows = core.listing() or [{"id": "none"}]
            with contextlib.suppress(RequestFailed):
                (core.answer_next if chance.random() < 0.7 else core.drop)(
                    chance.choice(rows)["id"]
                )
        case _:
            show.chat("something", chance.choice(names), platform=chance.choice(["console", "irc"]))


@pytest.mark.parametrize("seed", range(60))
def test_nothing_stays_open_and_the_next_line_is_answered(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    gate = GateSection(tighten=GateTighten(persona="umbra", to=chance.choice(["safe", "approval"])))
    show = Simulation(tmp_path, config(gate=gate, idle_after_s=20.0)).start()
    for _ in range(60):
        anything(show, chance)
        show.run_for(chance.choice([0.0, 0.005, 0.1, 0.1, 0.5, 2.0, 6.0]))
    for name in WORKERS:
        if not show.states[name].serves:
            show.recover(name)
    show.core.set_mode("open")
    show.core.set_slow(0)
    show.core.release()
    show.run_for(300)
    last = show.chat("are you there", "Dora", "last")
    show.run_until(lambda s: s.outcome(last) != "", 60)
    assert show.outcome(last) == "played"
    show.core.hold()
    show.run_for(60)
    show.check_quiet()
    show.check_gone()
    told = [event for event in show.of(ChatOutcomeEvent) if event.outcome is not TurnOutcome.HELD]
    settled = [event.message_id for event in told]
    assert len(settled) == len(set(settled)), sorted(settled)
    assert len(show.core.queue) == 0
    assert show.core.approvals.approved == []
    items = [item for item in show.core.approvals.waiting if not item.answered]
    waiting = {one for item in items if item.pick for one in item.pick.ids}
    taken = {one for message in show.sent_to("chat", Taken) for one in message.message_ids}
    assert taken == waiting | set(settled), "chat need not keep any, and none was lost"
