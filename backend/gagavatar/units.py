"""GAGAvatar's units, cameras and file, and ours. Its numbers cross this border only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.configs.network import ModelConfig
from shared.camera import PORTRAIT_FOCAL, Camera, portrait_intrinsics

MODEL_UNITS_PER_M = 5.0
"""GAGAvatar's space has our axes; one unit is 0.2 m."""

NEAR = 0.2
"""Its rasteriser draws nothing nearer, model units."""

ALPHA_MAX = 0.99
EXTENT = "three_sigma"

_TO_OPENCV = np.diag([-1.0, -1.0, 1.0])
"""Its cameras have +X left, +Y up, +Z forward."""


def camera_of(transform: np.ndarray, size_px: int) -> Camera:
    """Our camera of a GAGAvatar transform.

    Args:
        transform: [3, 4] = [R | T] for row vectors, x_camera = x R + T, model units.
        size_px: Side of the picture.
    """
    transform = np.asarray(transform, np.float64).reshape(3, 4)
    viewmat = np.eye(4)
    viewmat[:3, :3] = _TO_OPENCV @ transform[:, :3].T
    viewmat[:3, 3] = _TO_OPENCV @ transform[:, 3] / MODEL_UNITS_PER_M
    return Camera(viewmat, portrait_intrinsics(size_px), size_px, size_px)


def in_model_units(camera: Camera) -> Camera:
    """The same view of a scene measured in model units."""
    viewmat = camera.viewmat.copy()
    viewmat[:3, 3] *= MODEL_UNITS_PER_M
    return dataclasses.replace(camera, viewmat=viewmat)


def config_in_model_units(config: ModelConfig) -> ModelConfig:
    """The same network, its Gaussians measured in model units."""
    return dataclasses.replace(
        config,
        plane_offset_m=config.plane_offset_m * MODEL_UNITS_PER_M,
        plane_scale_m=config.plane_scale_m * MODEL_UNITS_PER_M,
        lambda_scale=tuple(scale * MODEL_UNITS_PER_M for scale in config.lambda_scale),
    )


def plane_points(transform: np.ndarray, grid: int) -> Tensor:
    """Its plane's cells [grid * grid, 3], model units, row-major, by its own float32 arithmetic.

    Gaussians at almost the same depth are drawn in the order that rounding gives them, so points
    that are right to the last bit are not yet drawn as the original draws them.

    Args:
        transform: [3, 4] = [R | T] for row vectors, model units.
        grid: Cells per side.
    """
    rotation, translation = torch.as_tensor(transform).float().split((3, 1), dim=1)
    steps = torch.linspace(1, -1, grid)
    up, left = torch.meshgrid(steps, steps, indexing="ij")
    ndc = torch.stack([left / PORTRAIT_FOCAL, up / PORTRAIT_FOCAL, torch.ones_like(up)], dim=-1)
    centre = -(rotation @ translation[:, 0])
    distance = (centre * rotation[:, 2]).sum().abs()
    return centre + distance * (ndc.view(-1, 3) @ rotation.T)


@dataclass(frozen=True)
class PointsHead:
    """A head of which only the number of vertices matters: no splitting, so no mesh.

    Args:
        vertices: Number of vertices V.
    """

    vertices: int
    hash: str = ""

    @property
    def v_template(self) -> np.ndarray:
        """[V, 3] zeros."""
        return np.zeros((self.vertices, 3), np.float32)

    @property
    def faces(self) -> np.ndarray:
        """[0, 3]."""
        return np.zeros((0, 3), np.int64)

    @property
    def site_faces(self) -> np.ndarray:
        """[V, 0]."""
        return np.zeros((self.vertices, 0), np.int64)

    @property
    def site_bary(self) -> np.ndarray:
        """[V, 0, 3]."""
        return np.zeros((self.vertices, 0, 3), np.float32)

    @property
    def site_spacing(self) -> np.ndarray:
        """[V] zeros."""
        return np.zeros(self.vertices, np.float32)
