"""Closed eyes are told from laughing ones."""

from __future__ import annotations

import numpy as np
import pytest

from backend.tracking.landmarks import closed_eyes


def eyes(left_open: float, right_open: float) -> np.ndarray:
    """[478, 2] with lids so far open, in an eye's width."""
    landmarks = np.zeros((478, 2))
    for share, lids in ((left_open, (386, 374, 362, 263)), (right_open, (159, 145, 133, 33))):
        landmarks[list(lids)] = [[20, -20 * share], [20, 20 * share], [0, 0], [40, 0]]
    return landmarks


@pytest.mark.parametrize(
    ("left_open", "down", "closed"),
    [  # a laugh, and looking down
        (0.3, 0.0, False),
        (0.12, 0.4, False),
        (0.17, 0.7, True),
        (0.05, 0.0, True),
        (0.3, 0.9, False),
    ],
)
def test_lids_that_hide_the_iris(left_open: float, down: float, closed: bool) -> None:
    scores = {"eyeLookDownLeft": down, "eyeLookDownRight": 0.0}
    assert closed_eyes(eyes(left_open, 0.3), scores) == (closed, False)


def test_landmarks_with_depth_count_the_same() -> None:
    flat = eyes(0.05, 0.05)
    deep = np.append(flat, np.full((478, 1), 9.0), axis=1)
    assert closed_eyes(deep, {}) == closed_eyes(flat, {}) == (True, True)
