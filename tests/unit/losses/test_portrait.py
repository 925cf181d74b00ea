"""Losses against scikit-image, brute force and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from backend.losses import PointLosses, image_loss, ssim
from backend.splat.rasterise import Raster


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ssim_equals_scikit_images(dtype):
    target = noise(36, 44, 3).to(dtype)
    image = (target + 0.1 * noise(36, 44, 3, seed=1).to(dtype)).clamp(0, 1)
    expected = structural_similarity(
        image.double().numpy(), target.double().numpy(), channel_axis=-1, data_range=1,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert float(ssim(image, target)) == pytest.approx(expected, abs=1e-6)


def test_the_gradient_of_ssim_equals_finite_differences():
    image, target = noise(13, 14, 3).requires_grad_(True), noise(13, 14, 3, seed=1)
    assert torch.autograd.gradcheck(lambda x: ssim(x, target), (image,), atol=1e-6)


def test_the_gradient_of_ssim_by_the_target_is_not_taken():
    image, target = noise(13, 14, 3), noise(13, 14, 3, seed=1)
    image.requires_grad_(True)
    ssim(image, target).backward()
    assert image.grad is not None


def raster(features: torch.Tensor, alpha: torch.Tensor) -> Raster:
    return Raster(features, alpha, torch.zeros_like(alpha))


@pytest.mark.parametrize("background", [0.0, 0.6])
def test_the_image_loss_adds_its_three_parts(background):
    image, alpha = noise(20, 20, 3), noise(20, 20, seed=1).clamp(min=0.05)
    shown, opacity = noise(20, 20, 5, seed=2), noise(20, 20, seed=3)
    a = (shown[..., :3] + (1 - opacity[..., None]) * background).numpy()
    b = (image + (1 - alpha[..., None]) * background).numpy()
    similar: float = structural_similarity(  # type: ignore[assignment]
        a, b, channel_axis=-1, data_range=1,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    expected = 0.8 * np.abs(a - b).mean() + 0.2 * (1 - similar)
    expected += 0.2 * float((opacity - alpha).abs().mean())
    found = image_loss(raster(shown, opacity), image, alpha, background)
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_the_image_loss_of_the_target_itself_is_nothing():
    image, alpha = noise(20, 20, 3), torch.ones(20, 20, dtype=torch.float64)
    assert float(image_loss(raster(image, alpha), image, alpha, 0.3)) == pytest.approx(0, abs=1e-9)


def test_what_shows_beside_the_person_costs_more_than_a_hole_in_it():
    spilled, missing = torch.zeros(20, 20), torch.ones(20, 20)
    spilled[5, 5], missing[5, 5] = 1.0, 0.0
    black = torch.zeros(20, 20, 3)
    beside = image_loss(raster(black, spilled), black, torch.zeros(20, 20), 0.0)
    inside = image_loss(raster(black, missing), black, torch.ones(20, 20), 0.0)
    assert float(beside) > float(inside) > 0


def test_another_background_tells_a_transparent_edge_from_a_dark_one():
    image, alpha = torch.zeros(20, 20, 3), torch.zeros(20, 20)
    dark = raster(torch.zeros(20, 20, 3), torch.ones(20, 20))
    assert float(image_loss(dark, image, alpha, 0.9)) > float(image_loss(dark, image, alpha, 0.0))


def brute(identity, split, vertices, still) -> float:
    """The paper's units are 0.2 m, so that squares count 25 times."""

    def chamfer(queries, points):
        gaps = ((queries[:, None] - points[None]) ** 2).sum(-1)
        return gaps.min(1).values.mean()

    return float(25 * (chamfer(vertices[still], identity) + 0.5 * chamfer(vertices, split)))


def test_point_losses_equal_brute_force():
    identity, split, vertices = noise(40, 3), noise(70, 3, seed=1), noise(30, 3, seed=2)
    still = torch.arange(30) % 3 == 0
    found = PointLosses()(identity, split, vertices, still, refresh=True)
    assert float(found) == pytest.approx(brute(identity, split, vertices, still), rel=1e-9)


def test_point_losses_pull_the_nearest_point_only():
    identity = torch.tensor([[0.0, 0, 0.1], [5, 5, 5]], requires_grad=True)
    split = torch.tensor([[0.0, 0, 0.2], [9, 9, 9]], requires_grad=True)
    vertices = torch.zeros(1, 3)
    PointLosses()(identity, split, vertices, torch.tensor([True]), refresh=True).backward()
    assert identity.grad is not None
    assert split.grad is not None
    torch.testing.assert_close(identity.grad, torch.tensor([[0, 0, 25 * 0.2], [0, 0, 0]]))
    torch.testing.assert_close(split.grad, torch.tensor([[0, 0, 25 * 0.5 * 0.4], [0, 0, 0]]))


def test_neighbours_stay_until_they_are_looked_up_again():
    losses = PointLosses()
    vertices, still = torch.zeros(1, 3), torch.tensor([True])
    near_far = torch.tensor([[0.0, 0, 0.1], [0, 0, 1]])
    first = float(losses(near_far, near_far, vertices, still, refresh=True))
    swapped = near_far.flip(0)
    kept = float(losses(swapped, swapped, vertices, still, refresh=False))
    assert kept == pytest.approx(100 * first)
    assert float(losses(swapped, swapped, vertices, still, refresh=True)) == pytest.approx(first)
