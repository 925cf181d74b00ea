"""flame-head-tracker: an npz a frame; head motion is in `cam` (yaw, pitch, roll, x, y, z)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import rotations
from ..flame import ARKIT_NAMES, EXPRESSION_SIZE
from .checks import Values, lasting
from .options import Options
from .posed import FLAME_2020, flame_track, motions, with_identity
from .read_track import ReadTrack

KEYS = {"shape", "exp", "jaw_pose", "neck_pose", "eye_pose", "cam"}
_POSES = {"jaw_pose": "jaw_pose", "neck_pose": "neck_pose", "global_orient": "head_pose"}
_MEDIAPIPE = 1 + np.arange(len(ARKIT_NAMES) - 1)
"""MediaPipe's scores begin with `_neutral`; then come ARKit's names in order, but tongueOut."""


def recognises(content: Any) -> bool:
    """By cam and the poses of jaw, neck and eyes."""
    return isinstance(content, Mapping) and content.keys() >= KEYS


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """World to camera is Rz(roll) Ry(yaw) Rx(pitch), then x, y, z; radians, column vectors."""
    values = Values(path, content)
    expression = values.codes("exp", EXPRESSION_SIZE)
    frames = len(expression)
    arrays = {
        ours: lasting(values.rows(theirs, 3), frames, path, theirs)
        for ours, theirs in _POSES.items()
        if theirs in values
    }
    eyes = lasting(values.rows("eye_pose", 6), frames, path, "eye_pose")
    camera = lasting(values.rows("cam", 6), frames, path, "cam")
    about = [
        rotations.rotation_matrix(camera[:, [column]] * np.eye(3)[axis])
        for column, axis in ((2, 2), (0, 1), (1, 0))
    ]
    moved = motions(about[0] @ about[1] @ about[2], camera[:, 3:])
    arrays |= {"expression": expression, "leye_pose": eyes[:, :3], "reye_pose": eyes[:, 3:]}
    track = flame_track(FLAME_2020, options, {**arrays, "moved": moved})
    if "blendshape_scores" in values:
        scores = lasting(values.rows("blendshape_scores", 52), frames, path, "blendshape_scores")
        weights = np.zeros((frames, len(ARKIT_NAMES)))
        weights[:, : len(_MEDIAPIPE)] = scores[:, _MEDIAPIPE]
        track = replace(track, weights=weights)
    return with_identity(track, values, "shape")
