"""Skin of the neck does not show over clothes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.lifting.collar import clothed, neckwear
from backend.lifting.hair_grain import HairGrain
from backend.lifting.layers import starting_layers
from backend.lifting.parts import Parts
from backend.lifting.polygons import dilate
from backend.lifting.sampling import look_up
from backend.lifting.sites import Sites, shown_sites
from backend.lifting.view import View

UNDER_M = 0.016
"""So far, at most, a neck goes on under its collar."""


@pytest.fixture(scope="module")
def view(portrait, pipeline) -> View:
    return View(portrait, pipeline.head)


@pytest.fixture(scope="module")
def sites(view) -> Sites:
    vertices = view.vertices[0].numpy()
    normals = view.head.normals(view.vertices)[0].numpy()
    return Sites(vertices, normals, view.rest[0].numpy(), np.arange(len(vertices)))


def wearing(view: View, clothes: np.ndarray) -> View:
    """The same view, where the portrait shows clothes [H, W] and no hair."""
    worn = View(view.portrait, view.head)
    worn.parts = Parts(np.zeros_like(clothes), clothes)
    return worn


def painted(view: View, sites: Sites, collar_m: float) -> np.ndarray:
    """[H, W] bool: wherever the fitted mesh is lower than the collar."""
    corners = sites.rest[view.faces[view.visible.face], 1]
    height = (corners * view.visible.barycentric).sum(-1)
    return (view.visible.face >= 0) & (height < collar_m)


@pytest.mark.parametrize("below_jaw_m", [0.02, 0.03])
def test_the_neck_ends_at_the_collar_all_around(view, sites, below_jaw_m: float) -> None:
    jaw = sites.rest[view.regions["jaw"], 1].min()
    collar = jaw - below_jaw_m
    pixels = view.camera.project(sites.positions)
    found = clothed(wearing(view, painted(view, sites, collar)), sites, pixels)
    neck = view.regions["neck"]
    assert not found[~neck].any()
    above_m = sites.rest[:, 1] - collar
    clear = (above_m > 0.005) | (above_m < -UNDER_M)
    np.testing.assert_array_equal(found[neck & clear], (sites.rest[:, 1] < collar)[neck & clear])


def test_a_throat_shows_between_the_ends_of_a_collar(view, sites) -> None:
    """A collar is open in front: as the head looks up, there must not be a hole."""
    collar = sites.rest[view.regions["jaw"], 1].min() - 0.02
    pixels = view.camera.project(sites.positions)
    chin = view.portrait.landmarks[152]
    rows, columns = np.indices(view.matte.shape)
    deep_px = 0.02 * view.camera.K[0, 0] / view.camera.viewmat[2, 3]
    down = rows - chin[1]
    gap = (np.abs(columns - chin[0]) < 0.7 * (2 * deep_px - down)) & (down < 2 * deep_px)
    closed, opened = painted(view, sites, collar), painted(view, sites, collar) & ~gap
    front = view.regions["neck"] & look_up(closed & gap, pixels, False)
    front &= (view.head.normals(view.vertices)[0].numpy()[:, 2] > 0.3) & (
        view.camera.depth(sites.positions) < look_up(view.visible.depth, pixels, 0.0) + 0.002
    )
    assert front.sum() > 5
    hidden = clothed(wearing(view, closed), sites, pixels)[front]
    assert hidden.any()
    assert not clothed(wearing(view, opened), sites, pixels)[front].any()


def test_a_shadow_below_the_jaw_is_no_collar(view, sites) -> None:
    pixels = view.camera.project(sites.positions)
    found = clothed(wearing(view, np.ones_like(view.matte, bool)), sites, pixels)
    jaw = sites.rest[view.regions["jaw"], 1].min()
    seen = shown_sites(view, sites, pixels, 0.004, 0.2)
    assert (found & seen).any()
    assert sites.rest[found & seen, 1].max() < jaw - 0.01
    assert sites.rest[found, 1].max() < jaw


def test_a_neck_ends_higher_where_its_collar_is_higher(view, sites) -> None:
    """As collars are at the sides; as the head moves aside, no skin shows over the shoulder."""
    pixels, height = view.camera.project(sites.positions), sites.rest[:, 1]
    jaw = height[view.regions["jaw"]].min()
    low, high = painted(view, sites, jaw - 0.03), painted(view, sites, jaw - 0.005)
    columns = np.nonzero(view.shows("neck"))[1]
    rim = np.arange(view.matte.shape[1]) < np.quantile(columns, 0.3)
    found = clothed(wearing(view, np.where(rim, high, low)), sites, pixels)
    hidden = view.regions["neck"] & ~shown_sites(view, sites, pixels, 0.004, 0.2)
    between = hidden & (height > jaw - 0.036) & (height < jaw - 0.02)  # vertices lie 5 mm apart
    beside = pixels[:, 0] < np.median(columns)
    there, elsewhere = between & beside, between & ~beside
    assert min(there.sum(), elsewhere.sum()) > 5
    assert found[there].mean() > 0.9
    assert not clothed(wearing(view, low), sites, pixels)[between].any()
    assert found[elsewhere].mean() < 0.2


def test_a_neck_leans_forward_within_its_collar(view, begun, pipeline) -> None:
    """By as much as heads of people who talk come forward."""
    grid, config = pipeline.model.config.grid, pipeline.model.config
    towards = torch.sigmoid(begun.personal.identity.offset[0]).view(grid, grid)
    sheet_m = config.plane_offset_m * towards.numpy()  # before the plane through the head's origin
    collar = neckwear(view)[1::2, 1::2]  # two pixels a cell
    neck_m = (view.camera.viewmat[2, 3] - view.visible.depth)[1::2, 1::2]
    before = collar & (neck_m > 0)  # no sheet lies behind its plane
    assert before.sum() > 100
    assert np.quantile((sheet_m - neck_m)[before], 0.1) > 0.009


def repainted(portrait, pipeline, where: np.ndarray, colour: np.ndarray) -> View:
    """The portrait with other colours on some of its neck [H, W]."""
    return View(
        replace(portrait, rgb=np.where(where[..., None], colour, portrait.rgb)), pipeline.head
    )


def test_a_collar_goes_on_beside_the_neck_and_has_no_islands(view) -> None:
    neck = view.shows("neck")
    worn = neckwear(wearing(view, neck | (view.visible.face < 0)))
    np.testing.assert_array_equal(worn, neck)
    island = neck & dilate(neck & dilate(view.shows("chin"), 10), 1)
    assert island.sum() > 50
    assert not neckwear(wearing(view, island)).any()


def test_a_neck_under_a_collar_has_the_necks_colour(portrait, view, pipeline) -> None:
    """It shows beside the collar as the head turns."""
    neck = view.shows("neck")
    white = repainted(portrait, pipeline, neck, np.array([0.95, 0.95, 0.97]))
    white = wearing(white, neck | (view.visible.face < 0))
    layers = starting_layers(white, pipeline.model, np.zeros_like(neck), HairGrain(white))
    own = view.regions["neck"] & look_up(neck, view.camera.project(view.vertices[0].numpy()), False)
    colours = layers.vertices[own]
    assert len(colours) > 20
    assert np.median(colours[:, 2]) < 0.8, "no white"
    assert np.median(colours[:, 0]) > np.median(colours[:, 2]) + 0.05, "skin is redder than blue"
