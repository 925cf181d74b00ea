"""The whole network on a small head."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import SplitAvatar
from backend.model.union import union
from shared.errors import AvatarError

V = 162


@pytest.fixture(scope="module")
def encoded(trained, portrait, camera):
    with torch.no_grad():
        return trained.encode(portrait, camera)


def test_the_layers_have_k_to_the_i_gaussians_per_vertex(trained, encoded, vertices, frames):
    with torch.no_grad():
        layers = trained.expression(encoded.g0_raw, vertices, frames).layers
    assert [layer.means.shape for layer in layers] == [(2, V * 2**i, 3) for i in range(4)]
    assert [layer.features.shape for layer in layers] == [(2, V * 2**i, 32) for i in range(4)]
    assert [layer.mask.shape for layer in layers] == [(2, V * 2**i) for i in range(4)]


def test_an_untrained_network_gives_raw_zero(untrained, portrait, camera, vertices, frames):
    with torch.no_grad():
        encoded = untrained.encode(portrait, camera)
        raw = untrained.expression_raw(encoded.g0_raw, vertices, frames)
    assert (encoded.plane_raw == 0).all()
    assert all((a == 0).all() for a in raw.attributes)
    for logits in raw.masks[1:]:
        torch.testing.assert_close(logits.sigmoid(), torch.full_like(logits, 0.9))


def test_a_batch_of_two_poses_equals_two_singles(trained, encoded, vertices, frames):
    with torch.no_grad():
        both = trained.expression(encoded.g0_raw, vertices, frames).layers
        assert not torch.equal(both[3].mask[0], both[3].mask[1]), "the masks should differ"
        for b in range(2):
            part = slice(b, b + 1)
            single = trained.expression(encoded.g0_raw, vertices[part], frames[part]).layers
            for left, right in zip(both, single, strict=True):
                for name in vars(left):
                    torch.testing.assert_close(
                        getattr(left, name)[part], getattr(right, name), atol=2e-5, rtol=1e-4
                    )


def test_assembling_the_raw_outputs_equals_the_whole_pass(trained, encoded, vertices, frames):
    residuals = [LayerResiduals(opacity=torch.randn(V * 2**i)) for i in range(4)]
    with torch.no_grad():
        whole = trained.expression(encoded.g0_raw, vertices, frames, residuals)
        raw = trained.expression_raw(encoded.g0_raw, vertices, frames, residuals)
        parts = trained.assemble(
            replace(raw, attributes=tuple(a.expand(2, -1, -1) for a in raw.attributes)),
            residuals,
            vertices,
            frames,
        )
    for left, right in zip(whole.layers, parts.layers, strict=True):
        for name in vars(left):
            assert torch.equal(getattr(left, name), getattr(right, name)), name


def test_the_network_sees_positions_and_the_avatars_own_attributes(
    trained, head, encoded, vertices, frames
):
    part = slice(0, 1)
    plain = trained.expression_raw(encoded.g0_raw, vertices[part], frames[part])
    moved = trained.expression_raw(encoded.g0_raw, vertices[part] + 0.01, frames[part])
    residuals = [LayerResiduals() for _ in range(4)]
    residuals[0] = LayerResiduals(features=torch.ones(V, 3))
    coloured = trained.expression_raw(encoded.g0_raw, vertices[part], frames[part], residuals)
    for other in (moved, coloured):
        assert torch.equal(plain.attributes[0], other.attributes[0])
        assert not torch.allclose(plain.attributes[1], other.attributes[1], atol=1e-4)


def test_one_split_carries_a_local_change_to_the_mesh_neighbours_only(
    trained, head, encoded, vertices, frames
):
    part = slice(0, 1)
    plain = trained.expression_raw(encoded.g0_raw, vertices[part], frames[part])
    nudged = vertices[part].clone()
    nudged[0, 40] += 0.02
    other = trained.expression_raw(encoded.g0_raw, nudged, frames[part])
    faces = torch.from_numpy(head.faces)
    change = (plain.attributes[1] - other.attributes[1])[0].abs().amax(-1).view(V, 2).amax(1)
    neighbours = faces[(faces == 40).any(1)].unique()  # itself included
    assert set(change.nonzero().flatten().tolist()) == set(neighbours.tolist())


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_one(config, head, untrained):
    torch.manual_seed(123)
    expected = torch.rand(1)
    torch.manual_seed(123)
    again = SplitAvatar(config, head, seed=5)
    assert torch.equal(torch.rand(1), expected)
    for (name, left), right in zip(again.named_parameters(), untrained.parameters(), strict=True):
        assert torch.equal(left, right), name
    other = SplitAvatar(config, head, seed=6)
    name = "generator.embedding"
    assert not torch.equal(other.get_parameter(name), again.get_parameter(name))


def test_every_trainable_weight_gets_a_gradient(trained, portrait, camera, vertices, frames):
    encoded = trained.encode(portrait, camera)
    planes = trained.identity(encoded, None, camera)
    cloud = union(planes, trained.expression(encoded.g0_raw, vertices, frames), sample=1)
    parts = (cloud.means, cloud.quats[:, :2], cloud.scales * 100, cloud.opacities, cloud.features)
    grads = torch.autograd.grad(
        torch.stack([p.square().sum() for p in parts]).sum(),
        [p for p in trained.parameters() if p.requires_grad],
        allow_unused=True,
    )
    names = [n for n, p in trained.named_parameters() if p.requires_grad]
    silent = [n for n, g in zip(names, grads, strict=True) if g is None or not g.abs().max() > 0]
    assert silent == []


def test_switching_the_splitting_off_leaves_g0(trained, encoded, vertices, frames):
    with torch.no_grad():
        whole = trained.expression(encoded.g0_raw, vertices, frames)
        plain = trained.expression(encoded.g0_raw, vertices, frames, ablate=frozenset({"gsn"}))
    assert len(plain.layers) == 1
    assert torch.equal(plain.layers[0].opacities, whole.layers[0].opacities)


def test_switching_the_masks_off_keeps_every_gaussian(trained, encoded, vertices, frames):
    with torch.no_grad():
        whole = trained.expression(encoded.g0_raw, vertices, frames)
        plain = trained.expression(encoded.g0_raw, vertices, frames, ablate=frozenset({"masks"}))
    assert any((layer.mask == 0).any() for layer in whole.layers)
    assert all((layer.mask == 1).all() for layer in plain.layers)
    assert torch.equal(plain.layers[3].means, whole.layers[3].means)


def test_the_union_knows_the_layer_and_the_vertex_of_every_gaussian(
    trained, encoded, camera, vertices, frames
):
    with torch.no_grad():
        planes = trained.identity(encoded, None, camera)
        layers = trained.expression(encoded.g0_raw, vertices, frames)
        cloud = union(planes, layers, sample=0)
    cells = trained.config.grid**2
    assert cloud.layers is not None
    assert cloud.vertices is not None
    counts = torch.bincount(cloud.layers.long()).tolist()
    assert counts == [cells, cells, V, V * 2, V * 4, V * 8]
    assert (cloud.vertices[: 2 * cells] == -1).all()
    g3 = cloud.vertices[cloud.layers == 5]
    assert torch.equal(g3.long(), torch.arange(V).repeat_interleave(8))
    dropped = int(sum((layer.mask[0] == 0).sum() for layer in layers.layers))
    assert dropped > 0
    assert int((cloud.opacities == 0).sum()) == dropped
    assert len(cloud.kept()) == len(cloud) - dropped


def test_the_source_direction_reaches_planes_and_generator(trained, portrait, camera):
    turned = replace(camera, viewmat=camera.viewmat @ _turn(0.5))
    with torch.no_grad():
        one = trained.encode(portrait, camera)
        two = trained.encode(portrait.expand(2, -1, -1, -1), [camera, turned])
    torch.testing.assert_close(one.g0_raw[0], two.g0_raw[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(one.plane_raw[0], two.plane_raw[0], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(two.g0_raw[0], two.g0_raw[1], atol=1e-3)
    assert not torch.allclose(two.plane_raw[0], two.plane_raw[1], atol=1e-3)


def test_wrong_shapes_are_refused_with_both_shapes(trained, encoded, vertices, frames):
    with pytest.raises(ValueError) as error:
        trained.expression(encoded.g0_raw, vertices[:, :100], frames)
    assert str(error.value) == "vertices has shape [2, 100, 3]; expected [*, 162, 3]"
    with pytest.raises(ValueError) as error:
        trained.expression(encoded.g0_raw, vertices, frames, [LayerResiduals()])
    assert str(error.value) == "1 layers of residuals; expected 4"


def test_a_head_with_too_few_sites_is_refused(config, head):
    with pytest.raises(AvatarError) as error:
        SplitAvatar(config, replace(head, site_faces=head.site_faces[:, :6]))
    assert error.value.code == "head_mismatch"
    assert "stores 6 sites per vertex; k = 2 and L = 3 need 14" in error.value.message


def _turn(angle: float):
    import numpy as np

    turn = np.eye(4)
    turn[:3, :3] = [
        [np.cos(angle), 0, np.sin(angle)],
        [0, 1, 0],
        [-np.sin(angle), 0, np.cos(angle)],
    ]
    return turn
