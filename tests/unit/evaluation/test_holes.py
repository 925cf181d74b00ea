"""Holes are what an outline encloses, not what lies beside it."""

from __future__ import annotations

import numpy as np
import pytest

from backend.evaluation.holes import holes


def test_a_window_counts_and_a_bay_does_not() -> None:
    alpha = np.zeros((40, 40))
    alpha[10:30, 10:30] = 1.0
    assert holes(alpha) == 0
    alpha[15:20, 26:30] = 0.0  # open to the right
    assert holes(alpha) == 0
    alpha[12:16, 12:17] = 0.2
    assert holes(alpha) == pytest.approx(100 * 20 / (400 - 20))


def test_nothing_shown_has_no_holes() -> None:
    assert holes(np.zeros((8, 8))) == 0
