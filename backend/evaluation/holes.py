"""Holes: what shows through an avatar's inside when it turns."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline

from .shown import turned

YAWS_DEG = (-20, 0, 20)
_SHOWN = 0.5


def holes_of(pipeline: Pipeline, avatar: Avatar) -> dict[str, float]:
    """Yaw in degrees -> `holes` of the avatar turned that far, by the portrait's camera.

    What is open at 0, between hair and neck, is the person's.
    """
    frames = {yaw: turned(avatar, yaw, 0) for yaw in YAWS_DEG}
    return {
        str(yaw): holes(pipeline.picture(avatar, frame, avatar.camera).alpha)
        for yaw, frame in frames.items()
    }


def holes(alpha: np.ndarray) -> float:
    """Per cent of what an outline encloses that shows through, of alpha [H, W] 0..1."""
    solid = alpha > _SHOWN
    enclosed = np.asarray(binary_fill_holes(solid))
    return 100 * float((enclosed & ~solid).sum()) / max(int(enclosed.sum()), 1)
