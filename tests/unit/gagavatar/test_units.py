"""Cameras in GAGAvatar's units."""

from __future__ import annotations

import numpy as np

from backend.gagavatar.units import MODEL_UNITS_PER_M, camera_of
from tests.fakes import gagavatar_weights as gagavatar


def test_a_camera_projects_as_row_vectors_in_model_units_do():
    inputs = gagavatar.inputs()
    transform, points = inputs["t_transform"].astype(np.float64), inputs["t_points"][::50]
    x, y, z = (points @ transform[:, :3] + transform[:, 3]).T  # +X left, +Y up, +Z forward
    expected = np.stack([256 - 3072 * x / z, 256 - 3072 * y / z], axis=-1)
    found = camera_of(transform, 512).project(points / MODEL_UNITS_PER_M)
    np.testing.assert_allclose(found, expected, atol=1e-6)
