"""The source picture warped by landmarks: what a picture alone can do, without any head."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

_BORDER = 9
"""Fixed points along each side of the picture, so that what is around the face stays."""


def warp(image: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Moves a picture's landmarks to other places, linearly within the triangles between them.

    Args:
        image: [H, W, 3] uint8.
        source: [N, 2] landmarks in it, pixels, centres at half-integers.
        target: [N, 2] where they shall be.

    Returns:
        [H, W, 3] uint8. The border stays; the face's inside follows the landmarks.
    """
    height, width = image.shape[:2]
    border = _border(width, height)
    there = np.concatenate([target, border])
    here = np.concatenate([source, border])
    rows, columns = np.mgrid[:height, :width]
    seen = LinearNDInterpolator(there, here)(columns + 0.5, rows + 0.5) - 0.5  # [H, W, 2]
    fixed = np.stack([columns, rows], axis=-1)
    places = np.where(np.isfinite(seen), seen, fixed).astype(np.float32)
    return cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_LINEAR)


def _border(width: int, height: int) -> np.ndarray:
    """[4 * (_BORDER - 1), 2] points around the picture."""
    along = np.linspace(0, 1, _BORDER)
    sides = [np.stack([along, np.full(_BORDER, edge)], axis=1) for edge in (0.0, 1.0)]
    points = np.concatenate([*sides, *(side[1:-1, ::-1] for side in sides)])
    return points * [width, height]
