"""Hidden skin is as grainy as the skin that shows beside it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from backend.lifting.parts import Parts
from backend.lifting.sites import Sites, facing_camera, regions_at, sites_of
from backend.lifting.skin_grain import skin_grain
from backend.lifting.view import View

NOWHERE = np.zeros((512, 512), bool)
CHANCE = np.random.default_rng(4).standard_normal((512, 512))


@pytest.fixture(scope="module")
def sites(portrait, pipeline) -> Sites:
    return sites_of(View(portrait, pipeline.head), pipeline.model)[0]


@pytest.fixture(scope="module")
def well(portrait, pipeline, sites) -> np.ndarray:
    camera = View(portrait, pipeline.head).camera
    return (facing_camera(sites, camera) > 0.7).astype(float)


def of_skin(portrait, pipeline, logarithms: np.ndarray) -> View:
    """Nothing but skin, whose brightness has these logarithms [512, 512]."""
    rgb = np.broadcast_to((0.4 * np.exp(logarithms))[..., None], (512, 512, 3)).astype(np.float32)
    view = View(replace(portrait, rgb=rgb, matte=np.ones((512, 512), np.float32)), pipeline.head)
    view.parts = Parts(NOWHERE, NOWHERE)
    return view


def hidden(view: View, sites: Sites, well: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """[M] bool: such sites that the photo does not show."""
    at = regions_at(view, sites.vertices)
    return np.any([at[name] for name in names], axis=0) & (well == 0) & ~at["lips"] & ~at["ears"]


def test_as_strong_as_what_shows_and_neither_lighter_nor_darker(portrait, pipeline, sites, well):
    spread = {}
    for strength in (0.05, 0.15):
        view = of_skin(portrait, pipeline, strength * CHANCE)
        found = np.log(skin_grain(view, sites, well, NOWHERE)[:, 0])
        side = found[hidden(view, sites, well, ("jaw", "face_sides"))]
        assert len(side) > 1000
        assert abs(side.mean()) < 0.1 * side.std()
        spread[strength] = side.std()
    assert spread[0.15] == pytest.approx(3 * spread[0.05], rel=0.1)
    assert 0.05 * 0.05 < spread[0.05] < 0.05, "most of such noise is finer than splats"


def test_a_beard_goes_on_beside_itself_and_not_on_the_forehead(portrait, pipeline, sites, well):
    chin = portrait.landmarks[:, 1].mean()
    strength = np.where(np.arange(512) > chin, 0.2, 0.01)[:, None]
    view = of_skin(portrait, pipeline, strength * CHANCE)
    found = np.log(skin_grain(view, sites, well, NOWHERE)[:, 0])
    at = hidden(view, sites, well, ("jaw",))
    assert found[at].std() > 5 * found[hidden(view, sites, well, ("forehead",))].std()


def test_lines_and_smooth_skin_are_no_grain(portrait, pipeline, sites, well):
    plain = of_skin(portrait, pipeline, np.zeros((512, 512)))
    np.testing.assert_allclose(skin_grain(plain, sites, well, NOWHERE), 1, atol=1e-6)
    lines = np.where(np.arange(512) % 60 < 2, -0.5, 0.0) * np.ones((512, 1))
    noisy = CHANCE * in_bands(lines).std() / in_bands(CHANCE).std()
    found = [
        np.log(skin_grain(of_skin(portrait, pipeline, logs), sites, well, NOWHERE)).std()
        for logs in (lines, noisy)
    ]
    assert found[0] < 0.8 * found[1]


def in_bands(logarithms: np.ndarray) -> np.ndarray:
    return gaussian_filter(logarithms, 1.5) - gaussian_filter(logarithms, 6.0)


def test_only_bare_skin_has_it(portrait, pipeline, sites, well):
    view = of_skin(portrait, pipeline, 0.1 * CHANCE)
    at, found = regions_at(view, sites.vertices), skin_grain(view, sites, well, NOWHERE)[:, 0]
    for name in ("scalp", "lips", "lids", "teeth", "eyes"):
        assert (found[at[name]] == 1).all(), name
    everywhere = ~NOWHERE
    assert (skin_grain(view, sites, well, everywhere) == 1).all(), "hair hides the face"
