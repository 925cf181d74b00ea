"""GAGAvatar's quaternions normalised over all points (Q2)."""

from __future__ import annotations

import torch

from backend.model.covariance import over_points
from backend.splat import quaternions


def covariance(quats: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    half = quaternions.to_matrix(quats) * scales[..., None, :]
    return half @ half.mT


def test_the_gaussians_are_those_of_the_unnormalised_formula() -> None:
    torch.manual_seed(6)
    raw, scales = torch.randn(2, 5023, 4), torch.rand(2, 5023, 3) * 0.01 + 1e-4
    quats, sizes = over_points(raw, scales)
    small = torch.nn.functional.normalize(raw, dim=1)
    assert 0.02 < small.norm(dim=-1).mean() < 0.04
    wanted = covariance(small.double(), scales.double())
    found = covariance(quats.double(), sizes.double())
    largest = wanted.abs().amax(dim=(-1, -2), keepdim=True)
    assert ((wanted - found).abs() / largest).max() < 2e-6


def test_quaternions_are_proper_and_keep_each_scale_with_its_axis() -> None:
    torch.manual_seed(7)
    raw, scales = torch.randn(1, 5023, 4), torch.rand(1, 5023, 3) * 0.01 + 1e-4
    quats, sizes = over_points(raw, scales)
    torch.testing.assert_close(quats.norm(dim=-1), torch.ones(1, 5023))
    # each quaternion by itself would turn the Gaussians by any angle
    assert (quats[..., 0] > 0.7).all()
    assert ((sizes / scales) - 1).abs().mean() < 0.01
    torch.testing.assert_close(sizes.prod(-1), scales.prod(-1), rtol=0.02, atol=0)


def test_scales_get_a_finite_gradient() -> None:
    raw, scales = torch.randn(1, 64, 4), torch.full((1, 64, 3), 0.005, requires_grad=True)
    over_points(raw, scales)[1].sum().backward()
    assert scales.grad is not None
    assert torch.isfinite(scales.grad).all()
