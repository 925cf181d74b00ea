"""Light that a backdrop throws on a head: blue at the outline, where it is not farther inside.

What a photo shows keeps it. What it hides lies before another backdrop when it shows.
"""

from __future__ import annotations

import cv2
import numpy as np

from .polygons import inside_px

_CLEAN_PX, _INNERMOST = 24.0, 90  # from the outline; percentile of what there is of narrow hair
_SPILT = 1 / 3  # of the way
_SOFT_PX, _AROUND_PX = 3.0, 20.0
_SHARE, _LEAST_BRIGHT = 0.85, 1e-4


def without_spill(
    rgb: np.ndarray, matte: np.ndarray, part: np.ndarray, alike: np.ndarray
) -> np.ndarray:
    """[H, W, 3] the picture, a part of it near the outline in the hue that it has farther inside.

    Args:
        rgb: [H, W, 3] display sRGB.
        matte: [H, W] 0..1.
        part: [H, W] bool: hair, or a bald skull.
        alike: [H, W] bool: where its own hue shows.
    """
    inside = inside_px(matte) * alike
    if not (part.any() and inside.any()):
        return rgb
    most = np.percentile(inside[inside > 0], _INNERMOST)
    clean = np.clip((inside / min(most, _CLEAN_PX) - _SPILT) / (1 - _SPILT), 0, 1)
    share = _SHARE * _blurred((part * (1 - clean))[..., None], _SOFT_PX)
    around = _blurred(rgb * clean[..., None] ** 2, _AROUND_PX)
    bright = around.mean(-1, keepdims=True)
    hue = around / np.maximum(bright, _LEAST_BRIGHT)
    share = share * np.clip(bright / _LEAST_BRIGHT - 1, 0, 1)  # far from any of it nobody knows
    return rgb + share * (rgb.mean(-1, keepdims=True) * hue - rgb)


def _blurred(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """[H, W, C] of [H, W, C]."""
    return cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma_px).reshape(image.shape)
