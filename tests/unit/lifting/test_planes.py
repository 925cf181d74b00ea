"""Planes: the hull, and where the matte is."""

from __future__ import annotations

import numpy as np

from backend.lifting.planes import hull_profile


def test_the_hull_is_thin_at_the_border_and_thick_inside():
    y, x = np.mgrid[-200:201, -200:201]
    profile = hull_profile((x**2 + y**2 <= 150**2).astype(np.float32))
    assert profile.min() == 0
    assert profile.max() == 1
    middle = profile[200, 200:352]
    assert (np.diff(middle) <= 1e-9).all()
    assert profile[200, 200] == 1
