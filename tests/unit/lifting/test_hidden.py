"""What a portrait shows of a mouth's inside is kept, where it is what it seems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.colours import Shown
from backend.lifting.hidden import TEETH, TONGUE, HiddenColours
from backend.lifting.sites import regions_at, sites_of
from backend.lifting.view import View


@pytest.fixture(scope="module")
def gaping(portrait, pipeline) -> View:
    """A view whose mouth is 30 pixels wide open."""
    view = View(portrait, pipeline.head)
    mouth = np.zeros_like(view.matte, bool)
    mouth[300:330, 220:290] = True
    view.shapes = replace(view.shapes, mouth=mouth)
    return view


def test_a_tongue_keeps_its_own_colour_and_not_that_of_teeth_before_it(gaping, pipeline) -> None:
    sites, _ = sites_of(gaping, pipeline.model)
    at = regions_at(gaping, sites.vertices)
    count = len(sites.vertices)
    own = np.array([0.6, 0.26, 0.28])
    colours = np.random.default_rng(0).uniform(0.4, 0.6, (count, 3)).astype(np.float32)
    colours[at["teeth"]] = TEETH
    left = at["tongue"] & (sites.rest[:, 0] < 0)
    colours[at["tongue"]], colours[left] = own, 0.95 * TEETH
    whole = np.ones(count, np.float32)
    shown = Shown(colours, whole, np.zeros(count, bool), whole)
    filled = HiddenColours(gaping).filled(shown, sites, np.zeros(count, bool))
    np.testing.assert_allclose(filled[at["tongue"] & ~left] - own, 0, atol=1e-6)
    hue = filled[left] / filled[left].sum(1, keepdims=True)
    np.testing.assert_allclose(hue, np.tile(TONGUE / TONGUE.sum(), (left.sum(), 1)), atol=0.05)
