"""Colours are taken out of the picture."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from backend.lifting.sampling import between, look_up, sample


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


def test_means_lie_between_their_neighbours():
    steps = np.linspace(-0.1, 0.1, 21)
    places = np.stack([*(g.ravel() for g in np.meshgrid(steps, steps)), np.zeros(441)], -1)
    values = places[:, :2] * 4
    inner = places[np.abs(places).max(1) < 0.09]
    found = between(places, values, inner + (0.002, 0.003, 0), 4)
    np.testing.assert_allclose(found, inner[:, :2] * 4 + (0.008, 0.012), atol=0.012)
    np.testing.assert_allclose(between(places, values, places, 4), values, atol=2e-3)
