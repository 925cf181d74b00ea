"""Cameras and expressions of made-up people."""

from __future__ import annotations

import numpy as np
import pytest

from backend.data.synthetic.pose import draw_camera, draw_track


def test_the_camera_turns_the_head_by_at_most_thirty_degrees_and_stays_rigid():
    rng = np.random.default_rng(0)
    for _ in range(200):
        view = draw_camera(rng, 64, portrait=False).viewmat
        np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.eye(3), atol=1e-12)
        assert np.linalg.det(view[:3, :3]) == pytest.approx(1)
        towards = -view[2, :3]  # from the head to the camera
        yaw = np.degrees(np.arctan2(towards[0], towards[2]))
        assert abs(yaw) < 35
        assert 1.65 < view[2, 3] < 2.05


def test_expressions_are_weights_and_nobody_sticks_out_their_tongue():
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [draw_track(rng, np.zeros(300), portrait=False).expression for _ in range(200)]
    )
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert not rows[:, 51:].any()
    assert (rows[:, :51] > 0).any(0).sum() > 35
