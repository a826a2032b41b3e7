"""A ``Face`` in the values of this package."""

from __future__ import annotations

from workers.face import Face


def told(face: Face) -> dict[str, float]:
    """The names of ``values.VALUES``; feelings that it does not show are left out."""
    mouth = face.mouth
    return {
        "mouth_open": mouth.open,
        "mouth_a": mouth.a,
        "mouth_i": mouth.i,
        "mouth_u": mouth.u,
        "mouth_e": mouth.e,
        "mouth_o": mouth.o,
        "smile": face.smile,
        "eye_open_left": face.eye_open_left,
        "eye_open_right": face.eye_open_right,
        "gaze_x": face.gaze_x,
        "gaze_y": face.gaze_y,
        "brow": face.brow,
        "head_yaw": face.head_yaw,
        "head_pitch": face.head_pitch,
        "head_roll": face.head_roll,
        "breath": face.breath,
        **face.expressions,
    }
