"""VHAP and GaussianAvatars: an npz of FLAME 2023 parameters, all frames or one.

The head turns about its root joint, then moves: as FLAME does, and as our tracks do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..flame import EXPRESSION_SIZE
from .checks import Values, lasting
from .options import Options
from .posed import FLAME_2023, flame_track, with_identity
from .read_track import ReadTrack

_POSES = {
    "global_orient": "rotation",
    "transl": "translation",
    "neck_pose": "neck_pose",
    "jaw_pose": "jaw_pose",
}
KEYS = {"expr", "eyes_pose", *_POSES.values()}
_OFFSETS = "The identity's offsets (static_offset) are left out: the avatar has its own shape."


def recognises(content: Any) -> bool:
    """By its names; those of CAP4D are shorter."""
    return isinstance(content, Mapping) and content.keys() >= KEYS


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Reads expr (T, 100), rotation, translation, neck_pose, jaw_pose (T, 3), eyes_pose (T, 6)."""
    values = Values(path, content)
    expression = values.codes("expr", EXPRESSION_SIZE)
    frames = len(expression)
    arrays = {
        ours: lasting(values.rows(theirs, 3), frames, path, theirs)
        for ours, theirs in _POSES.items()
    }
    eyes = lasting(values.rows("eyes_pose", 6), frames, path, "eyes_pose")
    arrays |= {"expression": expression, "leye_pose": eyes[:, :3], "reye_pose": eyes[:, 3:]}
    track = flame_track(FLAME_2023, options, arrays)
    track = with_identity(track, values, "shape")
    if "static_offset" in values and values.numbers("static_offset").any():
        track = track.noted(_OFFSETS)
    return track
