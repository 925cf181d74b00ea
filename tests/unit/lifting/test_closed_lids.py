"""What a portrait's closed eyes hide: no lashes on cheeks, a line of them on upper lids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.closed_lids import colour_closed_lids, hung_over
from backend.lifting.sampling import look_up
from backend.lifting.sites import Sites, regions_at, sites_of
from backend.lifting.view import View

_LID, _CHEEK = np.array([0.5, 0.4, 0.4]), np.array([0.7, 0.5, 0.4])


@pytest.fixture(scope="module")
def shut(portrait, pipeline) -> View:
    """The portrait, its left eye said to be closed."""
    return View(replace(portrait, closed_eyes=(True, False)), pipeline.head)


@pytest.fixture(scope="module")
def sites(shut, pipeline) -> Sites:
    return sites_of(shut, pipeline.model)[0]


def test_only_skin_around_the_closed_eye_is_hung_over(shut, sites) -> None:
    at = regions_at(shut, sites.vertices)
    hung = hung_over(shut, shut.camera.project(sites.positions), at)
    assert hung.sum() > 200
    assert (sites.rest[hung, 0] > 0).all(), "the subject's left"
    assert not hung[at["eyes"]].any()
    assert not shut.shapes.left_eye.any()
    assert shut.shapes.right_eye.any()


def test_long_lashes_below_a_closed_eye_are_hung_over_too(portrait, pipeline, shut, sites) -> None:
    """Strokes down from what lids hide, on plain skin; a mole below it and a brow above stay."""
    rows, columns = np.nonzero(shut.shapes.lashes)
    middle, bottom = int(columns.mean()), int(rows[columns == int(columns.mean())].max())
    at = regions_at(shut, sites.vertices)
    pixels = shut.camera.project(sites.positions)

    def hung(strokes: bool) -> np.ndarray:
        rgb = np.full_like(portrait.rgb, 0.6)
        rgb[bottom + 8 : bottom + 10, middle + 10 : middle + 12] = 0.1
        rgb[: rows.min()] = 0.1
        for aside in (-8, 0, 8) if strokes else ():
            rgb[bottom - 4 : bottom + 5, middle + aside : middle + aside + 2] = 0.1
        view = View(replace(portrait, rgb=rgb, closed_eyes=(True, False)), pipeline.head)
        return hung_over(view, pixels, at)

    plain, long = hung(strokes=False), hung(strokes=True)
    around = look_up(shut.shapes.lashes, pixels, False)
    np.testing.assert_array_equal(plain, (at["face"] | at["lids"]) & ~at["eyes"] & around)
    assert not (plain & ~long).any()
    more = pixels[long & ~plain]
    assert len(more) > 10
    assert (np.abs(more[:, 0] - middle) < 14).all()
    assert (more[:, 1] > rows.mean()).all()
    assert (more[:, 1] < bottom + 10).all()


def test_upper_lids_get_lashes_and_skin_below_them_none(shut, sites) -> None:
    at = regions_at(shut, sites.vertices)
    hung = hung_over(shut, shut.camera.project(sites.positions), at)
    upper = at["upper_lids"] & ~at["eyes"]
    colours = np.where(upper[:, None], _LID, _CHEEK)
    colours[hung] = 0.05  # mascara
    plain = at["face"] & ~at["lids"] & ~upper & ~hung
    colour_closed_lids(colours, ~hung, plain, sites, at, shut)
    np.testing.assert_allclose(
        colours[hung & ~upper], np.broadcast_to(_CHEEK, ((hung & ~upper).sum(), 3)), atol=1e-6
    )
    lids = colours[hung & upper] / _LID
    assert lids.min() < 0.6, "its lashes"
    assert np.median(lids) > 0.95, "its skin"
    edge = sites.rest[hung & upper][lids.mean(1) < 0.7]
    rest = shut.rest[0].numpy()[shut.head.regions["left_eyeball"].numpy()]
    assert edge[:, 1].mean() > rest[:, 1].mean(), "above the eye that it opens onto"
