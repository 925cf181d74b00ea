"""Activation, sites, local frames and residuals of the expression layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from backend.model.expression import ExpressionRaw, Pose, assemble_layers
from backend.model.residuals import LayerResiduals, colour_residuals


def zero_raw(model, batch: int = 1) -> ExpressionRaw:
    sizes = [model.vertices * 2**i for i in range(4)]
    attributes = tuple(torch.zeros(batch, n, 43) for n in sizes)
    return ExpressionRaw(attributes, (None, *(torch.full((batch, n), 2.0) for n in sizes[1:])))


def random_raw(model, batch: int = 1) -> ExpressionRaw:
    generator = torch.Generator().manual_seed(7)
    sizes = [model.vertices * 2**i for i in range(4)]
    attributes = tuple(torch.randn(batch, n, 43, generator=generator) for n in sizes)
    masks = tuple(torch.randn(batch, n, generator=generator) + 1 for n in sizes[1:])
    return ExpressionRaw(attributes, (None, *masks))


def test_raw_zero_starts_on_the_vertices_and_on_the_stored_sites(
    untrained, head, vertices, frames
) -> None:
    layers = untrained.assemble(zero_raw(untrained, 2), None, vertices, frames).layers
    torch.testing.assert_close(layers[0].means, vertices)
    first_column = [0, 0, 2, 6]
    for layer in (1, 2, 3):
        copies = 2**layer
        for j, m in ((0, 0), (17, copies - 1), (161, 1)):
            column = first_column[layer] + m
            triangle = head.faces[head.site_faces[j, column]]
            wanted = head.site_bary[j, column] @ vertices[1].numpy()[triangle]
            found = layers[layer].means[1, j * copies + m].numpy()
            np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_without_sites_children_start_at_their_parent(untrained, config, vertices, frames) -> None:
    raw = random_raw(untrained)
    zeroed = raw.attributes[2].clone()
    zeroed[..., :3] = 0
    raw = replace(raw, attributes=(*raw.attributes[:2], zeroed, raw.attributes[3]))
    pose = Pose(vertices[:1], frames[:1])
    layers = assemble_layers(replace(config, sites=False), untrained.sites, raw, None, pose)
    torch.testing.assert_close(layers[2].means, layers[1].means.repeat_interleave(2, dim=1))
    assert not torch.equal(layers[3].means, layers[2].means.repeat_interleave(2, dim=1))


def test_offsets_turn_with_the_local_frame_and_stay_in_reach(
    untrained, config, vertices, frames
) -> None:
    plain = untrained.assemble(zero_raw(untrained, 2), None, vertices, frames).layers
    raw = zero_raw(untrained, 2)
    raw.attributes[1][..., 2] = 100.0  # along the normal, as far as it goes
    moved = untrained.assemble(raw, None, vertices, frames).layers[1].means - plain[1].means
    normal = frames[..., 2].repeat_interleave(2, dim=1)
    torch.testing.assert_close(moved, normal * config.lambda_position[1], atol=1e-7, rtol=0)


def test_rotations_are_relative_to_the_local_frame(untrained, config, vertices, frames) -> None:
    quats = untrained.assemble(zero_raw(untrained, 2), None, vertices, frames).layers[2].quats
    matrices = Rotation.from_quat(np.roll(quats[0].numpy(), -1, axis=-1)).as_matrix()
    wanted = frames[0].repeat_interleave(4, dim=0).numpy()
    np.testing.assert_allclose(matrices, wanted, atol=1e-5)
    plain = replace(config, local_quats=False)
    pose = Pose(vertices, frames)
    layers = assemble_layers(plain, untrained.sites, zero_raw(untrained, 2), None, pose)
    assert (layers[2].quats == torch.tensor([1.0, 0, 0, 0])).all()


def test_scales_are_discs_of_the_sites_spacing(untrained, config, head, vertices, frames) -> None:
    residuals = [LayerResiduals() for _ in range(4)]
    residuals[3] = LayerResiduals(scale=torch.full((162 * 8, 3), float(np.log(2))))
    layers = untrained.assemble(zero_raw(untrained, 2), residuals, vertices, frames).layers
    spacing = torch.from_numpy(head.site_spacing)
    for layer, growth in ((1, 1.0), (3, 2.0)):
        wanted = spacing.repeat_interleave(2**layer) * config.scale_spacing[layer] * growth
        torch.testing.assert_close(layers[layer].scales[0, :, 0], wanted)
        torch.testing.assert_close(layers[layer].scales[0, :, 2], wanted * config.disc_thickness)


def test_sigmoid_scales_and_opacities_end_at_their_lambda(
    untrained, config, vertices, frames
) -> None:
    lambdas = (0.01, 0.008, 0.006, 0.004)
    sigmoid = replace(config, scale_form="sigmoid", lambda_scale=lambdas)
    raw = zero_raw(untrained)
    for attributes in raw.attributes:
        attributes[..., 3] = 50
        attributes[..., 8:11] = 50
    pose = Pose(vertices[:1], frames[:1])
    for index, layer in enumerate(assemble_layers(sigmoid, untrained.sites, raw, None, pose)):
        assert layer.scales.max().item() == pytest.approx(lambdas[index])
        assert layer.opacities.min().item() == pytest.approx(config.lambda_opacity[index])


def test_colours_add_up_along_the_parents_before_the_sigmoid(untrained, vertices, frames) -> None:
    raw = random_raw(untrained)
    layers = untrained.assemble(raw, None, vertices[:1], frames[:1]).layers
    node = 162 * 8 - 3
    chain = [raw.attributes[i][0, node >> (3 - i), 11:] for i in range(4)]
    total = torch.stack(chain).sum(0)
    torch.testing.assert_close(layers[3].features[0, node, :3], total[:3].sigmoid())
    torch.testing.assert_close(layers[3].features[0, node, 3:], total[3:])


def test_colour_residuals_give_every_layer_its_own_colours(untrained, vertices, frames) -> None:
    wanted = [torch.rand(162 * 2**i, 3) * 0.9 + 0.05 for i in range(4)]
    residuals = [LayerResiduals(features=r) for r in colour_residuals(wanted, 2)]
    layers = untrained.assemble(
        zero_raw(untrained), residuals, vertices[:1], frames[:1], channels=3
    ).layers
    for layer, colours in zip(layers, wanted, strict=True):
        torch.testing.assert_close(layer.features[0], colours, atol=1e-5, rtol=0)


def test_residuals_are_added_before_activation(untrained, vertices, frames) -> None:
    generator = torch.Generator().manual_seed(2)
    raw = random_raw(untrained, 2)
    residuals, merged = [], []
    for index, attributes in enumerate(raw.attributes):
        n = attributes.shape[1]
        own = [torch.randn(n, *s, generator=generator) for s in ((32,), (), (3,), (3,), (4,), ())]
        residuals.append(LayerResiduals(*own))
        features, opacity, scale, offset, quat, mask = own
        factor = untrained.config.lambda_scale[index]
        parts = [offset, opacity[:, None], quat, scale / factor, features]
        merged.append((attributes + torch.cat(parts, dim=-1), mask))
    masks = [None]
    for logits, (_, mask) in zip(raw.masks[1:], merged[1:], strict=True):
        assert logits is not None
        masks.append(logits + mask)
    other = ExpressionRaw(tuple(a for a, _ in merged), tuple(masks))
    one = untrained.assemble(raw, residuals, vertices, frames).layers
    two = untrained.assemble(other, None, vertices, frames).layers
    for left, right in zip(one, two, strict=True):
        for name in vars(left):
            torch.testing.assert_close(getattr(left, name), getattr(right, name), msg=name)


def test_masks_of_one_sample_do_not_touch_another(untrained, vertices, frames) -> None:
    raw = random_raw(untrained, 2)
    both = untrained.assemble(raw, None, vertices, frames).layers
    assert not torch.equal(both[3].mask[0], both[3].mask[1])
    for sample in range(2):
        part = slice(sample, sample + 1)
        single = ExpressionRaw(
            tuple(a[part] for a in raw.attributes),
            tuple(None if m is None else m[part] for m in raw.masks),
        )
        alone = untrained.assemble(single, None, vertices[part], frames[part]).layers
        for left, right in zip(both, alone, strict=True):
            assert torch.equal(left.mask[part], right.mask)
            torch.testing.assert_close(left.opacities[part], right.opacities)


def test_every_residual_gets_a_gradient(untrained, vertices, frames) -> None:
    shapes = ((3,), (), (3,), (3,), (4,), ())
    residuals = [
        LayerResiduals(*(torch.zeros(162 * 2**i, *s).requires_grad_() for s in shapes))
        for i in range(4)
    ]
    raw = random_raw(untrained)
    layers = untrained.assemble(raw, residuals, vertices[:1], frames[:1], channels=3).layers
    loss = sum(
        (layer.means.sum() + layer.quats[..., 1].sum() + layer.scales.sum())
        + ((layer.opacities * layer.mask).sum() + layer.features.sum())
        for layer in layers
    )
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    for index, layer in enumerate(residuals):
        for name, value in layer.tensors():
            if (index, name) != (0, "mask"):
                assert value.grad is not None, (index, name)
                assert value.grad.abs().max() > 0, (index, name)
