"""Noise on a head."""

from __future__ import annotations

import numpy as np
import pytest

from backend.data.synthetic.noise import Noise


def test_noise_has_no_mean_and_unit_spread():
    field = Noise.draw(np.random.default_rng(3), 0.01)
    values = field(np.random.default_rng(4).uniform(-1, 1, (20000, 3)))
    assert abs(float(values.mean())) < 0.05
    assert float(values.std()) == pytest.approx(1, abs=0.05)
