"""Closed-form matting finds the mixture of two colours."""

import numpy as np

from backend.tracking.closed_form import closed_form

TRUTH = np.clip((np.arange(60)[None] - 20 + np.sin(np.arange(40) / 3)[:, None] * 4) / 15, 0, 1)
KNOWN = np.ones((40, 60), bool)
KNOWN[:, 12:48] = False


def mixed(own: np.ndarray, behind: np.ndarray) -> np.ndarray:
    return TRUTH[..., None] * own + (1 - TRUTH[..., None]) * behind


def test_a_mixture_of_two_colours_is_taken_apart():
    rgb = mixed(np.array([0.8, 0.6, 0.3]), np.array([0.1, 0.2, 0.7]))
    found = closed_form(rgb, np.where(KNOWN, TRUTH, 0.5), KNOWN)
    np.testing.assert_allclose(found, TRUTH, atol=0.02)
    assert found.dtype == np.float32


def test_slow_gradients_do_no_harm():
    slope = np.linspace(0, 0.2, 40)[:, None, None]
    rgb = mixed(np.array([0.8, 0.6, 0.3]) - slope, np.array([0.1, 0.2, 0.6]) + slope)
    found = closed_form(rgb, np.where(KNOWN, TRUTH, 0.5), KNOWN)
    assert np.abs(found - TRUTH).mean() < 0.03


def test_what_is_known_stays():
    known = np.ones((40, 60), bool)
    rgb = np.random.default_rng(0).random((40, 60, 3))
    np.testing.assert_array_equal(closed_form(rgb, TRUTH, known), TRUTH.astype(np.float32))
