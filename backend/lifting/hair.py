"""Where hair hangs over the face."""

from __future__ import annotations

import numpy as np

from .polygons import dilate, erode
from .view import View

_MOUTH_CORNERS = (61, 291)
_STRAY_PX = 2
_SEAM_PX = 5
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


def wide_enough(over: np.ndarray) -> np.ndarray:
    """[H, W] bool: what of hair over a face is more than the seam between both.

    At the outline of a turned face the fit's skin overlaps hair by some pixels. A sheet there would
    hang before the cheek as a dark line as soon as the head turns.
    """
    return dilate(erode(over, _SEAM_PX), _SEAM_PX) & over
