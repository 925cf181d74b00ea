"""The gating mechanism, Eqs. 10-13, with gradients worked out by hand."""

from __future__ import annotations

import pytest
import torch

from backend.model.masks import MaskNetwork, child_mask, quantise

PARENT = torch.tensor([[1.0, 0.0]])
SOFT = torch.tensor([[0.9, 0.3, 0.8, 0.2]])
LOSS = torch.tensor([[2.0, 3.0, 5.0, 7.0]])
"""dLoss/dM of the four children."""


def test_exactly_one_half_is_dropped() -> None:
    values = torch.tensor([0.5, 0.5 + 2**-20, 0.0, 1.0])
    assert quantise(values).tolist() == [0, 1, 0, 1]


def test_a_child_is_kept_only_if_it_and_its_parent_are() -> None:
    assert child_mask(SOFT, PARENT, 2).tolist() == [[1, 0, 0, 0]]


def test_mask_values_are_exactly_zero_or_one() -> None:
    soft = torch.rand(1, 4000, generator=torch.Generator().manual_seed(0))
    parent = quantise(torch.rand(1, 2000, generator=torch.Generator().manual_seed(1)))
    mask = child_mask(soft, parent, 2)
    assert set(mask.unique().tolist()) == {0.0, 1.0}


def test_children_of_a_living_parent_get_the_whole_gradient_dropped_or_not() -> None:
    soft = SOFT.clone().requires_grad_()
    (child_mask(soft, PARENT, 2) * LOSS).sum().backward()
    # dM/dm = M_parent: 1 for children 0 and 1 (the second is dropped and can be revived).
    assert soft.grad is not None
    assert soft.grad.tolist() == [[2, 3, 0, 0]]


def test_a_dead_parent_hears_from_its_children_by_their_soft_masks() -> None:
    parent = PARENT.clone().requires_grad_()
    (child_mask(SOFT, parent, 2) * LOSS).sum().backward()
    # dM/dM_parent = m of each child: .9 * 2 + .3 * 3 and .8 * 5 + .2 * 7.
    torch.testing.assert_close(parent.grad, torch.tensor([[2.7, 5.4]]))


def test_gradients_reach_the_first_layer_through_two_splits() -> None:
    first = torch.tensor([[0.4, 0.7]], requires_grad=True)  # G1: dead, alive
    second = torch.tensor([[0.9, 0.9, 0.6, 0.1]], requires_grad=True)
    one = torch.ones(1, 1)
    mask_1 = child_mask(first, one, 2)
    mask_2 = child_mask(second, mask_1, 2)
    assert mask_1.tolist() == [[0, 1]]
    assert mask_2.tolist() == [[0, 0, 1, 0]]
    (mask_2 * LOSS).sum().backward()
    # dL/dm_1 = (sum of children's m * dL/dM) * M_0, dead or alive alike.
    torch.testing.assert_close(first.grad, torch.tensor([[0.9 * 2 + 0.9 * 3, 0.6 * 5 + 0.1 * 7]]))
    torch.testing.assert_close(second.grad, torch.tensor([[0.0, 0.0, 5.0, 7.0]]))


def test_a_parent_that_revives_brings_back_its_children() -> None:
    logit = torch.tensor([[-0.2, 2.0]], requires_grad=True)
    children = torch.tensor([[0.9, 0.9, 0.9, 0.9]])
    optimiser = torch.optim.SGD([logit], lr=1.0)
    kept = []
    for _ in range(3):
        mask = child_mask(children, child_mask(logit.sigmoid(), torch.ones(1, 1), 2), 2)
        kept.append(mask[0, :2].sum().item())
        loss = ((mask - 1) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert kept[0] == 0
    assert kept[-1] == 2


@pytest.mark.parametrize("split", [1, 2, 3])
def test_an_untrained_mask_network_says_about_nine_tenths(split: int) -> None:
    network = MaskNetwork(16, split, 0.9)
    soft = network(torch.randn(2, 5, 16)).sigmoid()
    assert soft.shape == (2, 5 * split)
    torch.testing.assert_close(soft, torch.full_like(soft, 0.9))
