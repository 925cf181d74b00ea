"""Cameras for showing one person's avatar doing what another person's pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from shared.camera import Camera


def keep_framing(cameras: Sequence[Camera], body: np.ndarray) -> list[Camera]:
    """The driving frames' own cameras, moved against the body's translation.

    Args:
        cameras: One per frame, T.
        body: [T, 3] metres, see `Tracked`.
    """
    views = []
    for camera, shift in zip(cameras, body, strict=True):
        viewmat = camera.viewmat.copy()
        viewmat[:3, 3] += viewmat[:3, :3] @ shift
        views.append(replace(camera, viewmat=viewmat))
    return views


def portrait_framing(avatar: Any, cameras: Sequence[Camera]) -> list[Camera]:
    """Portrait cameras that follow the body: an upright head has the size and the place that it has
    before the portrait's camera.

    Each looks from where the driving camera stands.

    Args:
        avatar: Whose portrait gives size and place.
        cameras: The driving frames' cameras, T.
    """
    portrait, home = avatar.camera, np.zeros(3)
    place = portrait.project(home)
    depth = _in_camera(portrait, home)[2]
    views = []
    for camera in cameras:
        head = _in_camera(camera, np.zeros(3))
        intrinsics = np.array(portrait.K)
        intrinsics[:2, :2] *= head[2] / depth
        intrinsics[:2, 2] = place - intrinsics[:2, :2] @ (head[:2] / head[2])
        views.append(Camera(camera.viewmat, intrinsics, portrait.width, portrait.height))
    return views


def _in_camera(camera: Camera, point: np.ndarray) -> np.ndarray:
    return camera.viewmat[:3, :3] @ point + camera.viewmat[:3, 3]
