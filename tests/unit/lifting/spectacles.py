"""Glasses drawn on a picture."""

from __future__ import annotations

import cv2
import numpy as np


def put_on(
    rgb: np.ndarray, landmarks: np.ndarray, colour: float, thick_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """A picture [H, W, 3] 0..1 of someone who wears glasses now, and [H, W] bool where they are.

    Args:
        rgb: The picture.
        landmarks: [478, 2] pixels.
        colour: Grey of the frames, 0..1.
        thick_px: Of their lines.
    """
    left, right = landmarks[[362, 263]].mean(0), landmarks[[33, 133]].mean(0)
    apart = np.linalg.norm(left - right)
    mask = np.zeros(rgb.shape[:2], np.uint8)
    for eye in (left, right):
        first, last = (eye + [-0.4 * apart, -0.24 * apart], eye + [0.4 * apart, 0.36 * apart])
        corners = [tuple(np.round(corner).astype(int).tolist()) for corner in (first, last)]
        cv2.rectangle(mask, corners[0], corners[1], 1, thick_px)
    ends = [eye + [side * 0.4 * apart, -0.1 * apart] for eye, side in ((left, -1), (right, 1))]
    a, b = (tuple(np.round(end).astype(int).tolist()) for end in ends)
    cv2.line(mask, a, b, 1, thick_px)
    return np.where(mask[..., None] > 0, colour, rgb).astype(rgb.dtype), mask > 0
