"""Pixel3DMM: as metrical-tracker, but the head itself turns, about the origin, and has a neck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import rotations
from . import metrical_tracker
from .checks import Values
from .options import Options
from .posed import motions
from .read_track import ReadTrack


def recognises(content: Any) -> bool:
    """By flame with neck, R and t."""
    flame = content.get("flame") if isinstance(content, Mapping) else None
    return isinstance(flame, Mapping) and {"neck", "R", "t"} <= flame.keys()


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Column vectors: x_world = R x + t; R is given as a matrix, too."""
    flame = Values(path, content).below("flame")
    key = "R_rotation_matrix" if "R_rotation_matrix" in flame else "R"
    track = metrical_tracker.face(flame, options)
    neck = rotations.axis_angle(flame.rotations("neck")[:, 0])
    moved = motions(flame.rotations(key)[:, 0], flame.rows("t", 3))
    return replace(track, neck_pose=neck, moved=moved)
