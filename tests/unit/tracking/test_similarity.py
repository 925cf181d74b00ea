"""Similarities between points of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from backend.tracking.similarity import moved, similarity


def test_similarity_equals_scikit_images() -> None:
    rng = np.random.default_rng(0)
    points, onto = rng.random((5, 2)) * 100, rng.random((5, 2)) * 100
    expected = SimilarityTransform.from_estimate(points, onto).params
    assert similarity(points, onto) == pytest.approx(expected[:2], abs=1e-9)


def test_moved_is_the_map_of_every_point() -> None:
    points = np.array([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_allclose(moved(similarity(points, 2 * points + 1), points), 2 * points + 1)
