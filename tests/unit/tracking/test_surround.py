"""What lies around the crop: the person goes on beyond the picture's edge, and fades."""

import numpy as np

from backend.tracking.crop import Crop
from backend.tracking.surround import WIDER, Surround, gone_on, joined, wider
from shared.camera import Camera, portrait_intrinsics

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


def test_around_the_crop_is_what_its_wider_camera_sees() -> None:
    """One white dot in the crop, one beside it: both where the camera puts them."""
    camera = Camera(np.diag([1.0, -1, -1, 1]), portrait_intrinsics(SIZE), SIZE, SIZE)
    camera.viewmat[2, 3] = 2.0
    around = wider(camera)
    assert (around.width, around.height) == (1024, 1024)
    dots = np.array([[0.05, 0.02, 0.0], [0.2, -0.1, 0.0]])
    crop, outside = np.zeros((SIZE, SIZE, 4), np.float32), np.zeros((SIZE, SIZE), np.float32)
    column, row = camera.project(dots[0]).astype(int)
    crop[row, column] = 1
    column, row = (around.project(dots[1]) / WIDER).astype(int)
    outside[row, column] = 1
    whole = Surround(outside[..., None].repeat(3, -1), outside).around(crop)
    assert whole.shape == (1024, 1024, 4)
    for dot, reach in zip(dots, (1, 2), strict=True):
        column, row = around.project(dot).astype(int)
        near = whole[row - reach : row + reach + 1, column - reach : column + reach + 1]
        assert near.max() > 0.5
    assert 0 <= whole.min() <= whole.max() <= 1
