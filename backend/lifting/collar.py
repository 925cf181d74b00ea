"""Where a neck wears clothes: they belong to the body, and skin must not show over them."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from .sampling import look_up
from .sites import Sites, shown_sites
from .view import View

_FACING = 0.2
_DEPTH_TOLERANCE_M = 0.004
_LEAST_SEEN = 30
_BELOW_JAW_M = 0.015
"""No collar is higher: what is dark there is the jaw's shadow, or hair."""

_CHIN_SHADE = 0.5  # of the eyes' distance: how far below and beside a chin its shadow reaches
_SHADE = 2.0  # spreads of hue: what is less far from darker skin is skin in the shade
_HUE_SPREAD = 6.0  # a and b of 8 bits


def clothed(view: View, sites: Sites, pixels: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    """[M] bool: sites of neck and shoulders where the portrait shows clothes.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        unlike: [H, W] bool, see `unlike_skin`.
    """
    neck = view.regions["neck"][sites.vertices]
    seen = neck & shown_sites(view, sites, pixels, _DEPTH_TOLERANCE_M, _FACING)
    height = sites.rest[:, 1]
    jaw = height[view.regions["jaw"][sites.vertices]].min()
    line = jaw - _BELOW_JAW_M
    if seen.sum() >= _LEAST_SEEN:
        line = min(line, _collar(height[seen], look_up(unlike, pixels[seen], False)))
    return neck & (height < line)


def neckwear(view: View, unlike: np.ndarray) -> np.ndarray:
    """[H, W] bool: where collars, scarves and hair hide the head's neck; no shadow of a chin.

    Args:
        view: The portrait and the fitted head.
        unlike: [H, W] bool, see `unlike_skin`.
    """
    neck, chin = view.shows("neck") & unlike, view.shows("chin")
    face = view.shows("face") & ~unlike
    if not (neck.any() and chin.any() and face.any()):
        return neck
    lab = cv2.cvtColor((view.rgb * 255).astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 1:] -= 128
    skin = np.median(lab[face], axis=0)
    darker = lab[..., :1] / skin[0]
    hue = np.linalg.norm(lab[..., 1:] - darker * skin[1:], axis=-1) / _HUE_SPREAD
    right, left = view.portrait.landmarks[[33, 263]]
    reach = _CHIN_SHADE * np.linalg.norm(right - left)
    near = np.asarray(distance_transform_edt(~chin)) < reach
    neck &= ~(near & (darker[..., 0] < 1) & (hue < _SHADE))
    beside = (view.visible.face < 0) & unlike & (view.matte > 0.5)
    return neck & _joined(neck | beside, beside)


def _joined(mask: np.ndarray, to: np.ndarray) -> np.ndarray:
    """[H, W] bool: the parts of a mask that reach what is worn beside the neck: clothes have no
    islands."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return mask & np.isin(labels, np.unique(labels[to]))


def _collar(height: np.ndarray, cloth: np.ndarray) -> float:
    """The height that parts cloth below from skin above with the fewest exceptions."""
    order = np.argsort(height)
    skin_below = np.cumsum(~cloth[order])
    cloth_above = cloth.sum() - np.cumsum(cloth[order])
    wrong = np.append(cloth.sum(), skin_below + cloth_above)
    edges = np.append(height[order], np.inf)
    return float(edges[int(wrong.argmin())])
