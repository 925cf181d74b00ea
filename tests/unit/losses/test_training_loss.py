"""Eqs. 15, 16 and 19 on pictures that are made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from backend.losses import LossWeights, TrainingLoss, lifting_loss, split_loss
from backend.losses.perceptual import Perceptual
from backend.losses.training import crop_boxes, head_squares
from backend.model.pictures import Pictures

VERTICES = torch.zeros(2, 4, 3)
BOXES = torch.tensor([[0.25, 0.0, 0.75, 1.0], [0.0, 0.0, 1.0, 1.0]])


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


class Colours(Perceptual):
    """A feature network whose features are the colours."""

    def features(self, images: Tensor) -> list[tuple[float, Tensor]]:
        return [(0.5, images)]


def pictures(fine: bool = True, identity_off: int = 0) -> Pictures:
    """Two samples: 6 identity Gaussians, G0 of 4, G1 of 8."""
    clouds, layers = [], []
    for sample in range(2):
        kinds = torch.tensor([0] * 3 + [1] * 3 + [2] * 4 + [3] * 8, dtype=torch.uint8)
        opacities = torch.ones(18)
        opacities[:identity_off] = 0
        means = noise(18, 3, seed=sample)
        clouds.append(SimpleNamespace(means=means, layers=kinds, opacities=opacities))
        parts = [SimpleNamespace(means=means[None, 6:10]), SimpleNamespace(means=means[None, 10:])]
        layers.append(SimpleNamespace(layers=parts))
    made: Any = SimpleNamespace(
        coarse=noise(2, 3, 8, 8, seed=5),
        fine=noise(2, 3, 8, 8, seed=6) if fine else None,
        clouds=clouds,
        expression=layers,
    )
    return cast(Pictures, made)


def test_the_image_term_adds_coarse_and_fine():
    shown, target = pictures(), noise(2, 3, 8, 8, seed=7)
    terms = TrainingLoss(LossWeights(), None)(shown, target, VERTICES, BOXES)
    assert shown.fine is not None
    expected = (shown.coarse - target).abs().mean() + (shown.fine - target).abs().mean()
    torch.testing.assert_close(terms["image"], expected)


def test_without_a_renderer_the_coarse_picture_counts_alone():
    shown, target = pictures(fine=False), noise(2, 3, 8, 8, seed=7)
    terms = TrainingLoss(LossWeights(), Colours())(shown, target, VERTICES, BOXES)
    torch.testing.assert_close(terms["image"], (shown.coarse - target).abs().mean())

    def unit(values: Tensor) -> Tensor:
        return values / values.norm(dim=1, keepdim=True)

    expected = 0.5 * (unit(shown.coarse) - unit(target)).square().sum(1).mean()
    torch.testing.assert_close(terms["perceptual"], expected)


def test_the_total_is_the_weighted_sum_with_the_papers_weights():
    terms = TrainingLoss(LossWeights(), Colours())(
        pictures(), noise(2, 3, 8, 8, seed=7), VERTICES, BOXES
    )
    expected = terms["image"] + 0.5 * terms["perceptual"] + terms["lifting"] + 0.5 * terms["split"]
    torch.testing.assert_close(terms["total"], expected)


def test_lifting_takes_the_planes_and_split_all_layers_but_the_first():
    shown = pictures()
    terms = TrainingLoss(LossWeights(), None)(shown, noise(2, 3, 8, 8), VERTICES, BOXES)
    means = [cloud.means for cloud in shown.clouds]
    lifting = torch.stack([lifting_loss(m[:6], VERTICES[0]) for m in means]).mean()
    split = torch.stack([split_loss(m[10:], VERTICES[0]) for m in means]).mean()
    torch.testing.assert_close(terms["lifting"], lifting)
    torch.testing.assert_close(terms["split"], split)


def test_cells_that_a_portrait_switched_off_are_not_pulled_to_the_head():
    shown = pictures(identity_off=2)
    terms = TrainingLoss(LossWeights(), None)(shown, noise(2, 3, 8, 8), VERTICES, BOXES)
    expected = torch.stack([lifting_loss(c.means[2:6], VERTICES[0]) for c in shown.clouds]).mean()
    torch.testing.assert_close(terms["lifting"], expected)


def test_a_network_without_splits_has_no_split_term():
    shown = pictures()
    for sample in shown.expression:
        cast(Any, sample).layers = sample.layers[:1]
    terms = TrainingLoss(LossWeights(), None)(shown, noise(2, 3, 8, 8), VERTICES, BOXES)
    assert set(terms) == {"image", "lifting", "total"}


def test_the_baselines_terms_look_at_the_heads_box():
    shown, target = pictures(fine=False), noise(2, 3, 8, 8, seed=7)
    weights = LossWeights(image=1, perceptual=0.01, lifting=10, split=0, box_share=0.5,
                          perceptual_box=True)  # fmt: skip
    found = TrainingLoss(weights, Colours())(shown, target, VERTICES, BOXES)
    squares = head_squares(BOXES)
    inside = (crop_boxes(shown.coarse, squares) - crop_boxes(target, squares)).abs().mean()
    whole = (shown.coarse - target).abs().mean()
    torch.testing.assert_close(found["image"], 0.5 * whole + 0.5 * inside)
    assert "split" not in found
    expected = found["image"] + 0.01 * found["perceptual"] + 10 * found["lifting"]
    torch.testing.assert_close(found["total"], expected)


def test_a_box_is_cut_out_and_enlarged():
    image = torch.arange(8.0).expand(1, 3, 8, 8)  # brighter to the right
    crop = crop_boxes(image, torch.tensor([[0.5, 0.0, 1.0, 1.0]]))
    assert crop.shape == image.shape
    assert float(crop.min()) == 4
    assert float(crop.max()) == 7
    torch.testing.assert_close(crop_boxes(image, torch.tensor([[-1.0, -1, 2, 2]])), image)


def test_the_image_terms_gradient_is_the_sign_over_the_number_of_values():
    shown, target = pictures(fine=False), noise(2, 3, 8, 8, seed=7)
    shown.coarse.requires_grad_(True)
    only = LossWeights(perceptual=0, lifting=0, split=0)
    TrainingLoss(only, None)(shown, target, VERTICES, BOXES)["total"].backward()
    assert shown.coarse.grad is not None
    expected = (shown.coarse.detach() - target).sign() / target.numel()
    torch.testing.assert_close(shown.coarse.grad, expected)


def test_a_term_of_weight_zero_is_not_computed():
    weights = LossWeights(perceptual=0, lifting=0, split=0)
    found = TrainingLoss(weights, Colours())(pictures(), noise(2, 3, 8, 8), VERTICES, BOXES)
    assert set(found) == {"image", "total"}
    assert float(found["total"]) == pytest.approx(float(found["image"]))


def test_a_heads_square_is_a_tenth_wider_than_its_box_and_stays_in_the_picture():
    boxes = torch.tensor([[0.4, 0.3, 0.6, 0.7], [0.0, 0.0, 1.0, 1.0], [0.5, 0.1, 0.9, 0.5]])
    half = 0.55 * (0.2 * 0.4) ** 0.5
    expected = torch.tensor(
        [[0.5 - half, 0.5 - half, 0.5 + half, 0.5 + half], [0, 0, 1, 1], [0.48, 0.08, 0.92, 0.52]]
    )
    torch.testing.assert_close(head_squares(boxes), expected)
