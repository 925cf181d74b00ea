"""Where hair hangs over the face."""

from __future__ import annotations

import numpy as np

from .polygons import dilate, erode
from .view import View

_MOUTH_CORNERS = (61, 291)
_STRAY_PX = 2
_OVER_PX = 16  # farther inside it may be a brow, or a beard


def hair_over_face(view: View, unlike: np.ndarray) -> np.ndarray:
    """[H, W] bool: what hangs before the face's outline: it goes on beside it, or, above the mouth
    where no beard is, lies in the shade of what does.

    Args:
        view: The portrait and the fitted head.
        unlike: [H, W] bool, see `unlike_skin`.
    """
    inside, face = (view.matte > 0.95) & unlike, view.shows("face")
    beside = view.visible.face < 0
    hanging = dilate(erode(inside & beside, _STRAY_PX), _STRAY_PX + _OVER_PX)
    shade = dilate(beside, _OVER_PX)
    shade[int(view.portrait.landmarks[list(_MOUTH_CORNERS), 1].mean()) :] = False
    return dilate(inside & face & (hanging | shade), _STRAY_PX) & face
