"""Holes are filled from what is known."""

from __future__ import annotations

import numpy as np

from backend.lifting.fill import extend_colours, nearest_fill, smooth_fill


def test_nearest_fill_equals_brute_force():
    rng = np.random.default_rng(0)
    values, known = rng.random((12, 15, 3)), rng.random((12, 15)) < 0.2
    filled = nearest_fill(values, known)
    np.testing.assert_array_equal(filled[known], values[known])
    places = np.argwhere(known)
    for row, column in np.argwhere(~known):
        gaps = np.linalg.norm(places - [row, column], axis=1)
        nearest = places[gaps == gaps.min()]
        assert any((filled[row, column] == values[tuple(p)]).all() for p in nearest)


def test_smooth_fill_keeps_what_is_known_and_stays_within_its_range():
    rng = np.random.default_rng(0)
    values, known = rng.random((40, 40)), np.zeros((40, 40), bool)
    known[10:14, 8:30] = True
    filled = smooth_fill(values, known)
    np.testing.assert_array_equal(filled[known], values[known])
    assert values[known].min() - 1e-6 <= filled.min() <= filled.max() <= values[known].max() + 1e-6


def test_colours_are_carried_over_what_shows_too_little_of_the_person():
    rgb = np.zeros((20, 20, 3))
    rgb[:, :8] = [0.8, 0.2, 0.1]
    matte = np.zeros((20, 20))
    matte[:, :6], matte[:, 6:8], matte[:, 8:10] = 1.0, 0.5, 0.2
    np.testing.assert_array_equal(
        extend_colours(rgb, matte), np.broadcast_to([0.8, 0.2, 0.1], rgb.shape)
    )


def test_between_two_sides_a_membrane_rises_evenly():
    values, known = np.zeros((60, 80)), np.zeros((60, 80), bool)
    known[:, :8] = known[:, 72:] = True
    values[:, 72:] = 1.0
    filled = smooth_fill(values, known)
    np.testing.assert_allclose(filled[30, 8:72], np.linspace(0, 1, 66)[1:-1], atol=0.03)
    assert np.abs(np.diff(filled[:, 7:73], n=2)).max() < 0.02, "no step anywhere"


def test_with_nothing_known_all_is_level():
    assert (smooth_fill(np.ones((9, 7)), np.zeros((9, 7), bool)) == 0).all()
