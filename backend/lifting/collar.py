"""Where a neck wears clothes: they belong to the body, and skin must not show over them."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from .polygons import dilate, joined
from .sampling import look_up
from .sites import Sites, facing_camera, shown_sites
from .view import View

_FACING = 0.2
_DEPTH_TOLERANCE_M = 0.004
_LEAST_SEEN = 30
_EDGE_ON, _OUTLINE_TOLERANCE_M = 0.3, 0.02  # what shows of a neck at its outline, or nearly
_TUCKED_M = 0.010
"""How far a neck goes on under its collar, out of which it comes as a head looks up."""
_UNDER_M = 0.0145  # and beside the ends of its collar, which it turns between
_OFF_M, _BESIDE_PX = 0.0065, 12
"""So much farther from a neck than hair a collar stands, and what is so far beside it."""
_OPEN_M = 0.030  # so far down a throat shows between the ends of a collar

_BELOW_JAW_M = 0.015
"""No collar is higher: what is dark there is the jaw's shadow, or hair."""


def clothed(view: View, sites: Sites, pixels: np.ndarray, sides_too: bool = True) -> np.ndarray:
    """[M] bool: sites of neck and shoulders where the portrait shows clothes.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        sides_too: Where a collar is higher at the sides than in front, so are its clothes.
    """
    neck = view.regions["neck"][sites.vertices]
    seen = neck & shown_sites(view, sites, pixels, _DEPTH_TOLERANCE_M, _FACING)
    height = sites.rest[:, 1]
    jaw = height[view.regions["jaw"][sites.vertices]].min()
    highest = jaw - _BELOW_JAW_M
    if seen.sum() < _LEAST_SEEN:
        return neck & (height < highest)
    worn = look_up(view.parts.worn, pixels[seen], False)
    line = min(highest, _collar(height[seen], worn) - _TUCKED_M)
    throat = (height > line - _OPEN_M) & (_beyond_skin(view, pixels) < _UNDER_M)
    lines = _behind(view, sites, pixels, neck, line, jaw) if sides_too else line
    return neck & np.where(seen, (height < highest) & ~throat, height < lines)


def _behind(
    view: View, sites: Sites, pixels: np.ndarray, neck: np.ndarray, line: float, highest: float
) -> np.ndarray:
    """[M] where the neck ends on its sides, out of sight: a collar is higher there than in front,
    and as a head moves aside what ends too low would show over the shoulders.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        neck: [M] bool: of the neck.
        line: Where it ends in front, metres.
        highest: Where it ends at most.
    """
    lines = np.full(len(pixels), line)
    clothes = look_up(view.parts.clothes, pixels, False)  # below hair a neck goes on
    outline = neck & (np.abs(facing_camera(sites, view.camera)) < _EDGE_ON)
    outline &= shown_sites(view, sites, pixels, _OUTLINE_TOLERANCE_M, -1)
    for side in (sites.rest[:, 0] < 0, sites.rest[:, 0] > 0):
        at = outline & side
        if at.sum() >= _LEAST_SEEN:
            edge = _collar(sites.rest[at, 1], clothes[at])
            lines[side] = np.clip(edge - _TUCKED_M, line, highest)
    return lines


def _beyond_skin(view: View, pixels: np.ndarray) -> np.ndarray:
    """[M] metres from pixels [M, 2] to the nearest skin of the neck that a photo shows."""
    neck = view.shows("neck")
    skin = joined(neck & view.skin, dilate(view.skin & ~neck, 1))
    if not skin.any():
        return np.full(len(pixels), np.inf)
    away_px = np.asarray(distance_transform_edt(~skin))
    return look_up(away_px, pixels, np.inf) * view.camera.viewmat[2, 3] / view.camera.K[0, 0]


def neckwear(view: View) -> np.ndarray:
    """[H, W] bool: where collars, scarves and hair hide the head's neck.

    Args:
        view: The portrait and the fitted head.
    """
    neck = view.shows("neck") & view.parts.worn
    beside = (view.visible.face < 0) & view.parts.worn & (view.matte > 0.5)
    return neck & joined(neck | beside, beside)  # clothes have no islands


def off_the_neck(collar: np.ndarray) -> np.ndarray:
    """[H, W] metres that a collar [H, W] bool stands off: necks lean forward within collars."""
    around = dilate(collar, _BESIDE_PX).astype(np.float32)
    return _OFF_M * cv2.GaussianBlur(around, (0, 0), _BESIDE_PX / 2)


def _collar(height: np.ndarray, cloth: np.ndarray) -> float:
    """The height that parts cloth below from skin above with the fewest exceptions."""
    order = np.argsort(height)
    skin_below = np.cumsum(~cloth[order])
    cloth_above = cloth.sum() - np.cumsum(cloth[order])
    wrong = np.append(cloth.sum(), skin_below + cloth_above)
    edges = np.append(height[order], np.inf)
    return float(edges[int(wrong.argmin())])
