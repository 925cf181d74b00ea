"""ARTalk: a tensor of T x 106, expression 100, base rotation 3, jaw 3; 25 frames per second.

The base turns the camera of a GAGAvatar about the origin: its axis-angle's x and z negated, as a
matrix, times diag(-1, 1, -1), inverted, for row vectors. Against a camera that looks straight at
the face this is the head turning by the base itself, for diag(-1, 1, -1) is half a turn about y.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..rotations import rotation_matrix
from .checks import Values
from .options import Options
from .posed import FLAME_2020, flame_track, motions
from .read_track import ReadTrack

SIZE = 106
_FPS = 25.0


def recognises(content: Any) -> bool:
    """An array of 106 columns."""
    return isinstance(content, np.ndarray) and content.ndim >= 2 and content.shape[-1] == SIZE


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Of the jaw only x is kept, as ARTalk does when it shows its motions."""
    rows = Values(path, {"motion": content}).rows("motion", SIZE)
    arrays = {
        "expression": rows[:, :100],
        "jaw_pose": rows[:, 103:] * [1.0, 0.0, 0.0],
        "moved": motions(rotation_matrix(rows[:, 100:103]), np.zeros((len(rows), 3))),
    }
    return flame_track(FLAME_2020, options, arrays, _FPS)
