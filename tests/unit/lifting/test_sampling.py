"""Colours are taken out of the picture."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from backend.lifting.sampling import look_up, sample


def test_samples_are_bilinear_between_pixel_centres():
    rng = np.random.default_rng(0)
    image, pixels = rng.random((20, 30, 2)), rng.uniform(1, 19, (50, 2))
    rows_columns = (pixels - 0.5)[:, ::-1].T
    expected = np.stack(
        [map_coordinates(image[..., c], rows_columns, order=1) for c in range(2)], axis=-1
    )
    np.testing.assert_allclose(sample(image, pixels), expected, atol=1e-9)


def test_samples_beyond_the_picture_take_its_border():
    image = np.arange(12.0).reshape(3, 4, 1)
    found = sample(image, np.array([[-50.0, -50], [99, 99], [0.5, 2.5]]))
    np.testing.assert_allclose(found[:, 0], [0, 11, 8], atol=0.01)


def test_look_ups_take_the_pixel_and_say_so_outside():
    image = np.arange(12.0).reshape(3, 4)
    pixels = np.array([[0.1, 0.9], [3.9, 2.9], [4.0, 1.0], [1.0, -0.1], [np.float64(1e6), 0]])
    np.testing.assert_array_equal(look_up(image, pixels, -1.0), [0, 11, -1, -1, -1])
