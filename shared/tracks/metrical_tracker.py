"""metrical-tracker: a .frame of torch.save a frame; rotations of six numbers, motion in the camera.

The camera is PyTorch3D's: row vectors, x_cam = x R + t, with +X left, +Y up, +Z away from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import rotations
from ..flame import EXPRESSION_SIZE
from .checks import Values
from .options import Options
from .posed import FACING, FLAME_2020, flame_track, motions, with_eyelids, with_identity
from .read_track import ReadTrack


def recognises(content: Any) -> bool:
    """By flame and camera."""
    if not isinstance(content, Mapping) or "camera" not in content:
        return False
    flame = content.get("flame")
    return isinstance(flame, Mapping) and not flame.keys().isdisjoint({"exp", "jaw", "eyes"})


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Six numbers are the first two rows of a rotation; a matrix is taken as it is."""
    values = Values(path, content)
    flame, camera = values.below("flame"), values.below("camera")
    turn = FACING @ camera.rotations("R")[:, 0].swapaxes(-1, -2)
    shift = camera.rows("t", 3) @ FACING.T
    return replace(face(flame, options), moved=motions(turn, shift))


def face(flame: Values, options: Options) -> ReadTrack:
    """Expression, jaw, eyes, eyelids and identity of one frame, the head not turned."""
    expression = flame.codes("exp", EXPRESSION_SIZE)
    left, right = rotations.axis_angle(flame.rotations("eyes", 2)).swapaxes(0, 1)
    jaw = rotations.axis_angle(flame.rotations("jaw")[:, 0])
    arrays = {"expression": expression, "jaw_pose": jaw, "leye_pose": left, "reye_pose": right}
    track = flame_track(FLAME_2020, options, arrays)
    track = with_identity(track, flame, "shape")
    return with_eyelids(track, flame.rows("eyelids", 2)) if "eyelids" in flame else track
