"""What other photos show: taken where the main one shows a site badly, else not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.colours import SEEN, Shown, SiteColours
from backend.lifting.hair import hair_over_face
from backend.lifting.other_photos import shown_by, with_others
from backend.lifting.sites import Sites, regions_at, sites_of
from backend.lifting.start import start
from backend.lifting.view import View


@pytest.fixture(scope="module")
def view(pipeline, portrait) -> View:
    return View(portrait, pipeline.head)


@pytest.fixture(scope="module")
def sites(view, pipeline) -> Sites:
    return sites_of(view, pipeline.model)[0]


@pytest.fixture(scope="module")
def at(view, sites) -> dict[str, np.ndarray]:
    return regions_at(view, sites.vertices)


@pytest.fixture(scope="module")
def main(view, sites) -> Shown:
    return SiteColours(view, hair_over_face(view, view.parts.worn)).shown(sites)


@pytest.fixture
def everywhere(main) -> Shown:
    """A photo that shows all sites as well as can be, in one colour; eyes and teeth too."""
    count = len(main.trust)
    colours = np.full((count, 3), 0.5, np.float32)
    return Shown(colours, np.ones(count), np.zeros(count, bool), np.ones(count))


@pytest.fixture
def alike(monkeypatch) -> None:
    """No balancing, so that colours can be told from each other."""
    monkeypatch.setattr("backend.lifting.other_photos.balanced", lambda other, *_: other)


def test_one_photo_alone_stays_what_it_is(main, sites, at):
    assert with_others(main, [], sites, at) is main


@pytest.mark.usefixtures("alike")
def test_what_the_main_photo_shows_plainly_stays_and_the_rest_is_the_others(
    main, everywhere, sites, at
):
    found = with_others(main, [everywhere], sites, at)
    inside = at["teeth"] | at["tongue"] | at["mouth_interior"]
    inside |= at["left_eyeball"] | at["right_eyeball"]
    plainly = (main.trust == 1) & (main.plain == 1) & ~inside
    assert plainly.sum() > 5000
    np.testing.assert_array_equal(found.colours[plainly], main.colours[plainly])
    hidden = (main.trust == 0) & ~inside
    np.testing.assert_allclose(found.colours[hidden], 0.5, atol=1e-6)
    assert (found.trust[hidden] == 1).all()
    between = (main.trust > 0) & ~plainly & ~inside
    low = np.minimum(main.colours, 0.5)[between]
    assert (found.colours[between] >= low - 1e-6).all(), "a mixture: no seam"


@pytest.mark.usefixtures("alike")
def test_of_several_others_the_best_view_counts(main, everywhere, sites, at):
    badly = replace(everywhere, colours=everywhere.colours * 0, plain=everywhere.plain * 0.4)
    found = with_others(main, [badly, everywhere], sites, at)
    ears = at["ears"] & (main.trust == 0)
    assert found.colours[ears].mean() > 0.48


@pytest.mark.usefixtures("alike")
def test_an_open_eye_stays_the_main_photos_and_a_closed_one_is_the_others(
    main, everywhere, sites, at
):
    closed = replace(main, trust=np.where(at["left_eyeball"], 0.0, main.trust))
    found = with_others(closed, [everywhere], sites, at)
    np.testing.assert_array_equal(found.colours[at["left_eyeball"]], np.float32(0.5))
    right = at["right_eyeball"]
    np.testing.assert_array_equal(found.colours[right], main.colours[right])
    np.testing.assert_array_equal(found.trust[right], main.trust[right])


@pytest.mark.usefixtures("alike")
def test_teeth_are_taken_from_a_smile_and_not_from_speech(main, everywhere, sites, at):
    none = replace(main, trust=np.where(at["teeth"], 0.0, main.trust))
    teeth = np.flatnonzero(at["teeth_upper"])
    trust = everywhere.trust.copy()
    trust[at["teeth"]] = 0
    trust[teeth[:40]] = 1
    found = with_others(none, [replace(everywhere, trust=trust)], sites, at)
    assert not (found.trust[at["teeth"]] > SEEN).any()
    trust[teeth[: len(teeth) // 2]] = 1
    found = with_others(none, [replace(everywhere, trust=trust)], sites, at)
    assert (found.trust[teeth] > SEEN).sum() == len(teeth) // 2


def test_of_another_photo_lids_of_open_eyes_and_the_rim_are_left_out(pipeline, portrait, at, main):
    shown = shown_by(View(portrait, pipeline.head), pipeline.model)
    assert not shown.trust[at["lids"] & ~at["left_eyeball"] & ~at["right_eyeball"]].any()
    assert not shown.trust[main.rim].any()
    assert (shown.trust[at["nose"]] > SEEN).mean() > 0.5


def test_the_photo_itself_as_another_changes_nothing_that_it_shows(pipeline, portrait, begun):
    alone = begun.personal
    view = View(portrait, pipeline.head)
    twice = start(view, pipeline.model, [view]).personal
    for one, two, shown in zip(alone.layers, twice.layers, alone.shown, strict=True):
        well = (shown > 0.95).numpy()
        assert one.features is not None
        assert two.features is not None
        away = (one.features - two.features).abs().numpy()[well]
        assert np.median(away) < 0.02
