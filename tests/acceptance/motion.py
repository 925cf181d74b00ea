"""A motion whose frames all differ, known without Blender: frame n shows these parameters."""

import math

from shared.flame import Track

FRAMES = tuple(range(1, 9))
RENDERED = FRAMES[:3]
PERCENT = 25
"""Of the portrait's 512 pixels."""

ORDERS = {
    "forwards": (1, 2, 3, 4),
    "backwards": (4, 3, 2, 1),
    "jumps": (7, 2, 8, 1, 7),
}
"""How frames are gone through; every frame is written as soon as it is set."""


def jaw_open(frame: int) -> float:
    """Weight at a frame; neighbours are far apart."""
    return ((frame * 3) % 8) / 10


def yaw_deg(frame: int) -> float:
    """Turn to the subject's left at a frame."""
    return ((frame * 5) % 8) * 3.0 - 10


def expected(frame: int) -> Track:
    """What drives the avatar at a frame."""
    turn = [[0.0, math.radians(yaw_deg(frame)), 0.0]]
    return Track.from_arkit({"jawOpen": jaw_open(frame)}, neck_pose=turn)
