"""What a made-up person does in a frame: expression, jaw, gaze, and where the camera stands."""

from __future__ import annotations

import numpy as np

from shared.camera import Camera, portrait_intrinsics
from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE, Track

COMBINATIONS: tuple[dict[str, float], ...] = (
    {},
    {"mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "cheekSquintLeft": 0.4,
     "cheekSquintRight": 0.4},
    {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "jawOpen": 0.3, "mouthUpperUpLeft": 0.4,
     "mouthUpperUpRight": 0.4},
    {"jawOpen": 0.6, "browInnerUp": 0.8, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7,
     "eyeWideLeft": 0.6, "eyeWideRight": 0.6},
    {"browDownLeft": 0.8, "browDownRight": 0.8, "mouthFrownLeft": 0.6, "mouthFrownRight": 0.6,
     "eyeSquintLeft": 0.4, "eyeSquintRight": 0.4},
    {"mouthPucker": 0.8, "mouthFunnel": 0.3},
    {"mouthFunnel": 0.7, "jawOpen": 0.3},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"eyeBlinkLeft": 0.9, "mouthSmileLeft": 0.5},
    {"jawOpen": 0.25, "mouthLowerDownLeft": 0.5, "mouthLowerDownRight": 0.5,
     "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3},
    {"jawOpen": 0.5, "mouthStretchLeft": 0.2, "mouthStretchRight": 0.2},
    {"noseSneerLeft": 0.6, "noseSneerRight": 0.6, "mouthUpperUpLeft": 0.5,
     "mouthUpperUpRight": 0.5},
    {"mouthPressLeft": 0.6, "mouthPressRight": 0.6, "mouthShrugLower": 0.4},
    {"jawLeft": 0.4, "mouthLeft": 0.4},
    {"jawRight": 0.4, "mouthRight": 0.4},
)  # fmt: skip
"""Faces that people make; the frame's is one of them at a random strength, plus single units."""

_UNIT_CHANCE = 0.06
_JAW_CHANCE, _JAW_RAD = 0.25, 0.2
_GAZE_RAD = (0.18, 0.10)  # pitch and yaw spread below
_TURN_DEG = np.array([9.0, 13.0, 5.0])  # pitch, yaw, roll
_MOST_TURN_DEG = 30.0
_PORTRAIT_TURN = 0.35  # of the others' spread: a clip's first frame looks at the camera
_DISTANCE_M = (1.70, 2.0)  # trackers place heads 1.8 m away at this focal length
_MIDDLE_M = np.array([0.0, 0.005, 0.0])


def draw_track(rng: np.random.Generator, betas: np.ndarray, portrait: bool) -> Track:
    """One frame of parameters.

    Args:
        rng: Chance.
        betas: [300].
        portrait: A calm face that looks ahead, as first frames mostly are.
    """
    expression = np.zeros((1, EXPRESSION_SIZE), np.float32)
    strength = rng.uniform(0.0, 0.5) if portrait else rng.uniform(0.4, 1.0)
    for name, value in COMBINATIONS[rng.integers(len(COMBINATIONS))].items():
        expression[0, ARKIT_NAMES.index(name)] = strength * value
    single = rng.random(len(ARKIT_NAMES)) < _UNIT_CHANCE * (0.3 if portrait else 1.0)
    for unit in np.flatnonzero(single):
        if not ARKIT_NAMES[unit].startswith(("eyeLook", "tongue")):
            expression[0, unit] = np.clip(expression[0, unit] + rng.uniform(0.1, 0.6), 0, 1)
    jaw = _JAW_RAD * rng.random() if not portrait and rng.random() < _JAW_CHANCE else 0.0
    gaze = rng.normal(size=2) * _GAZE_RAD * (0.3 if portrait else 1.0)
    eye = np.array([[*np.clip(gaze, -0.35, 0.35), 0.0]])
    return Track.neutral(
        1,
        expression=expression,
        jaw_pose=np.array([[jaw, 0.0, 0.0]]),
        leye_pose=eye,
        reye_pose=eye,
        betas=betas,
    )


def draw_camera(rng: np.random.Generator, size_px: int, portrait: bool) -> Camera:
    """A camera of focal 12 NDC that the head is turned away from by up to 30 degrees.

    Args:
        rng: Chance.
        size_px: Side of the picture.
        portrait: Turned little.
    """
    spread = _TURN_DEG * (_PORTRAIT_TURN if portrait else 1.0)
    turn = np.clip(rng.normal(size=3) * spread, -_MOST_TURN_DEG, _MOST_TURN_DEG)
    pitch, yaw, roll = np.radians(turn)
    upright = np.diag([1.0, -1.0, -1.0])  # head axes to OpenCV's, seen from the front
    rotation = _about(2, roll) @ upright @ _about(0, pitch) @ _about(1, yaw)
    viewmat = np.eye(4)
    viewmat[:3, :3] = rotation
    shift = np.array([*rng.normal(0, 0.004, 2), rng.uniform(*_DISTANCE_M)])
    viewmat[:3, 3] = shift - rotation @ _MIDDLE_M
    return Camera(viewmat, portrait_intrinsics(size_px), size_px, size_px)


def _about(axis: int, angle: float) -> np.ndarray:
    """[3, 3] rotation about a coordinate axis."""
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix
