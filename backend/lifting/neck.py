"""Skin beside a fitted neck and jaw."""

from __future__ import annotations

import numpy as np

from backend.model.planes import FRONT
from backend.splat.gaussians import Gaussians

from .discs import CELL_SIGMA, facing_discs
from .fill import nearest_fill
from .neck_width import below_ears
from .planes import PlaneTargets, staggered_m
from .polygons import dilate, erode
from .sampling import between, look_up, sample
from .view import View

_LEAST_OPACITY = 0.1
_SEAM_PX = 2  # at cloth or the wall, over which discs reach
_UNDER_PX, _UNDER_M = 10, 0.004
"""How far such skin goes on under the mesh's edge, and how deep: it parts as a neck bends."""
_NEIGHBOURS = 4


def neck_sides(
    view: View,
    targets: PlaneTargets,
    colours: np.ndarray,
    bare: np.ndarray,
    cells: np.ndarray,
    step_px: float,
) -> tuple[Gaussians, np.ndarray]:
    """What a photo shows of a neck and a jaw beside the fitted ones, as deep as these at their
    edge, and coloured as they are there: a neck's own edge, seen from aside at best, is dark or
    red, and as it turns to the camera that would be specks. It goes on a little under the mesh,
    which parts from it as a neck bends.

    Args:
        view: The portrait and the fitted head.
        targets: What the planes should show.
        colours: [V, 3] display sRGB of the head's vertices.
        bare: [V] bool: vertices of the neck that is the mesh's.
        cells: [P, 2] pixels of the planes' cells.
        step_px: How far apart they are.

    Returns:
        Discs, and [H, W] bool: where they take the front sheet's place.
    """
    far = float(view.camera.viewmat[2, 3])
    low = below_ears(view)
    hit, skin = view.visible.face >= 0, view.skin
    mesh = np.dstack([view.visible.depth, view.shows_all(low)])
    depth, beside = np.moveaxis(nearest_fill(mesh, hit), -1, 0)
    sides = (beside > 0) & ~hit & skin
    opacity = sample(targets.opacity[FRONT][..., None], cells)[:, 0]
    beyond = sides & erode(skin, _SEAM_PX)
    under = look_up(_under(view, bare, beyond), cells, False)
    opacity = np.where(under, look_up(view.matte, cells, 0.0), opacity)
    kept = (under | look_up(beyond, cells, False)) & (opacity > _LEAST_OPACITY)
    at = cells[kept]
    away = look_up(depth, at, far) + _UNDER_M * under[kept] - staggered_m(len(at))
    places = view.camera.unproject(at, away)
    skinned = between(view.vertices[0].numpy()[low], colours[low], places, _NEIGHBOURS)
    discs = facing_discs(view.camera, at, away, CELL_SIGMA * step_px, skinned, opacity[kept])
    return discs, sides


def _under(view: View, bare: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """[H, W] bool: bare skin [V] of the mesh next to where it ends, and skin goes on beyond it."""
    mesh = view.shows_all(bare)
    ends = beyond | (view.shows("neck") & ~mesh & erode(view.skin, _SEAM_PX))
    ends[-1] |= mesh[-1]  # what lies below the crop begins there
    return mesh & view.skin & dilate(ends, _UNDER_PX)
