"""The 2D warp baseline, beside scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import PiecewiseAffineTransform
from skimage.transform import warp as skimage_warp

from backend.evaluation.warp import _border, warp

SIDE = 96


@pytest.fixture
def image() -> np.ndarray:
    """Smooth, so that the two programs' interpolations differ little."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [np.sin(6 * rows), np.cos(5 * columns), np.sin(4 * (rows + columns))]
    return ((np.stack(waves, axis=-1) + 1) * 127).astype(np.uint8)


@pytest.fixture
def landmarks() -> np.ndarray:
    return np.random.default_rng(0).uniform(30, 66, (40, 2))


def test_landmarks_that_stay_move_nothing(image: np.ndarray, landmarks: np.ndarray) -> None:
    np.testing.assert_array_equal(warp(image, landmarks, landmarks), image)


def test_moved_landmarks_move_the_picture_as_scikit_image_does(
    image: np.ndarray, landmarks: np.ndarray
) -> None:
    target = landmarks + np.random.default_rng(1).normal(0, 1.5, landmarks.shape)
    border = _border(SIDE, SIDE)
    transform = PiecewiseAffineTransform.from_estimate(
        np.concatenate([target, border]) - 0.5, np.concatenate([landmarks, border]) - 0.5
    )
    wanted = skimage_warp(image, transform, preserve_range=True, mode="edge")
    found = warp(image, landmarks, target)
    assert np.abs(found.astype(float) - wanted).mean() < 0.6
    assert np.abs(found.astype(float) - image).mean() > 1.0
