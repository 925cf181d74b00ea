"""CAP4D: an npz of 65 expression codes of FLAME 2023 without jaw; the head turns about the origin.

Its `neck_rot` turns everything about the root joint before that, as its own code has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import rotations
from ..flame import EXPRESSION_SIZE
from .checks import Values, lasting
from .options import Options
from .posed import FLAME_2023, flame_track, motions, with_identity
from .read_track import ReadTrack

KEYS = {"expr", "rot", "tra", "eye_rot"}

_WITHOUT_JAW = (
    "The codes are of FLAME 2023 without jaw: there, expression opens the mouth. On a head with a "
    "jaw they come close."
)


def recognises(content: Any) -> bool:
    """By expr, rot, tra and eye_rot."""
    return isinstance(content, Mapping) and content.keys() >= KEYS


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """One turn moves both eyes."""
    values = Values(path, content)
    expression = values.codes("expr", EXPRESSION_SIZE)
    frames = len(expression)

    def three(key: str) -> np.ndarray:
        if key not in values:
            return np.zeros((frames, 3))
        return lasting(values.rows(key, 3), frames, path, key)

    eyes = three("eye_rot")
    arrays = {
        "expression": expression,
        "global_orient": three("neck_rot"),
        "jaw_pose": three("jaw_rot"),
        "leye_pose": eyes,
        "reye_pose": eyes,
        "moved": motions(rotations.rotation_matrix(three("rot")), three("tra")),
    }
    track = flame_track(FLAME_2023, options, arrays)
    track = with_identity(track, values, "shape")
    return track if "jaw_rot" in values else track.noted(_WITHOUT_JAW)
