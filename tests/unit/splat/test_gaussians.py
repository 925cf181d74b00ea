from __future__ import annotations

import pytest
import torch

from backend.splat.gaussians import Gaussians


def test_a_cloud_without_layers_is_identity_front_and_belongs_to_no_vertex(scene):
    cloud, _ = scene(5, 3)
    assert cloud.layers.tolist() == [0] * 5
    assert cloud.layers.dtype == torch.uint8
    assert cloud.vertices.tolist() == [-1] * 5
    assert cloud.vertices.dtype == torch.int32


def test_kept_drops_exactly_the_masked_and_keeps_the_order(scene):
    cloud, _ = scene(50, 3, dropped=0.4)
    cloud.vertices = torch.arange(50, dtype=torch.int32)
    kept = cloud.kept()
    assert 0 < len(kept) < 50
    assert (kept.opacities > 0).all()
    assert kept.vertices.tolist() == torch.nonzero(cloud.opacities)[:, 0].tolist()


def test_cat_joins_every_field_in_order(scene):
    first, second = scene(3, 4, seed=1)[0], scene(2, 4, seed=2)[0]
    second.layers = torch.full((2,), 5, dtype=torch.uint8)
    joined = Gaussians.cat([first, second])
    assert len(joined) == 5
    assert joined.channels == 4
    assert joined.layers.tolist() == [0, 0, 0, 5, 5]
    assert torch.equal(joined.means[3:], second.means)


def test_a_wrong_shape_names_the_field_and_both_shapes(scene):
    cloud, _ = scene(4, 3)
    with pytest.raises(ValueError, match=r"quats has shape \[3, 4\]; expected \[4, 4\]"):
        Gaussians(cloud.means, cloud.quats[:3], cloud.scales, cloud.opacities, cloud.features)


def test_joining_no_clouds_says_so():
    with pytest.raises(ValueError, match="at least one"):
        Gaussians.cat([])
