"""Looks and light of made-up people."""

from __future__ import annotations

import numpy as np
import pytest

from backend.data.synthetic.person import draw_light, draw_person


def test_lights_come_from_the_front_and_hardly_differ_in_strength():
    rng = np.random.default_rng(0)
    lights = [draw_light(rng) for _ in range(100)]
    for light in lights:
        assert np.linalg.norm(light.direction) == pytest.approx(1)
        assert light.direction[2] < 0  # OpenCV: the camera is at -z of the face
        assert 0.7 < float((light.key + light.ambient).mean()) < 1.3


def test_identities_are_spread_as_the_heads_components_are():
    rng = np.random.default_rng(0)
    betas = np.stack([draw_person(rng, 80).betas for _ in range(100)])
    assert 0.7 < betas[:, :80].std() < 0.9
    assert not betas[:, 80:].any()
