"""Where the portrait shows hair: what is of another colour than skin, by where it lies."""

from __future__ import annotations

import numpy as np

from .polygons import dilate, erode
from .view import View

_RIM_PX = 4  # background shines through the outline
_HAIRLINE_PX = 5
_STRAY_PX = 2
_OVER_PX = 10  # farther inside it may be a brow, or a beard
_LEAST_SHARE = 0.15  # of the scalp that shows: less is a bald head


def hair_pixels(view: View, unlike: np.ndarray) -> np.ndarray:
    """[H, W] bool, without the hairline, whose colour is half the skin's.

    Nothing for a bald or shaven head, or for hair of the skin's colour.

    Args:
        view: The portrait and the fitted head.
        unlike: [H, W] bool, see `unlike_skin`.
    """
    inside = erode(view.matte > 0.95, _RIM_PX)
    scalp = view.shows("scalp") & inside
    above = np.zeros_like(inside)
    above[: _lowest_row(view)] = True
    found = inside & above & unlike & (scalp | (view.visible.face < 0))
    if (found & scalp).sum() < _LEAST_SHARE * scalp.sum():
        return np.zeros_like(found)
    return erode(found, _HAIRLINE_PX)


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


def _lowest_row(view: View) -> int:
    """Row of the ears' lower ends: below, what lies beside the head may be clothes."""
    ears = view.vertices[0].numpy()[view.regions["ears"]]
    return int(np.clip(view.camera.project(ears)[:, 1].max(), 0, view.camera.height))
