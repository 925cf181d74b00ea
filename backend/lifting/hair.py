"""Where hair hangs over the face."""

from __future__ import annotations

import numpy as np

from .polygons import dilate, erode
from .view import View

_STRAY_PX = 2
_OVER_PX = 10  # farther inside it may be a brow, or a beard


def hair_over_face(view: View, unlike: np.ndarray) -> np.ndarray:
    """[H, W] bool: what hangs before the face's outline and goes on beside it.

    Args:
        view: The portrait and the fitted head.
        unlike: [H, W] bool, see `unlike_skin`.
    """
    inside = (view.matte > 0.95) & unlike
    beside = inside & (view.visible.face < 0)
    over = inside & view.shows("face") & dilate(erode(beside, _STRAY_PX), _STRAY_PX + _OVER_PX)
    return dilate(over, _STRAY_PX) & view.shows("face")
