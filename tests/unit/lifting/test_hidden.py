"""What a portrait shows of a mouth's inside is kept, where it is what it seems."""

from __future__ import annotations

import numpy as np

from backend.lifting.colours import Shown
from backend.lifting.eyes import WHITES
from backend.lifting.hidden import TEETH, TONGUE, HiddenColours
from backend.lifting.sites import regions_at, sites_of
from backend.lifting.view import View


def test_a_tongue_is_one_whatever_teeth_and_lips_lie_before_it(portrait, pipeline) -> None:
    view = View(portrait, pipeline.head)
    sites, _ = sites_of(view, pipeline.model)
    tongue = regions_at(view, sites.vertices)["tongue"]
    count, left = len(sites.vertices), tongue & (sites.rest[:, 0] < 0)
    colours = np.random.default_rng(0).uniform(0.4, 0.6, (count, 3)).astype(np.float32)
    colours[tongue], colours[left] = np.array([0.5, 0.1, 0.1]), 0.95 * TEETH
    whole = np.ones(count, np.float32)
    shown = Shown(colours, whole, np.zeros(count, bool), whole)
    filled = HiddenColours(view).filled(shown, sites, np.zeros(count, bool))[tongue]
    hue = filled / filled.sum(1, keepdims=True)
    np.testing.assert_allclose(hue, np.tile(TONGUE / TONGUE.sum(), (len(hue), 1)), atol=0.08)


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
    tip = tongue & (ahead > ahead[tongue].max() - 0.004) & (aside < 0.008)
    middle = tongue & (np.abs(ahead - ahead[tongue].max() + 0.02) < 0.004) & (aside < 0.008)
    assert bright(tip) > 1.2 * bright(middle), "it comes out into the light"


def test_a_hidden_smile_is_bright_up_to_its_last_teeth(portrait, pipeline) -> None:
    """As smiling portraits show: .6 of the way to the corners four fifths as bright."""
    view = View(portrait, pipeline.head)
    sites, _ = sites_of(view, pipeline.model)
    at, count = regions_at(view, sites.vertices), len(sites.vertices)
    nothing = np.zeros(count, np.float32)
    shown = Shown(np.full((count, 3), 0.5, np.float32), nothing, nothing > 0, nothing)
    filled = HiddenColours(view).filled(shown, sites, nothing > 0)
    aside = np.abs(sites.rest[:, 0]) / np.abs(sites.rest[at["lips"], 0]).max()
    ahead = sites.rest[at["teeth_upper"], 2].max() - sites.rest[:, 2]
    edge = sites.rest[at["teeth_upper"], 1].min()
    crowns = at["teeth_upper"] & (sites.rest[:, 1] > edge + 0.002) & (ahead < 0.03)
    crowns &= sites.rest[:, 1] < edge + 0.007

    def bright(least: float, most: float) -> float:
        return float(np.median(filled[crowns & (aside > least) & (aside < most)].mean(1)))

    incisors = bright(0, 0.25)
    np.testing.assert_allclose(incisors, TEETH.mean(), rtol=0.12)
    assert 0.72 * incisors < bright(0.5, 0.7) < 0.95 * incisors
    assert bright(0.95, 2) < 0.5 * incisors, "beside them it is dark"


def test_what_blurs_between_hardly_parted_lips_is_no_tooth(portrait, pipeline) -> None:
    """Bright enough for one, but of the lips' hue: such teeth would be brown in a smile."""
    view = View(portrait, pipeline.head)
    sites, _ = sites_of(view, pipeline.model)
    at, count = regions_at(view, sites.vertices), len(sites.vertices)
    lips, blurred = np.array([0.66, 0.46, 0.44]), np.array([0.67, 0.51, 0.48])
    whole = np.ones(count, np.float32)
    edge, front = sites.rest[at["teeth_upper"]].min(0)[1], sites.rest[at["teeth_upper"]].max(0)[2]
    crowns = (
        at["teeth_upper"] & (sites.rest[:, 1] > edge + 0.002) & (sites.rest[:, 2] > front - 0.01)
    )
    crowns &= sites.rest[:, 1] < edge + 0.007

    def teeth(shown_there: np.ndarray) -> np.ndarray:
        """[3] what most of the upper incisors look like, in white light."""
        colours = np.tile(np.array([0.7, 0.55, 0.5], np.float32), (count, 1))
        colours[at["lips"]], colours[at["teeth"]], colours[at["eyes"]] = lips, shown_there, WHITES
        shown = Shown(colours, whole, np.zeros(count, bool), whole)
        filled = HiddenColours(view).filled(shown, sites, np.zeros(count, bool))
        return np.median(filled[crowns], axis=0)

    painted, own = teeth(blurred), teeth(0.95 * TEETH)
    hue = painted / painted.sum()
    np.testing.assert_allclose(hue, TEETH / TEETH.sum(), atol=0.02)
    assert np.abs(hue - blurred / blurred.sum()).max() > 0.02
    np.testing.assert_allclose(own, 0.95 * TEETH, rtol=0.01)
