"""A backdrop's light is taken off hair at a head's outline, and off nothing else."""

from __future__ import annotations

import numpy as np

from backend.lifting.spill import without_spill

_SIDE = 128
_BROWN, _BLUE = np.array([0.4, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])


def head() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A disc's matte, [H, W] how far inside each pixel is, and its colours: brown, and as bright as
    that but blue in a rim."""
    y, x = np.mgrid[:_SIDE, :_SIDE] + 0.5 - _SIDE / 2
    inside = 52 - np.hypot(x, y)
    share = np.clip(1 - inside / 8, 0, 1)[..., None]
    rgb = _BROWN * 0.95 + share * (_BLUE - _BROWN * 0.95)
    return (inside > 0).astype(float), inside, rgb


def hue(colours: np.ndarray) -> np.ndarray:
    return colours / colours.mean(-1, keepdims=True)


def test_hair_at_the_outline_has_the_hue_of_hair_inside() -> None:
    matte, inside, rgb = head()
    found = without_spill(rgb, matte, matte > 0.5, matte > 0.5)
    rim = (inside > 0) & (inside < 3)
    np.testing.assert_allclose(found.mean(-1), rgb.mean(-1), atol=1e-6)  # as bright
    apart = np.abs(hue(rgb[rim]) - hue(_BROWN)).mean()
    assert np.abs(hue(found[rim]) - hue(_BROWN)).mean() < 0.45 * apart
    np.testing.assert_allclose(found[inside > 30], rgb[inside > 30], atol=1e-6)


def test_what_is_no_hair_keeps_its_light() -> None:
    matte, inside, rgb = head()
    left = (matte > 0.5) & (np.arange(_SIDE) < 40)
    found = without_spill(rgb, matte, left, left)
    right = np.arange(_SIDE)[None].repeat(_SIDE, 0) > 60
    np.testing.assert_array_equal(found[right], rgb[right].astype(found.dtype))
    rim = left & (inside > 0) & (inside < 3)
    assert found[rim, 2].mean() < rgb[rim, 2].mean() - 0.05


def test_a_person_without_hair_stays_as_it_is() -> None:
    matte, _, rgb = head()
    none = np.zeros_like(matte, bool)
    assert without_spill(rgb, matte, none, none) is rgb
