"""Mattes are judged by portraits before an even background."""

import cv2
import numpy as np
import pytest

from backend.evaluation.mattes import reference, score

SIZE = 256
INSIDE = np.ones((SIZE, SIZE), bool)


def truth() -> np.ndarray:
    """A head with a soft outline on shoulders."""
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(matte, (128, 120), (50, 70), 0, 0, 360, 1, -1)
    cv2.rectangle(matte, (60, 180), (196, 256), 1, -1)
    return cv2.GaussianBlur(matte, (0, 0), 2)


def picture(noise: float = 0.005) -> np.ndarray:
    own = np.full((SIZE, SIZE, 3), [0.6, 0.4, 0.25])
    behind = np.array([0.2, 0.3, 0.8]) + np.linspace(0, 0.1, SIZE)[:, None, None]
    share = truth()[..., None]
    rgb = share * own + (1 - share) * behind
    return np.clip(rgb + np.random.default_rng(0).normal(0, noise, rgb.shape), 0, 1)


def test_the_colours_tell_the_matte():
    found = reference(picture(), INSIDE)
    assert found is not None
    told = found.told
    assert told.mean() > 0.8
    assert np.abs(found.matte - truth())[told].mean() < 0.01
    perfect = score(found.matte, found)
    assert (perfect.sad, perfect.sad_band, perfect.gradient) == (0, 0, 0)


def test_a_worse_matte_has_larger_errors():
    found = reference(picture(), INSIDE)
    assert found is not None
    close, coarse = (score((truth() > at).astype(np.float32), found) for at in (0.5, 0.01))
    assert 0 < close.sad < coarse.sad
    assert close.gradient > 0
    assert coarse.sad_band == pytest.approx(coarse.sad, rel=0.1)


def test_a_busy_background_tells_nothing():
    rgb = np.random.default_rng(0).random((SIZE, SIZE, 3))
    assert reference(rgb, INSIDE) is None
