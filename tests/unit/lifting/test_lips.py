"""Lips beside teeth are even along their edges, and stay as they are elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.lips import evened_lips
from backend.lifting.sites import regions_at, sites_of
from backend.lifting.view import View


@pytest.fixture(scope="module")
def smiling(portrait, pipeline) -> tuple:
    """The portrait smiles, with teeth."""
    view = View(portrait, pipeline.head)
    assert view.shapes.mouth.any()
    sites, _ = sites_of(view, pipeline.model)
    return view, sites, regions_at(view, sites.vertices)


def test_stripes_across_a_lip_beside_teeth_go(smiling) -> None:
    view, sites, at = smiling
    stripes = 0.5 + 0.2 * np.sign(np.sin(sites.rest[:, :1] * 2 * np.pi / 0.002)) * np.ones(3)
    found = evened_lips(view, sites, stripes, np.ones(len(stripes), bool))
    lips = at["lips"] & ~at["mouth_interior"]
    changed = np.abs(found - stripes).max(1) > 1e-6
    assert changed[lips].mean() > 0.3
    assert found[lips & changed].std() < 0.75 * stripes[lips & changed].std()
    far = ~at["lips"] & (np.abs(sites.rest[:, 1] - sites.rest[lips, 1].mean()) > 0.02)
    np.testing.assert_array_equal(found[far], stripes[far])


def test_an_even_lip_and_teeth_stay(smiling) -> None:
    view, sites, at = smiling
    even = np.full((len(sites.rest), 3), 0.4)
    even[at["in_mouth"]] = 0.9
    found = evened_lips(view, sites, even, np.ones(len(even), bool))
    np.testing.assert_allclose(found, even, atol=1e-9)


def test_closed_lips_stay(smiling, pipeline) -> None:
    view, sites, _ = smiling
    landmarks = view.portrait.landmarks.copy()
    landmarks[14] = landmarks[13]
    closed = View(replace(view.portrait, landmarks=landmarks), pipeline.head)
    colours = np.random.default_rng(0).random((len(sites.rest), 3))
    found = evened_lips(closed, sites, colours, np.ones(len(colours), bool))
    np.testing.assert_array_equal(found, colours)
