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


def test_a_hidden_tongue_has_a_groove_and_sides_and_a_dark_end(portrait, pipeline) -> None:
    view = View(portrait, pipeline.head)
    sites, _ = sites_of(view, pipeline.model)
    count, tongue = len(sites.vertices), regions_at(view, sites.vertices)["tongue"]
    nothing = np.zeros(count, np.float32)
    shown = Shown(np.full((count, 3), 0.5, np.float32), nothing, nothing > 0, nothing)
    filled = HiddenColours(view).filled(shown, sites, nothing > 0)
    aside, ahead = np.abs(sites.rest[:, 0]), sites.rest[:, 2]
    front = tongue & (ahead > np.percentile(ahead[tongue], 70))
    back = tongue & (ahead < np.percentile(ahead[tongue], 10))

    def bright(where: np.ndarray) -> float:
        return float(filled[where].mean())

    plain = bright(front & (aside > 0.004) & (aside < 0.008))
    assert bright(front & (aside < 0.001)) < 0.97 * plain
    assert bright(front & (aside > 0.013)) < 0.9 * plain
    assert bright(back) < 0.5 * plain
