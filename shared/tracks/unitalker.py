"""UniTalker: vectors of 413 of FLAME 2020; its code uses identity, expression and jaw of them.

Order: identity 300, expression 100, jaw 3, rotation 6, translation 3, scale 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .checks import Values
from .options import Options
from .posed import FLAME_2020, flame_track, with_identity
from .read_track import ReadTrack

SIZE = 413
_FPS = 30.0
_NOT_MEANT = (
    "Rotation, translation and scale are left out: UniTalker is not trained to tell them, and "
    "does not use them itself."
)


def recognises(content: Any) -> bool:
    """An array of 413 columns, alone or the only one in its file."""
    found = _array(content)
    return found is not None and found.ndim >= 2 and found.shape[-1] == SIZE


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """30 frames per second, as UniTalker shows them."""
    rows = Values(path, {"parameters": _array(content)}).rows("parameters", SIZE)
    arrays = {"expression": rows[:, 300:400], "jaw_pose": rows[:, 400:403]}
    track = flame_track(FLAME_2020, options, arrays, _FPS)
    track = with_identity(track, Values(path, {"identity": rows[:, :300]}), "identity")
    return track.noted(_NOT_MEANT)


def _array(content: Any) -> np.ndarray | None:
    for _ in range(3):  # an .npz of {sound: {data set: array}}
        if isinstance(content, Mapping) and len(content) == 1:
            content = next(iter(content.values()))
    return content if isinstance(content, np.ndarray) else None
