"""Where the portrait shows hair: what lies on or above the scalp, of another colour than skin."""

from __future__ import annotations

import numpy as np

from .polygons import erode
from .view import View

_RIM_PX = 4  # background shines through the outline
_HAIRLINE_PX = 5
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


def _lowest_row(view: View) -> int:
    """Row of the ears' lower ends: below, what lies beside the head may be clothes."""
    ears = view.vertices[0].numpy()[view.regions["ears"]]
    return int(np.clip(view.camera.project(ears)[:, 1].max(), 0, view.camera.height))
