"""Refined frames for any camera: a renderer that passes colours on gives the coarse ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from backend.avatar.refine import is_trained_framing, near_matte, refined
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera, portrait_intrinsics

SIZE = 128
ALPHA_MAX = 0.99


@pytest.fixture(scope="module")
def cloud() -> Gaussians:
    """A ball of coloured Gaussians of a head's size."""
    generator = torch.Generator().manual_seed(10)
    count = 3000
    direction = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=1)
    return Gaussians(
        means=direction * torch.tensor([0.08, 0.11, 0.09]),
        quats=torch.tensor([[1.0, 0, 0, 0]]).expand(count, 4).contiguous(),
        scales=torch.full((count, 3), 0.006),
        opacities=torch.full((count,), 0.9),
        features=(direction @ torch.randn(3, 5, generator=generator) * 0.2 + 0.5).clamp(0, 1),
        layers=torch.full((count,), FIRST_EXPRESSION_LAYER, dtype=torch.uint8),
    )


def camera(width: int, height: int, focal: float, shift=(0.0, 0.0), z: float = 1.8) -> Camera:
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[2, 3] = z
    k = np.array([[focal, 0, width / 2 + shift[0]], [0, focal, height / 2 + shift[1]], [0, 0, 1.0]])
    return Camera(view, k, width, height)


def passed_on(features: torch.Tensor) -> torch.Tensor:
    assert features.shape[1:] == (5, SIZE, SIZE), "always the trained framing"
    return features[:, :3]


def test_the_portraits_framing_is_drawn_directly(cloud):
    portrait = camera(SIZE, SIZE, 6 * SIZE)
    assert is_trained_framing(portrait, SIZE)
    assert np.allclose(portrait.K, portrait_intrinsics(SIZE))
    found = refined(passed_on, SIZE, cloud, portrait, ALPHA_MAX)
    expected = rasterise(cloud, portrait, alpha_max=ALPHA_MAX)
    torch.testing.assert_close(found.features, expected.features[..., :3])
    assert torch.equal(found.alpha, expected.alpha)
    assert torch.equal(found.depth, expected.depth)


@pytest.mark.parametrize(
    "view",
    [
        camera(320, 180, 700.0),
        camera(96, 160, 300.0, shift=(20.0, -30.0)),
        camera(200, 200, 900.0, shift=(-90.0, 60.0)),  # partly outside
        camera(160, 120, 150.0, z=0.9),
    ],
)
def test_another_cameras_frame_shows_the_head_where_the_splats_are(cloud, view):
    assert not is_trained_framing(view, SIZE)
    found = refined(passed_on, SIZE, cloud, view, ALPHA_MAX)
    expected = rasterise(cloud, view, alpha_max=ALPHA_MAX)
    assert found.features.shape == (view.height, view.width, 3)
    assert (expected.alpha > 0.5).float().mean() > 0.02
    assert (found.features - expected.features[..., :3]).abs().mean() < 0.01
    assert (found.alpha - expected.alpha).abs().mean() < 0.01
    solid = (found.alpha > 0.9) & (expected.alpha > 0.9)
    assert (found.depth - expected.depth)[solid].abs().max() < 0.05
    assert (found.depth - expected.depth)[solid].abs().mean() < 0.005


def test_nothing_is_painted_where_the_splats_are_not(cloud):
    def white(features: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(features[:, :3])

    found = refined(white, SIZE, cloud, camera(SIZE, SIZE, 6 * SIZE), ALPHA_MAX)
    assert (found.alpha == 0).any()
    assert torch.equal(found.features, found.alpha[..., None].expand(-1, -1, 3))


def test_a_head_outside_the_picture_or_behind_the_camera_is_an_empty_frame(cloud):
    for view in (camera(64, 64, 300.0, shift=(900.0, 0.0)), camera(64, 64, 300.0, z=-1.0)):
        found = refined(passed_on, SIZE, cloud, view, ALPHA_MAX)
        assert not found.alpha.any()
        assert not found.features.any()
        assert found.depth.shape == (64, 64)


def test_masked_gaussians_are_not_drawn(cloud):
    hidden = dataclasses.replace(cloud, opacities=torch.zeros(len(cloud)))
    view = camera(SIZE, SIZE, 6 * SIZE)
    assert not refined(passed_on, SIZE, hidden, view, ALPHA_MAX).alpha.any()


def test_cells_close_to_the_matte_stay_on_both_planes():
    matte = np.zeros((64, 64), np.float32)
    matte[24:40, 24:40] = 1
    kept = near_matte(matte, 16, cells=2).view(2, 16, 16)
    assert torch.equal(kept[0], kept[1])
    assert kept[0, 6:10, 6:10].all()
    assert int(kept[0].sum()) == 8 * 8  # four cells and two on each side
