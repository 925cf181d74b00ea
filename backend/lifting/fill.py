"""Filling in what a picture does not show."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

_SHOWN = 0.3  # of a matte, from where on a person's own colours can be told
_COARSEST, _RELAXATIONS = 4, 20
_LEAST = 1e-6


def nearest_fill(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Copies to every unknown pixel the value of the nearest known one, [H, W, ...]."""
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)
    return values[rows, columns]


def smooth_fill(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Keeps known pixels and fills the others like a membrane stretched between them, [H, W].

    From coarse to fine, each a few steps of relaxation: as good as smooth, without a solver.
    """
    weight = known.astype(np.float32)
    levels = [(np.where(known, values, 0).astype(np.float32), weight)]
    while min(weight.shape) > _COARSEST:
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        total = cv2.resize(levels[-1][0] * weight, size, interpolation=cv2.INTER_AREA)
        share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        weight = (share > _LEAST).astype(np.float32)
        levels.append(((total / np.maximum(share, _LEAST)).astype(np.float32), weight))
    level, weight = levels[-1]
    filled = np.full_like(level, (level * weight).sum() / max(float(weight.sum()), _LEAST))
    for level, weight in reversed(levels):
        filled = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        for _ in range(_RELAXATIONS):
            filled = np.where(weight > 0, level, filled)
            filled = cv2.blur(filled, (3, 3), borderType=cv2.BORDER_REPLICATE)
    return np.where(known, values, filled)


def extend_colours(rgb: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """[H, W, 3] a person's own colours carried outwards over what shows too little of them.

    Source: first-avatar.md, item 6.
    """
    shown = matte > _SHOWN
    return nearest_fill(rgb, shown) if shown.any() else rgb


def mean_around(image: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """[H, W] Gaussian means of an image [H, W] float32 that count by their weight [H, W] float32;
    towards 0 where hardly anything counts."""
    share = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    return cv2.GaussianBlur(image * weight, (0, 0), sigma_px) / np.maximum(share, 1e-3)
