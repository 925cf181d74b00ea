"""Planes: the hull, and where the matte is."""

from __future__ import annotations

import numpy as np

from backend.lifting.planes import PlaneTargets, hull_profile, plane_targets
from backend.lifting.polygons import erode, inside_px
from backend.lifting.view import View
from backend.model.planes import BACK


def test_the_hull_is_thin_at_the_border_and_thick_inside():
    y, x = np.mgrid[-200:201, -200:201]
    profile = hull_profile((x**2 + y**2 <= 150**2).astype(np.float32))
    assert profile.min() == 0
    assert profile.max() == 1
    middle = profile[200, 200:352]
    assert (np.diff(middle) <= 1e-9).all()
    assert profile[200, 200] == 1


def targets_of(view: View, rgb: np.ndarray, mobility: np.ndarray) -> tuple[PlaneTargets, float]:
    """What the planes should show of a picture [H, W, 3] of the head, of which a share [H, W]
    moves, and how far away they are."""
    away, flat = float(view.camera.viewmat[2, 3]), np.zeros(view.matte.shape)
    worn, seen, far_side = view.parts.worn, view.visible, view.far_side()
    return plane_targets(rgb, view.matte, worn, seen, far_side, mobility, away, flat), away


def test_hair_stands_off_the_head_twice_as_far_as_bare_skin(portrait, pipeline):
    """The astronaut's forehead, and the hair above it."""
    view = View(portrait, pipeline.head)
    targets, depth = targets_of(view, view.unspilt, np.zeros(view.matte.shape))
    off = targets.front_m - (depth - view.visible.depth)
    scalp = view.shows("scalp")
    hair, bare = scalp & erode(view.parts.hair, 15), erode(view.shows("nose") & view.skin, 15)
    assert hair.sum() > 500
    assert bare.sum() > 100
    assert 0.005 < np.median(off[hair]) < 0.007
    assert 0.0025 < np.median(off[bare]) < 0.0035


def test_the_back_sheet_ends_inside_the_skull(portrait, pipeline):
    """An edge that stands off is a step in the outline as soon as the head turns."""
    view = View(portrait, pipeline.head)
    targets, away = targets_of(view, view.unspilt, np.zeros(view.matte.shape))
    skull = view.far_side()
    shown = (targets.opacity[BACK] > 0.5) & (skull.face >= 0)
    off = targets.back_m - (skull.depth - away)
    ends = shown & (inside_px(view.visible.face >= 0) >= 4)
    assert ends.sum() > 100
    assert (off[ends] < -0.001).all()
    assert off[shown].max() > 0.005, "at the outline it is as far out as hair"


def test_hair_at_the_outline_takes_no_colour_of_the_ear_below(portrait, pipeline):
    """Where all hair that is still is narrow, the nearest place farther inside is an ear."""
    view = View(portrait, pipeline.head)
    hair = view.parts.hair
    coloured = np.where(hair[..., None], (0.2, 0.4, 0.1), (0.9, 0.3, 0.3))
    targets, _ = targets_of(view, coloured, hair.astype(float))
    beside = targets.rim & hair & (view.matte > 0.5)
    assert beside.sum() > 500
    np.testing.assert_allclose(targets.rgb[beside], np.tile((0.2, 0.4, 0.1), (beside.sum(), 1)))
