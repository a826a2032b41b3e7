"""Unit: what the body does by itself. A function of seed and time; blinks, looks, breath, sway."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.face.motion import BREATH_S, MOTION, Idle, Listening

STEP_S = 1 / 60
MINUTES = 8
BODIES = [Idle(7), Listening(7), Listening(7, toward=1.0), Listening(7, toward=-1.0)]


def series(body: Idle, name: str, seconds: float, step_s: float = STEP_S) -> list[float]:
    return [body.at(k * step_s)[name] for k in range(int(seconds / step_s))]


def blinks(body: Idle, seconds: float) -> list[tuple[float, float]]:
    """(middle, duration) of each, in seconds."""
    lids = series(body, "eye_open", seconds, 0.005)
    found, begin = [], -1
    for k, value in enumerate(lids):
        if value < 0.999 and begin < 0:
            begin = k
        elif value >= 0.999 and begin >= 0:
            found.append(((k + begin) / 2 * 0.005, (k - begin) * 0.005))
            begin = -1
    return found


@settings(max_examples=200, deadline=None)
@given(st.floats(min_value=-10.0, max_value=1e8), st.sampled_from(BODIES))
def test_every_value_is_in_range_at_every_time(t_s: float, body: Idle) -> None:
    values = body.at(t_s)
    assert tuple(values) == MOTION
    for name, value in values.items():
        low = 0.0 if name in {"eye_open", "breath"} else -1.0
        assert low <= value <= 1.0


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    times = [k * 7.3 for k in range(200)]
    asked = {t_s: Idle(3).at(t_s) for t_s in times}
    body = Idle(3)
    random.Random(1).shuffle(times)
    assert {t_s: body.at(t_s) for t_s in times} == asked


def test_two_seeds_are_two_bodies() -> None:
    assert series(Idle(1), "head_yaw", 5.0) != series(Idle(2), "head_yaw", 5.0)
    assert blinks(Idle(1), 60.0) != blinks(Idle(2), 60.0)


def test_blinks_come_every_three_to_six_seconds_and_last_150_ms() -> None:
    found = blinks(Idle(5), MINUTES * 60)
    gaps = [b[0] - a[0] for a, b in pairwise(found)]
    double = [gap for gap in gaps if gap < 0.5]
    single = [gap for gap in gaps if gap >= 0.5]
    assert 3.0 < statistics.median(single) < 6.0
    assert sum(2.0 < gap < 8.0 for gap in single) > 0.85 * len(single)
    assert max(single) < 15.0
    assert 0.04 < len(double) / len(found) < 0.25
    assert all(0.13 < duration < 0.16 for _, duration in found)
    assert min(series(Idle(5), "eye_open", 60.0, 0.005)) < 0.02  # it shuts


def test_the_breath_has_its_period() -> None:
    body = Idle(4)
    for t_s in (0.0, 1.1, 100.7):
        assert body.at(t_s)["breath"] == pytest.approx(body.at(t_s + BREATH_S)["breath"], abs=1e-6)
    breath = series(body, "breath", BREATH_S)
    assert max(breath) > 0.99
    assert min(breath) < 0.01


@pytest.mark.parametrize("body", BODIES)
def test_the_head_moves_smoothly_and_the_eyes_jump(body: Idle) -> None:
    for name, most in [("head_yaw", 0.01), ("head_roll", 0.01), ("head_pitch", 0.1)]:
        values = series(body, name, 180.0)
        assert max(abs(b - a) for a, b in pairwise(values)) < most
        assert max(values) - min(values) > 0.1
    gaze = series(body, "gaze_x", 180.0)
    still = sum(abs(b - a) < 1e-9 for a, b in pairwise(gaze))
    assert still > 0.85 * len(gaze)  # fixations
    assert max(abs(b - a) for a, b in pairwise(gaze)) > 0.02  # and saccades


def test_the_sway_does_not_repeat() -> None:
    yaw = series(Idle(9), "head_yaw", 600.0, 0.5)
    for shift in range(20, 600):
        there = [abs(a - b) for a, b in zip(yaw, yaw[shift:], strict=False)]
        assert max(there) > 0.01


def test_who_listens_nods_and_looks_at_who_speaks() -> None:
    right, left, idle = Listening(7, toward=1.0), Listening(7, toward=-1.0), Idle(7)
    assert statistics.mean(series(right, "gaze_x", 60.0)) > 0.4
    assert statistics.mean(series(left, "gaze_x", 60.0)) < -0.4
    assert statistics.mean(series(right, "head_yaw", 60.0)) > 0.15
    assert statistics.pstdev(series(right, "gaze_x", 60.0)) < 0.5 * statistics.pstdev(
        series(idle, "gaze_x", 60.0)
    )
    dips = [b - a for a, b in zip(series(idle, "head_pitch", 60.0),
                                  series(right, "head_pitch", 60.0), strict=True)]  # fmt: skip
    assert -0.6 < min(dips) < -0.15
    assert sum(dip < -0.05 for dip in dips) < 0.3 * len(dips)  # now and then, not always
    assert blinks(right, 60.0) == blinks(idle, 60.0)  # going over does not show
