"""Where the portrait shows hair: what lies on or above the scalp, of another colour than skin."""

from __future__ import annotations

import cv2
import numpy as np

from .polygons import erode
from .view import View

_PLAIN = ("lips", "brows", "lids", "lashes", "left_eyeball", "right_eyeball", "scalp")
_UNLIKE = 2.5
"""Distance from the skin's colour, in spreads, from where on a pixel is not skin."""

_LEAST_SPREAD = np.array([24.0, 6.0, 6.0])  # L, a, b of 8 bits: skin is lit unevenly
_RIM_PX = 4  # background shines through the outline
_HAIRLINE_PX = 5
_LEAST_SHARE = 0.15  # of the scalp that shows: less is a bald head


def hair_pixels(view: View) -> np.ndarray:
    """[H, W] bool, without the hairline, whose colour is half the skin's.

    Nothing for a bald or shaven head, or for hair of the skin's colour.
    """
    lab = cv2.cvtColor((view.rgb * 255).astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    inside = erode(view.matte > 0.95, _RIM_PX)
    plain = view.shows("face") & inside & ~np.any([view.shows(name) for name in _PLAIN], axis=0)
    if not plain.any():
        return np.zeros_like(inside)
    middle = np.median(lab[plain], axis=0)
    spread = np.maximum(1.5 * np.median(np.abs(lab[plain] - middle), axis=0), _LEAST_SPREAD)
    unlike = np.linalg.norm((lab - middle) / spread, axis=-1) > _UNLIKE
    scalp = view.shows("scalp") & inside
    above = np.zeros_like(inside)
    above[: _lowest_row(view)] = True
    found = inside & above & unlike & (scalp | (view.visible.face < 0))
    if (found & scalp).sum() < _LEAST_SHARE * scalp.sum():
        return np.zeros_like(found)
    return erode(found, _HAIRLINE_PX)


def _lowest_row(view: View) -> int:
    """Row of the ears' lower ends: below, what lies beside the head may be clothes."""
    ears = view.vertices[0].numpy()[view.regions["ears"]]
    return int(np.clip(view.camera.project(ears)[:, 1].max(), 0, view.camera.height))
