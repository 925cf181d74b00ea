"""DECA and EMOCA: shape 100, exp 50, pose 6 of FLAME 2020, in .mat, .npy or a folder of .npy.

pose is the global rotation and the jaw.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..flame import EXPRESSION_SIZE
from .checks import Values, lasting
from .options import Options
from .posed import FLAME_2020, flame_track, with_identity
from .read_track import ReadTrack

_NAMES = (("shape", "exp", "pose"), ("shapecode", "expcode", "posecode"))
CAMERA_LEFT_OUT = (
    "The orthographic camera (cam) is left out: the head turns, but does not move about."
)


def recognises(content: Any) -> bool:
    """By shape, exp and pose, or EMOCA's shapecode, expcode and posecode."""
    return isinstance(content, Mapping) and any(content.keys() >= set(names) for names in _NAMES)


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Codes are filled with zeros to 300 and 100."""
    values = Values(path, content)
    shape, exp, pose_key = next(names for names in _NAMES if content.keys() >= set(names))
    expression = values.codes(exp, EXPRESSION_SIZE)
    pose = lasting(values.rows(pose_key, 6), len(expression), path, pose_key)
    arrays = {"expression": expression, "global_orient": pose[:, :3], "jaw_pose": pose[:, 3:]}
    track = flame_track(FLAME_2020, options, arrays)
    track = with_identity(track, values, shape)
    return track.noted(CAMERA_LEFT_OUT) if "cam" in values else track
