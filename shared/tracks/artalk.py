"""ARTalk: a tensor of T x 106, expression 100, base rotation 3, jaw 3; 25 frames per second.

Deviates: where ARTalk shows a GAGAvatar, the base turns the camera about the origin (x and z
negated, times diag(-1, 1, -1), inverted): the same turn of the head against the camera. Here, as
where ARTalk shows its own mesh, it turns the head about the root joint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .checks import Values
from .options import Options
from .posed import FLAME_2020, flame_track
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
        "global_orient": rows[:, 100:103],
        "jaw_pose": rows[:, 103:] * [1.0, 0.0, 0.0],
    }
    return flame_track(FLAME_2020, options, arrays, _FPS)
