"""Kept density: counted by hand on a head of four triangles."""

from __future__ import annotations

import numpy as np
import pytest

from backend.figures.density import AREAS, kept_density
from backend.head.surface import vertex_areas

SQUARES = np.array(
    [[0, 0, 0], [0.01, 0, 0], [0.01, 0.01, 0], [0, 0.01, 0],
     [1, 0, 0], [1.02, 0, 0], [1.02, 0.02, 0], [1, 0.02, 0]],
)  # fmt: skip
"""A square of 1 cm2 and one of 4 cm2."""

FACES = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])


def regions() -> dict[str, np.ndarray]:
    """Eyes, mouth and ears are the small square, the scalp the large one."""
    small = np.arange(8) < 4
    names = {name for parts in AREAS.values() for name in parts}
    return {name: ~small if name == "scalp" else small for name in names}


def test_a_triangles_area_is_shared_by_its_corners():
    areas = vertex_areas(SQUARES, FACES)
    assert areas[:4] * 1e4 == pytest.approx([1 / 3, 1 / 6, 1 / 3, 1 / 6])
    assert areas[4:].sum() * 1e4 == pytest.approx(4)


def test_shares_and_densities_are_those_counted_by_hand():
    # Per vertex: one of G0 and two of G1; identity Gaussians belong to no vertex.
    layers = np.array([0, 1] + [2] * 8 + [3] * 16)
    owners = np.concatenate([[-1, -1], np.arange(8), np.repeat(np.arange(8), 2)])
    kept = np.ones(len(layers), bool)
    kept[10 + 8 :: 2] = False  # every other Gaussian of the scalp's G1
    found = kept_density(layers, owners, kept, SQUARES, FACES, regions())
    assert found.layers == (0.75,)
    assert (found.areas["eyes"].kept, found.areas["scalp"].kept) == (8, 4)
    assert (found.areas["eyes"].share, found.areas["scalp"].share) == (1, 0.5)
    assert found.areas["mouth"].per_cm2 == pytest.approx(8)
    assert found.areas["scalp"].per_cm2 == pytest.approx(1)
    assert found.areas["ears"].share_beside_scalp == pytest.approx(2)
    assert found.areas["ears"].density_beside_scalp == pytest.approx(8)
