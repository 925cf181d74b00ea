"""Discs that face the portrait's camera."""

from __future__ import annotations

import numpy as np
import torch

from backend.splat import quaternions
from backend.splat.gaussians import IDENTITY_FRONT, Gaussians
from shared.camera import Camera

CELL_SIGMA = 0.8
"""How large a splat is that stands for a cell, as a share of how far cells are apart."""

_FLAT = 0.3  # thickness across the picture, as a share of a splat's size


def facing_discs(
    camera: Camera,
    pixels: np.ndarray,
    depth: np.ndarray,
    sigma_px: float,
    colours: np.ndarray,
    opacity: np.ndarray,
) -> Gaussians:
    """Identity Gaussians of the front, in head space.

    Args:
        camera: The portrait's.
        pixels: [N, 2] where they are seen.
        depth: [N] metres before the camera.
        sigma_px: How large they are.
        colours: [N, 3] display sRGB.
        opacity: [N] 0..1.
    """
    sigma = sigma_px * depth / camera.K[0, 0]
    turn = quaternions.from_matrix(torch.from_numpy(camera.viewmat[:3, :3].T.copy()))
    return Gaussians(
        means=torch.from_numpy(camera.unproject(pixels, depth)).float(),
        quats=turn.float().expand(len(pixels), 4).contiguous(),
        scales=torch.from_numpy(np.stack([sigma, sigma, sigma * _FLAT], axis=-1)).float(),
        opacities=torch.from_numpy(opacity).float(),
        features=torch.from_numpy(colours).float(),
        layers=torch.full((len(pixels),), IDENTITY_FRONT, dtype=torch.uint8),
    )
