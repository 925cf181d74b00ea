"""Values between where they are known: of a picture, and of places on the head."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree


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


def between(
    places: np.ndarray, values: np.ndarray, at: np.ndarray, count: int, bright: bool = False
) -> np.ndarray:
    """[M, C] means of the nearest `count` values, weighed by the distance's inverse square.

    Args:
        places: [N, 3] metres.
        values: [N, C] of these places.
        at: [M, 3] metres.
        count: Most neighbours.
        bright: Whether the darker half of them does not count.
    """
    count = min(count, len(places))
    distance, index = (np.asarray(x) for x in KDTree(places).query(at, k=count))
    near = values[index.reshape(-1, count)]
    weight = 1 / (distance.reshape(-1, count) + 1e-4) ** 2
    if bright:
        brightness = near.sum(-1)
        weight = weight * (brightness >= np.median(brightness, axis=1, keepdims=True))
    weight /= weight.sum(1, keepdims=True)
    return (near * weight[..., None]).sum(1)
