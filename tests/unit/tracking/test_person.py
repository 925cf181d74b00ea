"""Alpha counts where it cuts somebody out; who touches the person is cut off."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.tracking.crop import PORTRAIT_PX
from backend.tracking.landmarks import INNER
from backend.tracking.matte import Matter
from backend.tracking.portrait import Portrait
from shared.progress import silent
from tests.unit.tracking.pictures import encoded, in_picture, opened, rotated_file, with_alpha


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> Image.Image:
    return opened(astronaut)


@pytest.fixture(scope="module")
def cut_out(picture: Image.Image) -> np.ndarray:
    """[512, 512] uint8: the head and what is above the elbows, as somebody cut them out."""
    with Matter() as matter:
        alpha = (matter.matte(np.asarray(picture)) * 255).astype(np.uint8)
    alpha[300:] = 0
    return alpha


@pytest.fixture(scope="module")
def cut(tracker, picture, cut_out) -> Portrait:
    return tracker.portrait(encoded(with_alpha(picture, cut_out), "PNG"), None, silent)


def test_a_cut_outs_own_alpha_is_the_matte(cut, cut_out):
    expected = cut.crop.apply(cut_out.astype(np.float32) / 255).clip(0, 1)
    expected *= cut.crop.inside(512, 512)
    np.testing.assert_allclose(cut.matte, expected, atol=0.01)


def test_alpha_of_a_cut_out_turned_by_exif_is_the_matte_too(tracker, picture, cut_out, cut):
    turned = tracker.portrait(rotated_file(with_alpha(picture, cut_out), "PNG", 6), None, silent)
    np.testing.assert_allclose(turned.matte, cut.matte, atol=0.01)


def test_a_cut_out_who_is_evenly_see_through_counts_as_whole(tracker, picture, cut_out, cut):
    pale = tracker.portrait(encoded(with_alpha(picture, cut_out // 3 * 2), "PNG"), None, silent)
    np.testing.assert_allclose(pale.matte, cut.matte, atol=0.02)


def rounded(radius: int) -> np.ndarray:
    """[512, 512] uint8: clear corners of this radius; 256 is a round picture."""
    alpha = np.zeros((512, 512), np.uint8)
    middle = 511 - 2 * radius
    for corner in ((radius, radius), (radius + middle, radius + middle)):
        for other in ((radius, radius), (radius + middle, radius + middle)):
            cv2.circle(alpha, (corner[0], other[1]), radius, 255, -1)
    alpha[radius : radius + middle] = 255
    alpha[:, radius : radius + middle] = 255
    return alpha


def nearly_whole() -> np.ndarray:
    alpha = np.full((512, 512), 255, np.uint8)
    alpha[3, 5] = 0
    return alpha


@pytest.mark.parametrize(
    "alpha",
    [rounded(256), rounded(60), np.full((512, 512), 254, np.uint8), nearly_whole()],
    ids=["round", "rounded corners", "254", "one clear pixel"],
)
def test_alpha_that_leaves_the_background_is_no_matte(tracker, picture, portrait, alpha):
    found = tracker.portrait(encoded(with_alpha(picture, alpha), "PNG"), None, silent)
    assert np.abs(found.matte - portrait.matte).mean() < 0.002
    assert found.matte.mean() == pytest.approx(portrait.matte.mean(), abs=0.002)
    np.testing.assert_allclose(found.rgb, portrait.rgb, atol=0.01)


def test_who_touches_the_person_is_cut_off_and_noted(tracker, picture, portrait, cut_out):
    both = picture.copy()
    both.paste(picture, (110, 10), Image.fromarray(cut_out))
    found = tracker.portrait(encoded(both, "PNG"), 1, silent)
    theirs = found.crop.points(in_picture(portrait) + [110, 10]).round().astype(int)
    theirs = theirs[(theirs < PORTRAIT_PX).all(1)]
    assert len(theirs) > 100, "the other face is in the crop"
    assert not found.matte[theirs[:, 1], theirs[:, 0]].any()
    own = found.landmarks[INNER].astype(int)
    assert (found.matte[own[:, 1], own[:, 0]] > 0.95).mean() > 0.95, "she stands behind"
    assert ["Somebody else touches" in note for note in found.notes] == [True]
    assert not portrait.notes
