"""Gaussians of the frames of glasses: rigid, a little before the face that the fitted head has."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from backend.splat import quaternions
from backend.splat.gaussians import IDENTITY_FRONT, Gaussians

from .polygons import dilate, disc
from .view import STILL, View, slopes

_BEFORE_M = 0.003
_REACH_PX, _SMOOTH_PX = 5, 4.0  # frames follow brow and nose, not the hollows of the eyes
_SIGMA_PX, _FLAT = 0.7, 0.4
_STEEPEST = 2.5  # arms on the temples stay on the skin
_RIM_PX = 1


def standing_off(view: View, glasses: np.ndarray) -> np.ndarray:
    """[H, W] bool: the glasses before skin that the rig moves, but arms, which lie on the temples.

    Args:
        view: The portrait and the fitted head.
        glasses: [H, W] bool, see `glasses`.
    """
    moving = (view.visible.face >= 0) & (view.mobility_image() > STILL)  # planes show the others
    steep = np.linalg.norm(slopes(_surface(view), view.camera), axis=-1)
    return glasses & moving & (steep < _STEEPEST)


def frames_of_glasses(view: View, frames: np.ndarray) -> Gaussians:
    """One disc per pixel, along a surface in front of the head's.

    Args:
        view: The portrait and the fitted head.
        frames: [H, W] bool, see `standing_off`.
    """
    depth, camera = _surface(view), view.camera
    rows, columns = np.nonzero(dilate(frames, _RIM_PX))
    slope = slopes(depth, camera)[rows, columns]
    steep = np.linalg.norm(slope, axis=1)
    pixels, away = np.stack([columns, rows], -1) + 0.5, depth[rows, columns]
    sigma = _SIGMA_PX * away / camera.K[0, 0]
    scales = np.stack([sigma * np.sqrt(1 + steep**2), sigma, sigma * _FLAT], -1)
    axes = np.einsum("ij,njk->nik", camera.viewmat[:3, :3].T, _along(slope, steep))
    turns = quaternions.from_matrix(torch.from_numpy(axes))
    return Gaussians(
        means=torch.from_numpy(camera.unproject(pixels, away)).float(),
        quats=turns.float().reshape(-1, 4),
        scales=torch.from_numpy(scales).float(),
        opacities=torch.full((len(rows),), 0.95),
        features=torch.from_numpy(view.rgb[rows, columns]).float(),
        layers=torch.full((len(rows),), IDENTITY_FRONT, dtype=torch.uint8),
    )


def _surface(view: View) -> np.ndarray:
    """[H, W] metres from the camera, before the face."""
    far = float(view.camera.viewmat[2, 3])
    depth = np.where(view.visible.face >= 0, view.visible.depth, far).astype(np.float32)
    nearest = cv2.erode(depth, disc(_REACH_PX))
    smooth = cv2.GaussianBlur(nearest, (0, 0), _SMOOTH_PX)
    return np.minimum(smooth, depth).astype(np.float64) - _BEFORE_M


def _along(slope: np.ndarray, steep: np.ndarray) -> np.ndarray:
    """[N, 3, 3] axes in camera space, as columns: the way down a slope [N, 2], across it, and the
    surface's normal."""
    way = np.where(steep[:, None] > 0, slope / np.maximum(steep, 1e-9)[:, None], [1.0, 0.0])
    down = np.append(way, steep[:, None], 1) / np.sqrt(1 + steep**2)[:, None]
    across = np.stack([-way[:, 1], way[:, 0], np.zeros(len(way))], -1)
    return np.stack([down, across, np.cross(down, across)], -1)
