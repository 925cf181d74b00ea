"""What lies around the crop: the person goes on beyond the picture's edge, and fades."""

import numpy as np

from backend.tracking.crop import Crop
from backend.tracking.surround import WIDER, gone_on, joined

SIZE = 512
INSIDE = np.zeros((SIZE, SIZE), bool)
INSIDE[:400] = True
ROW = np.arange(SIZE) / SIZE


def picture() -> tuple[np.ndarray, np.ndarray]:
    """A person 200 pixels wide who is cut by the picture's lower edge."""
    rgb = np.where(INSIDE[..., None], ROW[None, :, None], 0).repeat(3, -1).astype(np.float32)
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[100:400, 150:350] = 1
    return rgb, matte


def test_a_cut_person_goes_on_and_fades() -> None:
    rgb, matte = gone_on(*picture(), INSIDE, SIZE)
    below = matte[400:, 250]
    assert (below[:15] == 1).all(), "whole right below the edge"
    assert (np.diff(below) <= 0).all()
    assert below[-1] == 0, "and nothing far below it"
    np.testing.assert_allclose(rgb[405, 250], ROW[250], atol=0.02)
    np.testing.assert_array_equal(matte[:398], picture()[1][:398])
    assert not matte[:, :140].any(), "who is not cut at the side stays as wide"


def test_a_whole_picture_stays_as_it_is() -> None:
    rgb, matte = picture()
    same_rgb, same_matte = gone_on(rgb, matte, np.ones_like(INSIDE), SIZE)
    np.testing.assert_array_equal(same_rgb, rgb)
    np.testing.assert_array_equal(same_matte, matte)


def test_the_surround_has_the_crop_in_its_middle() -> None:
    window = Crop(10.0, 20.0, 100.0).widened(WIDER)
    assert (window.x, window.y, window.side) == (-40.0, -30.0, 100.0 * WIDER)
    inner, outer = np.ones((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
    both = joined(inner, outer)
    assert both[128:384, 128:384].all()
    assert both.sum() == 256**2
