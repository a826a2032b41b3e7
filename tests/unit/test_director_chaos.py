"""Everything at once, at random moments: nothing stays open and the next line is answered."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from director_simulation import Simulation, config

from ipc.errors import RequestFailed
from ipc.protocol import ChatOutcomeEvent
from ipc.states import WorkerState

WORKERS = ("llm", "tts", "stage", "memory")


def anything(show: Simulation, chance: random.Random) -> None:
    """One thing an operator, a viewer, the supervisor or fate does."""
    core, worker = show.core, chance.choice(WORKERS)
    match chance.randrange(16):
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
        case _:
            show.chat("something", chance.choice(["Ann", "Bob", "Cleo"]))


@pytest.mark.parametrize("seed", range(30))
def test_nothing_stays_open_and_the_next_line_is_answered(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    show = Simulation(tmp_path, config(idle_after_s=20.0)).start()
    for _ in range(60):
        anything(show, chance)
        show.run_for(chance.choice([0.0, 0.005, 0.1, 0.1, 0.5, 2.0, 6.0]))
    for name in WORKERS:
        if not show.states[name].serves:
            show.recover(name)
    show.core.release()
    show.run_for(300)
    last = show.chat("are you there", "Dora")
    show.run_until(lambda s: s.outcome(last) != "", 60)
    assert show.outcome(last) == "played"
    show.core.hold()
    show.run_for(60)
    show.check_quiet()
    settled = [event.message_id for event in show.of(ChatOutcomeEvent)]
    assert len(settled) == len(set(settled))
    assert len(show.core.queue) == 0
