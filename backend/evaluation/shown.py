"""What an avatar shows of one frame, as the suites judge it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.export.png import over_background
from shared.camera import Camera
from shared.flame import Track

_BLACK = (0.0, 0.0, 0.0)


def shown(
    pipeline: Pipeline, avatar: Avatar, frame: Track, camera: Camera | None = None
) -> np.ndarray:
    """[512, 512, 3] uint8: one frame by a camera, or by the portrait's, on black."""
    picture = pipeline.picture(avatar, frame, camera or avatar.camera)
    return over_background(picture.rgba8(), _BLACK)[..., :3]


def turned(
    avatar: Avatar, yaw_deg: float, pitch_deg: float, units: dict[str, float] | None = None
) -> Track:
    """The head turned from the camera; with units, their expression alone, else the photo's."""
    turn = Rotation.from_euler("YX", [yaw_deg, pitch_deg], degrees=True).as_rotvec()[None]
    if units is None:
        return replace(avatar.source, global_orient=turn, transl=np.zeros((1, 3)))
    return Track.from_arkit(units, global_orient=turn)
