"""Unit: the pure decisions of the supervisor, in virtual time."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipc.config import AFTER, WORKERS
from ipc.fence import Fence
from ipc.protocol import Cancel, TraceEvent
from ipc.states import ShowState, TurnOutcome, WorkerState
from workers.supervisor import machine, memory
from workers.supervisor.graph import start_levels, stop_levels, unsettled
from workers.supervisor.horizon import MARGIN, Horizon
from workers.supervisor.liveness import Liveness
from workers.supervisor.losses import LOSSES, degraded, show_state
from workers.supervisor.machine import TABLE, Event, InvalidTransition
from workers.supervisor.policy import RestartPolicy, drain_time_s
from workers.supervisor.tally import Tally

# --- machine ---


@given(st.lists(st.sampled_from(list(Event)), max_size=60))
def test_a_process_is_only_ever_started_from_waiting(events: list[Event]) -> None:
    state = WorkerState.WAITING
    for event in events:
        try:
            after = machine.advance(state, event)
        except InvalidTransition:
            continue
        if machine.alive(after) and not machine.alive(state):
            assert (state, event) == (WorkerState.WAITING, Event.START)
        if after.serves and not state.serves:
            assert (state, event) == (WorkerState.STARTING, Event.LOADED)
        state = after


def test_every_state_can_be_reached_and_all_but_disabled_left_for_ready() -> None:
    reached = {WorkerState.WAITING}
    for _ in TABLE:
        reached |= {after for (state, _), after in TABLE.items() if state in reached}
    assert reached == set(WorkerState)
    to_ready = {WorkerState.READY}
    for _ in TABLE:
        to_ready |= {state for (state, _), after in TABLE.items() if after in to_ready}
    assert to_ready == set(WorkerState) - {WorkerState.DISABLED}
    assert all((state, Event.RELEASE) in TABLE for state in to_ready)


def test_every_living_state_survives_a_crash() -> None:
    for state in WorkerState:
        assert ((state, Event.CRASHED) in TABLE) == machine.alive(state)


# --- restarts ---


def policy(limit: int = 5, window_s: float = 300.0, dice: float = 1.0) -> RestartPolicy:
    return RestartPolicy(limit, window_s, 0.25, 30.0, 120.0, lambda: dice)


def test_delays_double_to_the_cap_and_the_limit_ends_them() -> None:
    it = policy(limit=10, window_s=1e9)
    delays = [it.crashed(float(n)) for n in range(10)]
    assert delays == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, None]


@given(st.integers(0, 2**32), st.integers(2, 50))
def test_jitter_is_full_and_bounded(seed: int, crashes: int) -> None:
    it = RestartPolicy(1000, 1e9, 0.25, 30.0, 120.0, random.Random(seed).random)
    for number in range(crashes):
        delay = it.crashed(float(number))
        assert delay is not None
        assert 0 <= delay <= min(30.0, 0.25 * 2**number)


def test_crashes_leave_the_window_by_age() -> None:
    it = policy(limit=3, window_s=10)
    assert it.crashed(0) is not None
    assert it.crashed(5) is not None
    assert it.crashed(10) is not None  # the one at 0 has just left
    assert it.crashed(11) is None


def test_a_stable_period_shortens_the_delay_but_does_not_empty_the_window() -> None:
    """Guards: a worker that dies just after every stable period must still give up."""
    it = policy(limit=3, window_s=900)
    assert it.crashed(0) == 0.25
    it.ready(1)
    assert it.crashed(122) == 0.25  # not 0.5
    it.ready(123)
    assert it.crashed(244) is None


def test_an_unstable_period_does_not_shorten_the_delay() -> None:
    it = policy()
    it.crashed(0)
    it.ready(1)
    assert it.crashed(50) == 0.5


def test_the_operator_gives_a_fresh_start() -> None:
    it = policy(limit=2)
    it.crashed(0)
    it.reset()
    assert it.crashed(1) == 0.25
    assert it.crashed(2) is None


@given(st.floats(0.1, 4), st.floats(0.1, 2), st.lists(st.booleans(), min_size=3, max_size=3))
def test_a_stop_ends_in_time_whoever_resists(
    drain_s: float, term_s: float, bad: list[bool]
) -> None:
    left = 9.0
    for after, resists in zip((2, 1, 0), bad, strict=True):
        drain = drain_time_s(left, after, drain_s, term_s)
        assert 0 <= drain <= drain_s
        left -= drain + term_s if resists else 0.0
    assert left >= -1e-9


# --- order ---


def test_the_show_stops_in_the_reverse_order() -> None:
    assert start_levels(AFTER) == [
        ("avatar", "llm", "memory", "stage", "stt", "tts"),
        ("director",),
        ("chat", "obs"),
    ]
    assert stop_levels(AFTER) == start_levels(AFTER)[::-1]


def test_a_failed_or_disabled_worker_is_not_waited_for() -> None:
    states = dict.fromkeys(WORKERS, WorkerState.READY)
    states["llm"], states["tts"] = WorkerState.FAILED, WorkerState.BACKOFF
    settled = {name: state.settled for name, state in states.items()}
    assert unsettled("director", AFTER, settled) == ["tts"]


# --- liveness ---


def alive(loaded_at: float = 0.0) -> Liveness:
    it = Liveness(0.0, load_timeout_s=60, beat_timeout_s=5, stall_timeout_s=20)
    it.loaded(loaded_at)
    return it


def test_while_loading_only_the_load_timeout_counts() -> None:
    it = Liveness(0.0, load_timeout_s=60, beat_timeout_s=5, stall_timeout_s=20)
    it.beat(1, 0, True, 0)
    assert it.verdict(59) == ""
    assert "loading within 60 s" in it.verdict(61)


def test_silence_is_a_hang() -> None:
    it = alive()
    it.beat(10, 1, False, 0)
    assert it.verdict(15) == ""
    assert "no heartbeat for 5 s" in it.verdict(15.1)


def test_busy_without_progress_is_a_hang_and_progress_is_not() -> None:
    it = alive()
    for second in range(40):
        it.beat(second, second, True, 0)
        assert it.verdict(second) == ""
    for second in range(40, 60):
        it.beat(second, 39, True, 0)
        assert it.verdict(second - 0.5) == ""
    it.beat(60, 39, True, 0)
    assert "without progress" in it.verdict(60)


def test_idle_without_progress_is_none() -> None:
    it = alive()
    for second in range(1000):
        it.beat(second, 7, False, 0)
    assert it.verdict(999) == ""
    it.beat(1000, 7, True, 0)  # work begins: the time counts from here
    assert it.verdict(1001) == ""


def test_declared_quiet_is_allowed_and_then_ends() -> None:
    it = alive()
    for second in range(121):
        it.beat(second, 0, True, 100.0)
        assert it.verdict(second) == ""
    it.beat(121, 0, True, 100.0)
    assert "without progress" in it.verdict(121)


def test_our_own_standstill_is_not_held_against_a_worker() -> None:
    it = alive()
    it.beat(1, 0, False, 0)
    it.forgive(30)
    assert it.verdict(33) == ""


# --- fence ---


def test_a_cut_covers_what_died_unannounced_and_never_goes_back() -> None:
    it = Horizon()
    it.opened(7)
    it.opened(3)
    cut = it.cut("the director was lost")
    assert (cut.turn, cut.up_to) == (7 + MARGIN, True)
    again = it.cut("dump")
    assert again.turn == 7 + 2 * MARGIN == it.floor
    fence = Fence(it.floor)
    assert not fence.allows(again.turn)
    assert fence.allows(again.turn + 1)


def test_a_relayed_cancel_reaches_those_that_start_later() -> None:
    it = Horizon()
    it.relayed(Cancel(turn=5, up_to=False))
    assert it.floor == 0
    it.relayed(Cancel(turn=5, up_to=True))
    it.relayed(Cancel(turn=2, up_to=True))
    assert it.floor == 5


# --- memory ---


def test_admission_counts_what_is_promised_to_others() -> None:
    assert memory.admit(10, 32, 20, 2) == ""
    assert "32.5 GB must be available, 32.0 GB are" in memory.admit(10.5, 32, 20, 2)


def test_shedding_follows_the_declared_order_and_spares_zero() -> None:
    running = {"tts": 0, "memory": 2, "chat": 1}
    assert memory.shed(0.3, 0.3, running) == ""
    assert memory.shed(0.2, 0.3, running) == "chat"
    assert memory.shed(0.2, 0.3, {"tts": 0}) == ""


def test_the_gauge_reads_this_process() -> None:
    now = [0.0]
    gauge = memory.Gauge(clock=lambda: now[0])
    gauge.read({"me": os.getpid()})
    sum(n * n for n in range(2_000_000))
    now[0] = 1.0
    usage = gauge.read({"me": os.getpid(), "nobody": 2**22 + 1})
    assert usage["me"].memory_mb > 10
    assert usage["me"].cpu_percent > 1
    assert usage["nobody"] == memory.Usage(0.0, 0.0)


def test_a_process_counts_for_one_tree_only(tmp_path: Path) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    for pid, parent, session, pss_mb in [(10, 1, 10, 30), (20, 10, 20, 500), (21, 20, 21, 7)]:
        (tmp_path / str(pid)).mkdir()
        fields = ["S", parent, pid, session, *[0] * 17, pss_mb * 2**20 // page]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a b)) {' '.join(map(str, fields))} 0")
        (tmp_path / str(pid) / "smaps_rollup").write_text(f"Rss: 1 kB\nPss: {pss_mb * 1024} kB\n")
    usage = memory.Gauge(tmp_path, gpu=lambda: {21: 2**20}).read({"llm": 20, "": 10})
    assert {name: tree.memory_mb for name, tree in usage.items()} == {"llm": 508.0, "": 30.0}


# --- what the show loses ---


def test_every_worker_has_a_loss_and_every_loss_a_worker() -> None:
    assert set(LOSSES) == set(WORKERS)


def test_the_show_degrades_by_name() -> None:
    workers = [
        ("tts", WorkerState.BACKOFF, "crashed"),
        ("memory", WorkerState.DEGRADED, "disk is full"),
        ("chat", WorkerState.DISABLED, ""),
        ("llm", WorkerState.READY, ""),
    ]
    assert degraded(workers) == ["no tts: captions only", "memory: disk is full"]


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({}, ShowState.ON_AIR),
        ({"missing": True}, ShowState.DEGRADED),
        ({"missing": True, "muted": True}, ShowState.MUTED),
        ({"muted": True, "held": True}, ShowState.HELD),
        ({"held": True, "started": False}, ShowState.STARTING),
        ({"started": False, "stopping": True}, ShowState.STOPPING),
    ],
)
def test_the_worst_state_shows(flags: dict[str, bool], state: ShowState) -> None:
    usual = {"stopping": False, "started": True, "held": False, "muted": False, "missing": False}
    assert show_state(**(usual | flags)) is state


def test_the_tally_takes_percentiles_of_played_turns_only() -> None:
    tally = Tally()
    for turn in range(1, 302):
        outcome = TurnOutcome.PLAYED if turn > 1 else TurnOutcome.SKIPPED
        ms = 1e6 if turn <= 101 else float(turn)
        tally.add(
            TraceEvent(
                turn=turn, outcome=outcome, source="chat",
                spans_ms={"chat_to_audio": ms}, reply="", generated="",
            )
        )  # fmt: skip
    assert tally.turns()["played"] == 300
    assert tally.turns()["skipped"] == 1
    span = tally.spans_ms()["chat_to_audio"]
    assert span["n"] == 200
    assert 200 < span["p50"] < 203
    assert span["p95"] < 302
