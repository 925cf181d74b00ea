"""Planes: the hull, and where the matte is."""

from __future__ import annotations

import numpy as np

from backend.lifting.planes import hull_profile, plane_targets
from backend.lifting.polygons import erode
from backend.lifting.view import View


def test_the_hull_is_thin_at_the_border_and_thick_inside():
    y, x = np.mgrid[-200:201, -200:201]
    profile = hull_profile((x**2 + y**2 <= 150**2).astype(np.float32))
    assert profile.min() == 0
    assert profile.max() == 1
    middle = profile[200, 200:352]
    assert (np.diff(middle) <= 1e-9).all()
    assert profile[200, 200] == 1


def test_hair_stands_off_the_head_twice_as_far_as_bare_skin(portrait, pipeline):
    """The astronaut's forehead, and the hair above it."""
    view = View(portrait, pipeline.head)
    coverage, side = view.visible, view.far_side()
    depth = float(portrait.fit.camera.viewmat[2, 3])
    still = np.zeros(view.matte.shape)
    targets = plane_targets(
        view.rgb, view.matte, view.parts.worn, coverage, side, still, depth, np.zeros_like(still)
    )
    off = targets.front_m - (depth - coverage.depth)
    scalp = view.shows("scalp")
    hair, bare = scalp & erode(view.parts.hair, 15), erode(view.shows("nose") & view.skin, 15)
    assert hair.sum() > 500
    assert bare.sum() > 100
    assert 0.005 < np.median(off[hair]) < 0.007
    assert 0.0025 < np.median(off[bare]) < 0.0035
