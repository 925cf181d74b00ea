"""Skin at a neck's sides, which lies behind the planes' front."""

from __future__ import annotations

import numpy as np

from backend.model.planes import FRONT
from backend.splat.gaussians import Gaussians

from .discs import CELL_SIGMA, facing_discs
from .fill import nearest_fill
from .planes import PlaneTargets, staggered_m
from .sampling import look_up, sample
from .view import View

_LEAST_OPACITY = 0.1


def neck_sides(
    view: View, targets: PlaneTargets, cells: np.ndarray, step_px: float
) -> tuple[Gaussians, np.ndarray]:
    """What the front sheet shows of a neck behind the plane through the head's origin, as deep as
    the fitted neck there, or at its edge where the person's is wider: no front cell reaches so far
    back, and in front it would swing over the throat when the head turns.

    Args:
        view: The portrait and the fitted head.
        targets: What the planes should show.
        cells: [P, 2] pixels of the planes' cells.
        step_px: How far apart they are.

    Returns:
        Discs, and [H, W] bool: where they take the front sheet's place.
    """
    far = float(view.camera.viewmat[2, 3])
    mesh = np.dstack([view.visible.depth, view.shows("neck")])
    depth, neck = np.moveaxis(nearest_fill(mesh, view.visible.face >= 0), -1, 0)
    sides = (neck > 0) & ~view.parts.worn & (depth > far)
    opacity = sample(targets.opacity[FRONT][..., None], cells)[:, 0]
    kept = look_up(sides, cells, False) & (opacity > _LEAST_OPACITY)
    at = cells[kept]
    away = look_up(depth, at, far) - staggered_m(len(at))
    colours = sample(targets.rgb, at)
    return facing_discs(view.camera, at, away, CELL_SIGMA * step_px, colours, opacity[kept]), sides
