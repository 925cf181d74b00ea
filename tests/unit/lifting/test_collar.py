"""Skin of the neck does not show over clothes."""

import numpy as np
import pytest

from backend.lifting.collar import clothed
from backend.lifting.sites import Sites
from backend.lifting.skin import unlike_skin
from backend.lifting.view import View


@pytest.fixture(scope="module")
def view(portrait, pipeline) -> View:
    return View(portrait, pipeline.head)


@pytest.fixture(scope="module")
def sites(view) -> Sites:
    vertices = view.vertices[0].numpy()
    normals = view.head.normals(view.vertices)[0].numpy()
    return Sites(vertices, normals, view.rest[0].numpy(), np.arange(len(vertices)))


def painted(view: View, sites: Sites, collar_m: float) -> np.ndarray:
    """[H, W] bool: clothes wherever the fitted mesh is lower than the collar."""
    corners = sites.rest[view.faces[view.visible.face], 1]
    height = (corners * view.visible.barycentric).sum(-1)
    return (view.visible.face >= 0) & (height < collar_m)


@pytest.mark.parametrize("below_jaw_m", [0.02, 0.03])
def test_the_neck_ends_at_the_collar_all_around(view, sites, below_jaw_m: float) -> None:
    jaw = sites.rest[view.regions["jaw"], 1].min()
    collar = jaw - below_jaw_m
    pixels = view.camera.project(sites.positions)
    found = clothed(view, sites, pixels, painted(view, sites, collar))
    neck = view.regions["neck"]
    assert not found[~neck].any()
    clear = np.abs(sites.rest[:, 1] - collar) > 0.005
    np.testing.assert_array_equal(found[neck & clear], (sites.rest[:, 1] < collar)[neck & clear])


def test_a_shadow_below_the_jaw_is_no_collar(view, sites) -> None:
    pixels = view.camera.project(sites.positions)
    found = clothed(view, sites, pixels, np.ones_like(view.matte, bool))
    jaw = sites.rest[view.regions["jaw"], 1].min()
    assert found.any()
    assert sites.rest[found, 1].max() < jaw - 0.01


def test_the_astronaut_s_suit_is_not_skin_and_her_face_is(view) -> None:
    unlike = unlike_skin(view)
    assert unlike[view.shows("cheeks")].mean() < 0.1
    assert unlike[-40:, 200:300].mean() > 0.8, "the suit"
