"""Filling in what a picture does not show."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

_SHOWN = 0.3  # of a matte, from where on a person's own colours can be told


def nearest_fill(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Copies to every unknown pixel the value of the nearest known one, [H, W, ...]."""
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)
    return values[rows, columns]


def smooth_fill(values: np.ndarray, known: np.ndarray, sigma_px: float) -> np.ndarray:
    """Keeps known pixels and fills the others smoothly from them, [H, W]."""
    filled = nearest_fill(values, known)
    weight = gaussian_filter(known.astype(np.float32), sigma_px)
    blurred = gaussian_filter(np.where(known, values, 0).astype(np.float32), sigma_px)
    smooth = np.where(weight > 1e-3, blurred / np.maximum(weight, 1e-3), filled)
    smooth = gaussian_filter(np.where(known, filled, smooth), sigma_px / 2)
    return np.where(known, values, smooth)


def extend_colours(rgb: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """[H, W, 3] a person's own colours carried outwards over what shows too little of them.

    Source: first-avatar.md, item 6.
    """
    shown = matte > _SHOWN
    return nearest_fill(rgb, shown) if shown.any() else rgb
