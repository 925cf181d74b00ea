"""Values of a picture at places in it."""

from __future__ import annotations

import numpy as np


def look_up(image: np.ndarray, pixels: np.ndarray, outside: float | bool) -> np.ndarray:
    """Values of [H, W] `image` at [M, 2] pixels, nearest; `outside` beyond the picture."""
    height, width = image.shape[:2]
    x, y = np.floor(pixels).astype(int).T
    valid = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.where(valid, image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], outside)


def sample(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Bilinear samples of [H, W, C] at [M, 2] pixels (centres at half-integers), [M, C]."""
    height, width = image.shape[:2]
    xy = np.clip(pixels - 0.5, 0, [width - 1.001, height - 1.001])
    x, y = np.floor(xy).astype(int).T
    fx, fy = (xy - np.floor(xy)).T[..., None]
    top = image[y, x] * (1 - fx) + image[y, x + 1] * fx
    bottom = image[y + 1, x] * (1 - fx) + image[y + 1, x + 1] * fx
    return top * (1 - fy) + bottom * fy
