"""Where a neck wears clothes: they belong to the body, and skin must not show over them."""

from __future__ import annotations

import numpy as np

from .polygons import joined
from .sampling import look_up
from .sites import Sites, shown_sites
from .view import View

_FACING = 0.2
_DEPTH_TOLERANCE_M = 0.004
_LEAST_SEEN = 30
_TUCKED_M = 0.004
"""How far a neck goes on under its collar, out of which it comes as a head looks up."""

_BELOW_JAW_M = 0.015
"""No collar is higher: what is dark there is the jaw's shadow, or hair."""


def clothed(view: View, sites: Sites, pixels: np.ndarray) -> np.ndarray:
    """[M] bool: sites of neck and shoulders where the portrait shows clothes.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
    """
    neck = view.regions["neck"][sites.vertices]
    seen = neck & shown_sites(view, sites, pixels, _DEPTH_TOLERANCE_M, _FACING)
    height = sites.rest[:, 1]
    jaw = height[view.regions["jaw"][sites.vertices]].min()
    line = jaw - _BELOW_JAW_M
    if seen.sum() >= _LEAST_SEEN:
        edge = _collar(height[seen], look_up(view.parts.worn, pixels[seen], False))
        line = min(line, edge - _TUCKED_M)
    return neck & (height < line)


def neckwear(view: View) -> np.ndarray:
    """[H, W] bool: where collars, scarves and hair hide the head's neck.

    Args:
        view: The portrait and the fitted head.
    """
    neck = view.shows("neck") & view.parts.worn
    beside = (view.visible.face < 0) & view.parts.worn & (view.matte > 0.5)
    return neck & joined(neck | beside, beside)  # clothes have no islands


def _collar(height: np.ndarray, cloth: np.ndarray) -> float:
    """The height that parts cloth below from skin above with the fewest exceptions."""
    order = np.argsort(height)
    skin_below = np.cumsum(~cloth[order])
    cloth_above = cloth.sum() - np.cumsum(cloth[order])
    wrong = np.append(cloth.sum(), skin_below + cloth_above)
    edges = np.append(height[order], np.inf)
    return float(edges[int(wrong.argmin())])
