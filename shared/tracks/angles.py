"""Head and eye angles that come beside ARKit weights, as axis-angles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import rotations
from .arkit_names import ANGLES, plain
from .options import Options
from .weights import looks_with_weights

_MOST_RADIANS = 2.0
"""A larger angle of head or eyes is one in degrees."""


def turns(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """[T, 3] axis-angles of angles [T] in radians, about y, then x, then z of Apple's face.

    Apple's face has FLAME's axes: +X to the subject's left, +Y up, +Z out of the face. So yaw > 0
    looks to the subject's left and pitch > 0 looks down.
    """
    axes = np.eye(3)
    about_y, about_x, about_z = (
        rotations.rotation_matrix(angle[:, None] * axes[axis])
        for angle, axis in ((yaw, 1), (pitch, 0), (roll, 2))
    )
    return rotations.axis_angle(about_y @ about_x @ about_z)


def poses_beside(
    rows: np.ndarray, names: Sequence[str], expression: np.ndarray, options: Options
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Neck and eyes [T, 3] from columns of angles, by the track's names, and notes.

    Eye angles say what the eyeLook weights say: they count only where these are absent.

    Args:
        rows: [T, C] as in the file.
        names: [C] what it calls its columns.
        expression: [T, 100] the weights of the same frames.
        options: The user's.
    """
    plainly = [plain(name) for name in names]
    found = {name: rows[:, plainly.index(name)] for name in ANGLES if name in plainly}
    found, notes = _in_radians(found, options)
    still = np.zeros(len(rows))
    poses = {}
    for array, part in (("neck_pose", "head"), ("leye_pose", "lefteye"), ("reye_pose", "righteye")):
        yaw, pitch, roll = (found.get(f"{part}{axis}", still) for axis in ("yaw", "pitch", "roll"))
        poses[array] = turns(yaw, pitch, roll)
    if looks_with_weights(expression):
        eyes = [poses.pop(name) for name in ("leye_pose", "reye_pose")]
        if any(eye.any() for eye in eyes):
            notes.append("Eye angles are left out: the eyeLook weights turn the eyes already.")
    return poses, notes


def _in_radians(
    values: Mapping[str, np.ndarray], options: Options
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Angles [T] by name in radians, and what was taken for granted."""
    largest = max((float(np.abs(v).max(initial=0)) for v in values.values()), default=0.0)
    unit = options.angles
    if not largest:
        return dict(values), []
    notes = []
    if unit == "auto":
        unit = "degrees" if largest > _MOST_RADIANS else "radians"
        other = "radians" if unit == "degrees" else "degrees"
        notes.append(
            f"Head and eye angles, up to {largest:.3g}, taken for {unit}; if the head moves too "
            f"{'little' if unit == 'degrees' else 'much'}, choose {other}."
        )
    factor = np.pi / 180 if unit == "degrees" else 1.0
    return {name: value * factor for name, value in values.items()}, notes
