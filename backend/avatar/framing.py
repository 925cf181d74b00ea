"""Cameras for showing one person's avatar doing what another person's pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from shared.camera import Camera
from shared.flame import Track

BODY_WINDOW_S = 1.0
"""Motion slower than this is the body's."""

HEAD_REACH_M = 0.03
"""How far a head shifts on its neck while the shoulders stay."""


def split_body(track: Track) -> tuple[Track, np.ndarray]:
    """Parts a tracked head's translation into the body's and the head's own.

    A tracker of the face sees one translation only. An avatar's shoulders stay where they are
    while its head moves (design.md, Head pose), so someone who walks through the picture would
    leave them behind: what is slow or large is the body's.

    Args:
        track: T frames.

    Returns:
        The track with the head's own translation, at most `HEAD_REACH_M`, and the body's [T, 3]
        in metres; their sum is the given translation.
    """
    given = track.transl.astype(np.float64)
    window = max(3, round(track.fps * BODY_WINDOW_S)) | 1
    slow = median_filter(given, size=(window, 1), mode="nearest")
    slow = gaussian_filter1d(slow, window / 4, axis=0, mode="nearest")
    own = given - slow
    distance = np.linalg.norm(own, axis=1, keepdims=True)
    own *= np.minimum(1, HEAD_REACH_M / np.maximum(distance, 1e-9))
    return replace(track, transl=own), given - own


def keep_framing(cameras: Sequence[Camera], body: np.ndarray) -> list[Camera]:
    """The driving frames' own cameras, moved against the body's translation.

    Args:
        cameras: One per frame, T.
        body: [T, 3] metres, see `split_body`.
    """
    views = []
    for camera, shift in zip(cameras, body, strict=True):
        viewmat = camera.viewmat.copy()
        viewmat[:3, 3] += viewmat[:3, :3] @ shift
        views.append(replace(camera, viewmat=viewmat))
    return views


def portrait_framing(avatar: Any, cameras: Sequence[Camera]) -> list[Camera]:
    """Portrait cameras that follow the body: the head's size and place are the portrait's.

    Each looks from where the driving camera stands.

    Args:
        avatar: Whose portrait gives size and place.
        cameras: The driving frames' cameras, T.
    """
    portrait, home = avatar.camera, np.zeros(3)  # the portrait turns the head about its origin
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
