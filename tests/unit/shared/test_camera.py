"""Pixels and places are told from each other both ways."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from shared.camera import Camera, portrait_intrinsics


def test_places_come_back_from_their_pixels_and_depths() -> None:
    viewmat = np.eye(4)
    viewmat[:3, :3] = Rotation.from_euler("xyz", [170, 20, -5], degrees=True).as_matrix()
    viewmat[:3, 3] = [0.02, -0.03, 1.8]
    camera = Camera(viewmat, portrait_intrinsics(512), 512, 512)
    places = np.random.default_rng(0).uniform(-0.1, 0.1, (50, 3))
    depth = places @ viewmat[2, :3] + viewmat[2, 3]
    np.testing.assert_allclose(camera.depth(places), depth)
    np.testing.assert_allclose(camera.unproject(camera.project(places), depth), places, atol=1e-12)
    assert camera.unproject(np.zeros((0, 2)), np.zeros(0)).shape == (0, 3)
