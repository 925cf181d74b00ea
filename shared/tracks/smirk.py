"""SMIRK: pose, shape, expression, eyelids and jaw of FLAME 2020 by their own long names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..flame import EXPRESSION_SIZE
from .checks import Values, lasting
from .deca import CAMERA_LEFT_OUT
from .options import Options
from .posed import FLAME_2020, flame_track, with_eyelids, with_identity
from .read_track import ReadTrack

KEYS = {"pose_params", "expression_params", "jaw_params"}


def recognises(content: Any) -> bool:
    """By pose_params, expression_params and jaw_params."""
    return isinstance(content, Mapping) and content.keys() >= KEYS


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """The head turns about its root joint. Eyelids are shapes of SMIRK's own."""
    values = Values(path, content)
    expression = values.codes("expression_params", EXPRESSION_SIZE)
    frames = len(expression)
    pose, jaw = (
        lasting(values.rows(key, 3), frames, path, key) for key in ("pose_params", "jaw_params")
    )
    arrays = {"expression": expression, "global_orient": pose, "jaw_pose": jaw}
    track = flame_track(FLAME_2020, options, arrays)
    track = with_identity(track, values, "shape_params")
    if "eyelid_params" in values:
        lids = lasting(values.rows("eyelid_params", 2), frames, path, "eyelid_params")
        track = with_eyelids(track, lids)
    return track.noted(CAMERA_LEFT_OUT) if "cam" in values else track
