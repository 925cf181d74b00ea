"""Lifting and split losses against brute force, SciPy and finite differences."""

from __future__ import annotations

import pytest
import torch
from scipy.spatial import KDTree

from backend.losses import lifting_loss, nearest, split_loss
from backend.losses import points as module


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute(points: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    return ((queries[:, None] - points[None]) ** 2).sum(-1)


def test_neighbours_are_those_of_brute_force():
    points, queries = noise(300, 3), noise(90, 3, seed=1)
    assert torch.equal(nearest(points, queries), brute(points, queries).argmin(1))


def test_the_chunked_search_of_other_devices_finds_the_same(monkeypatch):
    monkeypatch.setattr(module, "_PAIRS_AT_ONCE", 1000)  # several chunks
    points, queries = noise(300, 3).float(), noise(90, 3, seed=1).float()
    _, expected = KDTree(points.numpy()).query(queries.numpy())
    assert module._nearest_in_chunks(points, queries).tolist() == expected.tolist()


@pytest.mark.parametrize("loss", [lifting_loss, split_loss])
def test_a_point_loss_is_the_mean_of_squared_distances_in_units_of_a_fifth_of_a_metre(loss):
    points, vertices = noise(200, 3), noise(50, 3, seed=1)
    expected = 25 * brute(points, vertices).min(1).values.mean()
    assert float(loss(points, vertices)) == pytest.approx(float(expected), rel=1e-12)


def test_one_centimetre_everywhere_costs_a_four_hundredth():
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0]])
    apart = vertices + torch.tensor([0, 0.01, 0])
    assert float(lifting_loss(apart, vertices)) == pytest.approx(0.05**2)


def test_only_the_nearest_points_are_pulled_and_the_choice_has_no_gradient():
    points = torch.tensor([[0.0, 0, 0.1], [5, 5, 5]], requires_grad=True)
    lifting_loss(points, torch.zeros(2, 3)).backward()
    assert points.grad is not None
    torch.testing.assert_close(points.grad, torch.tensor([[0, 0, 25 * 0.2], [0, 0, 0]]))


def test_the_gradient_equals_finite_differences():
    points, vertices = noise(12, 3).requires_grad_(True), noise(7, 3, seed=1)
    assert torch.autograd.gradcheck(lambda x: split_loss(x, vertices), (points,))


def test_a_broken_point_shows_in_the_loss():
    points = noise(20, 3)
    points[7, 1] = float("nan")
    assert torch.isnan(lifting_loss(points, noise(5, 3)))
