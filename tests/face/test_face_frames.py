"""Unit: the mouth along the sound that is played, and the face joined from its parts."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from voices import pcm, sing

from workers.face import CLOSED, Animator, Face, Mouth, Track
from workers.face.frames import join
from workers.face.lipsync import LipSync
from workers.face.motion import Idle

FRAME_S = 1 / 60


def ramp(*opens: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Frames that are as open as given, all A."""
    return np.array([[value, 0, 0, 0, 0, value] for value in opens], np.float32)


def test_between_two_frames_is_a_mixture_and_outside_it_is_closed() -> None:
    track = Track()
    track.place(10.0, ramp(0.2, 0.6, 1.0))
    assert track.at(10.0 + 0.5 * FRAME_S).open == pytest.approx(0.2)
    assert track.at(10.0 + 1.0 * FRAME_S).open == pytest.approx(0.4)
    assert track.at(10.0 + 1.0 * FRAME_S).a == pytest.approx(0.4)
    assert track.at(10.0 + 2.5 * FRAME_S).open == pytest.approx(1.0)
    assert 0.0 < track.at(10.0 + 3.0 * FRAME_S).open < 1.0  # closing
    assert track.at(10.0 + 3.6 * FRAME_S) == CLOSED
    assert track.at(9.9) == CLOSED
    assert track.end_s == pytest.approx(10.0 + 3 * FRAME_S)
    assert Track().at(0.0) == CLOSED
    assert Track().end_s is None


def test_stretches_of_one_clause_join_without_a_seam() -> None:
    frames = ramp(*np.linspace(0.0, 1.0, 40))
    one, two = Track(), Track()
    one.place(5.0, frames)
    two.place(5.0, frames[:13])
    two.place(5.0 + 13 * FRAME_S, frames[13:13])
    two.place(5.0 + 13 * FRAME_S, frames[13:])
    for k in range(900):
        t_s = 4.95 + k * 0.001
        assert two.at(t_s).open == pytest.approx(one.at(t_s).open, abs=1e-6)


def test_a_clause_that_follows_late_or_a_little_off_the_grid_never_opens_too_far() -> None:
    for late_s in (0.0, 0.3 * FRAME_S, 0.9 * FRAME_S, 5 * FRAME_S):
        track = Track()
        track.place(1.0, ramp(1.0, 1.0, 1.0))
        track.place(1.0 + 3 * FRAME_S + late_s, ramp(1.0, 1.0))
        opens = [track.at(0.9 + k * 0.001).open for k in range(400)]
        assert max(opens) <= 1.0
        assert max(abs(b - a) for a, b in pairwise(opens)) < 0.07


def test_what_is_placed_over_something_replaces_it() -> None:
    track = Track()
    track.place(1.0, ramp(*[1.0] * 60))
    track.place(1.5, ramp(0.3, 0.3))
    assert track.at(1.4).open == 1.0
    assert track.at(1.5 + FRAME_S).open == pytest.approx(0.3)
    assert track.at(1.7) == CLOSED


def test_a_cut_closes_the_mouth_within_a_frame() -> None:
    track = Track()
    track.place(1.0, ramp(*[1.0] * 60))
    track.cut(1.5)
    assert track.at(1.5 - FRAME_S).open == 1.0
    assert track.at(1.5 + FRAME_S) == CLOSED
    track.cut(0.0)
    assert track.end_s is None


def test_a_track_is_bounded_and_can_forget() -> None:
    track = Track()
    for minute in range(10):
        track.place(60.0 * minute, ramp(*[0.5] * 3600))
    assert track.at(100.0) == CLOSED
    assert track.at(599.0).open == 0.5
    track.forget(598.0)
    assert track.at(597.0) == CLOSED
    assert track.at(598.0).open == pytest.approx(0.5)


def test_lip_sync_placed_piece_by_piece_is_the_mouth_of_the_sound() -> None:
    sound = pcm(sing("men", "O", 24_000, 0.5))
    lips, track, start_s, placed = LipSync(24_000), Track(), 20.0, 0
    pieces = [sound[k : k + 4801] for k in range(0, len(sound), 4801)]
    for frames in [*(lips.feed(piece) for piece in pieces), lips.finish()]:
        track.place(start_s + placed * FRAME_S, frames)
        placed += len(frames)
    assert placed == 30
    mouth = track.at(start_s + 0.25)
    assert mouth.o > 0.6 * mouth.open > 0.3
    assert track.at(start_s + 0.5).open < 0.1
    assert track.at(start_s - 0.02) == CLOSED


def test_a_feeling_moves_smile_brows_and_lids_and_a_blink_still_shuts() -> None:
    motion = Idle(1).at(0.0) | {"eye_open": 1.0, "brow": 0.0}
    plain = join(CLOSED, motion, {})
    happy = join(CLOSED, motion, {"joy": 1.0})
    angry = join(Mouth(open=0.5), motion, {"anger": 1.0})
    assert plain.smile == plain.brow == 0.0
    assert happy.smile > 0.5
    assert angry.smile < 0.0
    assert happy.brow > 0.0 > angry.brow
    assert plain.eye_open_left > happy.eye_open_left > 0.5
    assert join(CLOSED, motion | {"eye_open": 0.0}, {"joy": 0.5}).eye_open_right == 0.0
    assert angry.mouth.open == 0.5
    assert join(CLOSED, motion, {"of a later version": 1.0}).smile == 0.0


def test_an_avatar_goes_over_to_listening_and_back_without_a_jump() -> None:
    avatar, idle = Animator(3, toward=1.0), Idle(3)
    assert avatar.at(5.0).gaze_x == idle.at(5.0)["gaze_x"]
    avatar.listen(True, 10.0)
    avatar.listen(True, 11.0)  # said twice: nothing new
    avatar.listen(False, 20.0)
    avatar.listen(True, 20.2)  # changed its mind halfway
    yaws = [avatar.at(19.0 + k * FRAME_S).head_yaw for k in range(180)]
    assert max(abs(b - a) for a, b in pairwise(yaws)) < 0.05
    assert avatar.at(25.0).gaze_x > 0.3
    assert avatar.at(25.0) == avatar.at(25.0)


def test_an_avatar_shows_its_track_and_its_expressions() -> None:
    avatar = Animator(3)
    avatar.track.place(1.0, ramp(*[0.7] * 60))
    avatar.expressions.event("sub", 1.0)
    face = avatar.at(1.5)
    assert isinstance(face, Face)
    assert face.mouth.open == pytest.approx(0.7)
    assert face.expressions["joy"] == pytest.approx(1.0)
    assert face.smile > 0.9


def test_the_package_does_not_load_numpy() -> None:
    code = "import sys, workers.face; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
