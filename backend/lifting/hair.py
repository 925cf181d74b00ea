"""Where hair hangs over the face."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from backend.tracking.landmarks import EYE_CORNERS, MOUTH_CORNERS

from .polygons import dilate, erode, inside_px, opened
from .view import View

_STRAY_PX = 2
_SOFT_PX = 4  # its shade on the skin beside it
_SEAM_PX, _STRAND_PX = 8, 48  # half as wide, and lower, is no strand
_LONG_PX = 4  # half the width of what hangs down beside a head
_FLANK_FACING = 0.75
_OVER_PX = 16  # farther inside it may be a brow, or a beard


def hair_over_face(view: View, worn: np.ndarray) -> np.ndarray:
    """[H, W] bool: what hangs before the face's outline: it goes on beside it, or, above the mouth
    where no beard is, lies in the shade of what does, or on the flank of a face with long hair.

    Above the eyes hair lies on the head: a fringe as a sheet before the forehead would be torn
    from it as soon as the head turns.

    Args:
        view: The portrait and the fitted head.
        worn: [H, W] bool: hair, hats and scarves, see `Parts`.
    """
    person, face = view.matte > 0.95, view.shows("face")
    features = np.any([view.shows(name) for name in ("brows", "lids", "lips")], axis=0)
    inside, beside = person & worn, view.visible.face < 0
    hanging = dilate(erode(inside & beside, _STRAY_PX), _STRAY_PX + _OVER_PX)
    shade = dilate(beside, _OVER_PX)
    shade[int(view.portrait.landmarks[MOUTH_CORNERS, 1].mean()) :] = False
    flank = _ends(face) & (view.facing_image() < _FLANK_FACING) & ~features
    flank &= _along_long_hair(erode(person & beside, _LONG_PX), face)
    over = dilate(inside & face & (hanging | shade), _STRAY_PX)
    over = (over | dilate(inside & flank, _SOFT_PX)) & face
    over[: int(view.portrait.landmarks[EYE_CORNERS, 1].mean())] = False
    return over


def _ends(face: np.ndarray) -> np.ndarray:
    """[H, W] bool: what is near the left or the right end of a face's rows."""
    after, before = face.cumsum(1), face[:, ::-1].cumsum(1)[:, ::-1]
    return face & (np.minimum(after, before) <= _OVER_PX)


def _along_long_hair(long: np.ndarray, face: np.ndarray) -> np.ndarray:
    """[H, W] bool: the half rows on whose side there is hair beside the head [H, W]."""
    if not face.any():
        return face
    middle = int(np.median(np.nonzero(face)[1]))
    rows = np.zeros_like(face)
    for half in (slice(middle), slice(middle, None)):
        rows[:, half] = long[:, half].any(1, keepdims=True)
    return rows


def within_outline(matte: np.ndarray, worn: np.ndarray, margin_px: float) -> np.ndarray:
    """[H, W] bool: farther inside a person's outline than a margin, or, where hair is narrower,
    nearer to skin than to the outline: there it is lighter, and skin shows through.

    Args:
        matte: [H, W] 0..1.
        worn: [H, W] bool: hair, hats and scarves, see `Parts`.
        margin_px: So many pixels.
    """
    inside = inside_px(matte)
    return (inside >= margin_px) | (inside >= distance_transform_edt(worn | (matte <= 0.5)))


def wide_enough(over: np.ndarray) -> np.ndarray:
    """[H, W] bool: the strands of hair over a face: what is more than the seam between both.

    At the outline of a turned face the fit's skin overlaps hair by some pixels. A sheet there would
    hang before the cheek as a dark line as soon as the head turns, where a lock ends on it as a
    dark dot.
    """
    wide = opened(over, _SEAM_PX) & over
    _, islands, stats, _ = cv2.connectedComponentsWithStats(wide.astype(np.uint8))
    high = np.flatnonzero(stats[:, cv2.CC_STAT_HEIGHT] >= _STRAND_PX)
    return wide & np.isin(islands, high)
