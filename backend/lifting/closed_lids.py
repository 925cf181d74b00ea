"""Lids that a portrait shows closed: what their lashes hide, and lashes that go up with them.

The lashes of a closed eye hang over the skin below it. Left there, they would be a second row of
lower lashes when the eye opens, and the upper lid would have none. What the portrait's own picture
lacks for it comes back with its detail.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import KDTree

from backend.tracking.landmarks import UPPER_LEFT, UPPER_RIGHT

from .polygons import dilate, disc, joined
from .sampling import between, look_up
from .sites import Sites
from .view import View

_LASHES_M, _BARE_M = 0.0003, 0.0015  # from the edge of a lid
_LASH_SHADE, _DARK_PERCENTILE = (0.2, 0.8), 10  # of the lid; of what shows around it
_SMOOTH_NEIGHBOURS = 64
_EDGE_POINTS = 65
_STRANDS = 0.15  # of the width of what lids hide: so much farther single lashes reach
_THICK, _DARK = 0.06, 0.9  # of that width; of the brightness beside them: shade is broader
_STRAND_PX = 3  # lashes are soft, and splats reach as far


def hung_over(view: View, pixels: np.ndarray, at: dict[str, np.ndarray]) -> np.ndarray:
    """[M] bool: skin that shows the lashes of closed eyes.

    Args:
        view: The portrait whose eyes may be closed.
        pixels: [M, 2] where M sites lie in it.
        at: [M] bool of each region, see `regions_at`.
    """
    return (at["face"] | at["lids"]) & ~at["eyes"] & look_up(_with_strands(view), pixels, False)


def _with_strands(view: View) -> np.ndarray:
    """[H, W] bool: what closed lids hide, with what is dark and hangs on it: long lashes, and those
    of the lower lid. Above it may be a brow."""
    lashes, bright = view.shapes.lashes, view.rgb.mean(-1)
    strands = np.zeros_like(lashes)
    count, labels, boxes, middles = cv2.connectedComponentsWithStats(lashes.astype(np.uint8))
    for eye in range(1, count):
        own, wide = labels == eye, boxes[eye, cv2.CC_STAT_WIDTH]
        below = np.arange(len(lashes))[:, None] > middles[eye, 1]
        around = dilate(own, round(_STRANDS * wide)) & below & ~(own | view.parts.hair)
        without = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, disc(round(_THICK * wide)))
        dark = around & (bright < _DARK * without)
        strands |= joined(dark | own, own) & ~own
    return lashes | dilate(strands, _STRAND_PX)


def colour_closed_lids(
    colours: np.ndarray,
    seen: np.ndarray,
    plain: np.ndarray,
    sites: Sites,
    at: dict[str, np.ndarray],
    view: View,
) -> None:
    """Gives what lashes hide the colours of the skin beside them: of upper lids those of the lids,
    with a line of lashes.

    Args:
        colours: [M, 3] display sRGB, changed in place.
        seen: [M] bool, in this portrait or in another one of the person.
        plain: [M] bool: skin of the face that is seen, beside eyes and lips.
        sites: M sites.
        at: [M] bool of each region.
        view: The portrait.
    """
    hung = hung_over(view, view.camera.project(sites.positions), at) & ~seen
    upper = at["upper_lids"] & ~at["eyes"]
    for hidden, beside in ((hung & ~upper, plain), (hung & upper, seen & upper)):
        if hidden.any() and beside.any():
            colours[hidden] = between(
                sites.rest[beside], colours[beside], sites.rest[hidden], _SMOOTH_NEIGHBOURS
            )
    lashes = np.flatnonzero(hung & upper)
    if len(lashes):
        away = _from_edge(view, sites.rest[lashes])
        bare = np.clip((away - _LASHES_M) / (_BARE_M - _LASHES_M), 0, 1)[:, None]
        lid = np.median(colours[lashes].mean(1))
        dark = np.percentile(view.rgb[view.shapes.lashes].mean(1), _DARK_PERCENTILE)
        shade = np.clip(dark / max(lid, 1e-3), *_LASH_SHADE)
        colours[lashes] *= shade + (1 - shade) * bare


def _from_edge(view: View, rest: np.ndarray) -> np.ndarray:
    """[K] metres from places of upper lids [K, 3] to their edges, at neutral expression."""
    landmarks = view.head.embed_landmarks(view.rest[0]).numpy()
    edge = np.concatenate([_line(landmarks[list(lid)]) for lid in (UPPER_LEFT, UPPER_RIGHT)])
    return np.asarray(KDTree(edge).query(rest)[0])


def _line(points: np.ndarray) -> np.ndarray:
    """[N, 3] places along a line of points [P, 3]."""
    at = np.linspace(0, len(points) - 1, _EDGE_POINTS)
    return np.stack([np.interp(at, np.arange(len(points)), axis) for axis in points.T], axis=-1)
