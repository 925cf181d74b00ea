"""From encoded portraits to pictures: batches, dropped Gaussians, and how they come back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.configs.network import ModelConfig
from backend.model.checkpoint import checkpoint_state
from backend.model.pictures import Own, Pictures, draw
from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise

V = 162


@pytest.fixture(scope="module")
def two(trained, portrait, camera) -> Encoded:
    """Two different portraits."""
    with torch.no_grad():
        return trained.encode(torch.cat([portrait, portrait.flip(-1)]), camera)


def own_masks(seed: int) -> Own:
    """One portrait's residuals that drop and bring back Gaussians in every layer."""
    generator = torch.Generator().manual_seed(seed)
    layers = [LayerResiduals()]
    for layer in (1, 2, 3):
        noise = torch.randn(V * 2**layer, generator=generator)
        layers.append(LayerResiduals(mask=noise, opacity=noise.flip(0)))
    return Own(layers=layers)


def test_a_batch_of_two_with_different_masks_equals_two_singles(
    trained, two, camera, vertices, frames
) -> None:
    own = [own_masks(1), own_masks(2)]
    cameras = [camera, camera]
    with torch.no_grad():
        both = draw(trained, two, cameras, vertices, frames, cameras, own=own)
        for b in range(2):
            part = slice(b, b + 1)
            one = Encoded(*(value[part] for value in vars(two).values()))
            alone = draw(
                trained, one, [camera], vertices[part], frames[part], [camera], own=[own[b]]
            )
            # Sums of a batch may be split among threads elsewhere, hence not bit for bit.
            torch.testing.assert_close(both.coarse[b], alone.coarse[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(both.depth[b], alone.depth[0], atol=1e-4, rtol=0)
            assert torch.equal(both.clouds[b].opacities == 0, alone.clouds[0].opacities == 0)
    dropped = [cloud.opacities == 0 for cloud in both.clouds]
    assert dropped[0].any()
    assert not torch.equal(dropped[0], dropped[1])


def test_filtering_before_rasterising_equals_opacity_zero(trained, two, camera, vertices, frames):
    cameras = [camera, camera]
    with torch.no_grad():
        filtered = draw(trained, two, cameras, vertices, frames, cameras)
        kept = draw(trained, two, cameras, vertices, frames, cameras, mask_gradient=True)
    assert (filtered.clouds[0].opacities == 0).any()
    for name in ("coarse", "alpha", "depth"):
        assert torch.equal(getattr(filtered, name), getattr(kept, name)), name


def test_what_is_fixed_is_drawn_beside_the_networks_gaussians_and_is_none_of_them(
    trained, two, camera, vertices, frames
) -> None:
    fixed = Gaussians(  # a red ball around everything the camera sees
        means=torch.zeros(1, 3),
        quats=torch.tensor([[1.0, 0, 0, 0]]),
        scales=torch.full((1, 3), 0.5),
        opacities=torch.tensor([0.999]),
        features=torch.tensor([[1.0, 0.0, 0.0]]),
    )
    cameras = [camera, camera]
    with torch.no_grad():
        plain = draw(trained, two, cameras, vertices, frames, cameras)
        both = draw(trained, two, cameras, vertices, frames, cameras, own=[Own(), Own(fixed=fixed)])
    assert torch.equal(both.coarse[0], plain.coarse[0])
    cloud = plain.clouds[1].kept()
    shown = replace(cloud, features=cloud.features[:, :3])
    expected = rasterise(Gaussians.cat([shown, fixed]), camera)
    assert torch.equal(both.coarse[1], expected.features.permute(2, 0, 1))
    assert (both.coarse[1] - plain.coarse[1])[0].max() > 0.9
    assert len(both.clouds[1]) == len(plain.clouds[1])


def closed(config: ModelConfig) -> ModelConfig:
    """Children on their parents, dropped at the start: as `gagavatar_split` begins."""
    sizes = {"sites": False, "scale_form": "sigmoid", "lambda_scale": (0.01, 0.008, 0.006, 0.004)}
    return replace(config, mask_start=0.45, local_quats=False, **sizes)


def without_layers(config: ModelConfig) -> ModelConfig:
    values = config.to_dict()
    first = {name: tuple(value[:1]) for name, value in values.items() if isinstance(value, list)}
    return replace(config, layers=0, **first)


@pytest.mark.parametrize("mask_gradient", [False, True])
def test_splitting_that_starts_closed_leaves_the_picture_as_it_is_bit_for_bit(
    trained, config, head, two, camera, vertices, frames, mask_gradient
) -> None:
    plain = SplitAvatar(without_layers(closed(config)), head).eval()
    parts = {
        name: value
        for name, value in checkpoint_state(trained).items()
        if name.startswith(("adapter.", "generator."))
    }
    plain.load_state_dict(parts, strict=False)
    split = SplitAvatar(closed(config), head).eval()
    split.load_state_dict(checkpoint_state(plain), strict=False)
    cameras = [camera, camera]
    with torch.no_grad():
        before = draw(plain, two, cameras, vertices, frames, cameras)
        after = draw(split, two, cameras, vertices, frames, cameras, mask_gradient=mask_gradient)
    assert len(after.clouds[0]) == len(before.clouds[0]) + V * (2 + 4 + 8)
    for name in ("coarse", "alpha", "depth"):
        assert torch.equal(getattr(before, name), getattr(after, name)), name


def kept(pictures: Pictures) -> list[float]:
    """Kept share of G1..G3."""
    return [layer.mask.mean().item() for layer in pictures.expression[0].layers[1:]]


def revive(config, head, encoded, vertices, frames, camera, mask_gradient: bool):
    """A few steps of training towards what the same network draws with every Gaussian kept.

    Returns:
        The loss of every step, the kept shares before and after.
    """
    model = SplitAvatar(closed(config), head).eval()
    part = slice(0, 1)
    one = Encoded(*(value[part] for value in vars(encoded).values()))

    def drawn(**how) -> Pictures:
        return draw(model, one, [camera], vertices[part], frames[part], [camera], **how)

    with torch.no_grad():
        target = drawn(ablate=frozenset({"masks"})).coarse
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05)
    losses: list[float] = []
    shares: list[list[float]] = []
    for _ in range(5):
        pictures = drawn(mask_gradient=mask_gradient)
        loss = (pictures.coarse - target).square().mean()
        optimiser.zero_grad()
        if loss.requires_grad:
            loss.backward()
            optimiser.step()
        losses.append(loss.item())
        shares.append(kept(pictures))
    return losses, shares[0], shares[-1]


def test_dropped_gaussians_that_would_lower_the_loss_are_revived_by_training(
    config, head, two, camera, vertices, frames
) -> None:
    losses, before, after = revive(config, head, two, vertices, frames, camera, True)
    assert before == [0, 0, 0]
    assert after[0] > 0
    assert losses[-1] < 0.5 * losses[0]


def test_without_the_mask_gradient_none_ever_comes_back(
    config, head, two, camera, vertices, frames
) -> None:
    _, before, after = revive(config, head, two, vertices, frames, camera, False)
    assert before == after == [0, 0, 0]


def test_the_gradient_of_a_dropped_parent_counts_its_children(
    config, head, two, camera, vertices, frames
) -> None:
    """Eq. 13 in a picture: dL/dm_1 has a part through G1's own opacity and one through G2's."""
    model = SplitAvatar(closed(config), head).eval()
    part = slice(0, 1)
    one = Encoded(*(value[part] for value in vars(two).values()))
    mask = torch.zeros(V * 2, requires_grad=True)
    own = Own(layers=[LayerResiduals(), LayerResiduals(mask=mask), *[LayerResiduals()] * 2])
    pictures = draw(
        model, one, [camera], vertices[part], frames[part], [camera], own=[own], mask_gradient=True
    )
    opacities = pictures.clouds[0].opacities
    opacities.retain_grad()
    pictures.coarse.sum().backward()

    layers = pictures.expression[0].layers
    wanted = by_hand(opacities.grad, pictures.clouds[0].layers, layers)
    assert mask.grad is not None
    assert mask.grad.abs().max() > 0
    torch.testing.assert_close(mask.grad, wanted, atol=1e-6, rtol=1e-4)


def by_hand(gradient: Tensor | None, ids: Tensor, layers) -> Tensor:
    """dL/d logit of m_1, from dL/d(opacity M) of G1..G3, written out from Eqs. 12-13."""
    assert gradient is not None
    towards = [gradient[ids == 2 + i] * layer.opacities[0] for i, layer in enumerate(layers)]
    soft = [layer.soft_mask[0] for layer in layers]
    # dL/dM_2 = its own + what its children make of it, m_3 each; M_2 feeds M_3 = m_3 M_2.
    total_2 = towards[2] + (soft[3] * towards[3]).view(-1, 2).sum(1)
    total_1 = towards[1] + (soft[2] * total_2).view(-1, 2).sum(1)
    return (total_1 * soft[1] * (1 - soft[1])).detach()  # M_0 = 1; m = sigmoid(logit)
