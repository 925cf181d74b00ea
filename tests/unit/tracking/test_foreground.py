"""A person's own colours are found where the background shows through."""

import numpy as np

from backend.tracking.foreground import foreground


def test_no_rim_of_the_background_stays():
    matte = np.clip((np.arange(120) - 50) / 20, 0, 1)[None].repeat(60, 0)
    own, behind = np.array([0.7, 0.5, 0.3]), np.array([0.1, 0.2, 0.9])
    rgb = matte[..., None] * own + (1 - matte[..., None]) * behind
    found = foreground(rgb, matte)
    assert found.dtype == np.float32
    shown = matte > 0.2
    assert np.abs(found - own)[shown].max() < 0.08
    assert np.abs(rgb - own)[shown].max() > 0.4, "where the picture has a blue rim"
    np.testing.assert_allclose(found[matte == 1], rgb[matte == 1], atol=1e-3)
