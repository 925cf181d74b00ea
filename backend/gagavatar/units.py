"""GAGAvatar's units, cameras and file, and ours. Its numbers cross this border only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.camera import Camera, portrait_intrinsics

MODEL_UNITS_PER_M = 5.0
"""GAGAvatar's space has our axes; one unit is 0.2 m."""

NEAR_M = 0.2 / MODEL_UNITS_PER_M
"""Its rasteriser draws nothing nearer than 0.2 units."""

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
