"""Photos that lie on their side or stand on their head, and do not say so."""

from __future__ import annotations

import numpy as np

from .decode import Picture
from .detect import Detector

_LYING_DEG = 65.0


def quarter_turns(detector: Detector, rgb: np.ndarray) -> int:
    """How many turns to the left (as `np.rot90`) bring the largest face upright.

    A face upside down is often taken for an upright one; a face that lies is not mistaken. So what
    stands is laid on one side and looked at once more, and on the other where that seems to lie the
    wrong way: now and then a single look errs.

    Args:
        detector: Of faces.
        rgb: [H, W, 3] uint8.
    """
    if (roll := _roll(detector, rgb)) is not None and abs(roll) > _LYING_DEG:
        return 3 if roll > 0 else 1
    for turns, wrong in ((1, -1), (3, 1)):
        laid = _roll(detector, np.ascontiguousarray(np.rot90(rgb, turns)))
        if laid is None or wrong * laid <= _LYING_DEG:
            return 0
    return 2


def turned(picture: Picture, turns: int) -> Picture:
    """A picture after so many turns to the left."""
    alpha = None if picture.alpha is None else np.ascontiguousarray(np.rot90(picture.alpha, turns))
    return Picture(np.ascontiguousarray(np.rot90(picture.rgb, turns)), alpha)


def _roll(detector: Detector, rgb: np.ndarray) -> float | None:
    faces = detector.detect(rgb)
    return float(faces[0].yaw_pitch_roll_deg[2]) if faces else None
