"""What lies around the crop."""

import numpy as np

from backend.tracking.crop import Crop
from backend.tracking.surround import WIDER, Surround, joined, wider
from shared.camera import Camera, portrait_intrinsics

SIZE = 512


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
