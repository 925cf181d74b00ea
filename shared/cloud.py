"""The Gaussians of one branch as they travel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Cloud:
    """Gaussians of one branch as they travel: 33 bytes each.

    Args:
        means: [N, 3] float32, metres, head space.
        quats: [N, 4] float16, wxyz, normalised.
        scales: [N, 3] float16, linear metres.
        opacities: [N] float16, 0..1.
        rgb: [N, 3] uint8, display-referred sRGB.
        layers: [N] uint8; 0 identity front, 1 identity back, 2 + i for layer G_i.
        mask: [N] uint8; 1 kept, 0 dropped by the soft masks (opacity 0).
    """

    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    rgb: np.ndarray
    layers: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.means)


CLOUD_ARRAYS = {
    "means": ("float32", 3),
    "quats": ("float16", 4),
    "scales": ("float16", 3),
    "opacities": ("float16", 0),
    "rgb": ("uint8", 3),
    "layers": ("uint8", 0),
    "mask": ("uint8", 0),
}
"""dtype and columns (0: one value per Gaussian) of each array of a `Cloud`."""
