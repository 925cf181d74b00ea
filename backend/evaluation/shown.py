"""What an avatar shows of one frame, as the suites judge it."""

from __future__ import annotations

import numpy as np

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.export.png import over_background
from shared.flame import Track

_BLACK = (0.0, 0.0, 0.0)


def shown(pipeline: Pipeline, avatar: Avatar, frame: Track) -> np.ndarray:
    """[512, 512, 3] uint8: one frame by the portrait's camera, on black."""
    picture = pipeline.picture(avatar, frame, avatar.camera)
    return over_background(picture.rgba8(), _BLACK)[..., :3]
