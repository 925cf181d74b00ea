"""Crops that stay, landmarks beside the picture."""

from __future__ import annotations

import numpy as np
import pytest

from backend.data.prepare.clip import _outside, _steady
from backend.tracking.crop import Crop


def test_a_crop_stays_until_the_head_has_moved_a_tenth_of_it() -> None:
    first = Crop(10, 20, 200)
    assert _steady(None, first) == first
    assert _steady(first, Crop(25, 20, 200)) == first
    assert _steady(first, Crop(35, 20, 200)) == Crop(35, 20, 200)
    assert _steady(first, Crop(10, 20, 240)) == Crop(10, 20, 240)


def test_landmarks_beside_the_picture_are_counted() -> None:
    inside = np.ones((512, 512), bool)
    inside[:, 400:] = False
    landmarks = np.full((478, 2), 200.0)
    assert _outside(landmarks, inside) == 0
    landmarks[:117, 0] = 450
    landmarks[117:234, 1] = -3
    assert _outside(landmarks, inside) == pytest.approx(0.5)
