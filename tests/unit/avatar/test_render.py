"""Gaussians to a picture: sizes, depths, eight bits, and cameras that see nothing."""

from __future__ import annotations

import numpy as np
import torch

from backend.avatar.render import Frame
from shared.camera import Camera


def test_a_camera_that_looks_away_sees_nothing(pipeline, avatar):
    away = avatar.camera.viewmat.copy()
    away[:3] = np.diag([-1.0, 1, -1]) @ away[:3]  # turned about: everything lies behind
    cloud = pipeline.drive(avatar, avatar.source)
    beside = avatar.camera.viewmat.copy()
    beside[0, 3] += 5.0
    for viewmat in (away, beside):
        shown = pipeline.render(cloud, Camera(viewmat, avatar.camera.K, 320, 200))
        assert shown.rgb.shape == (200, 320, 3)
        for picture in (shown.rgb, shown.alpha, shown.depth):
            assert not picture.any()


def test_a_cloud_without_gaussians_renders_empty(pipeline, avatar):
    cloud = pipeline.drive(avatar, avatar.source)
    shown = pipeline.render(cloud.select(torch.zeros(len(cloud), dtype=torch.bool)), avatar.camera)
    assert not shown.alpha.any()


def test_a_picture_has_the_cameras_size_and_depths_of_the_head(pipeline, avatar):
    camera = avatar.camera.resized(128, 128)
    shown = pipeline.render(pipeline.drive(avatar, avatar.source), camera)
    assert shown.rgb.shape == (128, 128, 3)
    assert shown.rgb.dtype == shown.alpha.dtype == shown.depth.dtype == np.float32
    covered = shown.alpha > 0.95
    distance = camera.viewmat[2, 3]
    assert abs(np.median(shown.depth[covered]) - distance) < 0.15
    assert (shown.rgb <= shown.alpha[..., None] + 1e-3).all(), "premultiplied"


def test_eight_bits_are_straight_alpha():
    rgb = np.array([[[0.2, 0.1, 0.0], [0.0, 0.0, 0.0], [0.5, 0.25, 1.0]]], np.float32)
    alpha = np.array([[0.5, 0.0, 1.0]], np.float32)
    found = Frame(rgb, alpha, np.zeros_like(alpha)).rgba8()
    expected = [[[102, 51, 0, 128], [0, 0, 0, 0], [128, 64, 255, 255]]]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8
