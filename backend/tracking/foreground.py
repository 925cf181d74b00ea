"""A person's own colours where the background shows through.

Source: Forte, "Approximate fast foreground colour estimation", 2021 (blur fusion, two rounds).
"""

from __future__ import annotations

import cv2
import numpy as np

_RADII_PX = (90, 6)
_LEAST = 1e-5


def foreground(rgb: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """[H, W, 3] float32 0..1: what [H, W, 3] `rgb` 0..1 is without its background.

    Args:
        rgb: A picture, display sRGB.
        matte: [H, W] 0..1.
    """
    share = matte[..., None].astype(np.float32)
    own = behind = picture = rgb.astype(np.float32)
    for radius in _RADII_PX:
        near = _blurred(share, radius)
        own = _blurred(own * share, radius) / (near + _LEAST)
        behind = _blurred(behind * (1 - share), radius) / (1 - near + _LEAST)
        own = np.clip(own + share * (picture - share * own - (1 - share) * behind), 0, 1)
    return own


def _blurred(values: np.ndarray, radius_px: int) -> np.ndarray:
    size = (radius_px, radius_px)
    return cv2.blur(values, size, borderType=cv2.BORDER_REPLICATE).reshape(values.shape)
