"""A portrait's start without sites: every copy and child begins as its vertex does."""

from __future__ import annotations

import pytest
import torch

from backend.configs.presets import load_preset
from backend.evaluation.ablations import variant_settings
from backend.head import Head
from backend.model.residuals import LayerResiduals
from backend.training.spread_start import sited_model, spread


def g0(vertices: int = 3) -> LayerResiduals:
    numbers = torch.arange(vertices, dtype=torch.float32)
    return LayerResiduals(
        features=numbers[:, None].expand(-1, 3), opacity=numbers, scale=numbers[:, None] + 10
    )


def test_children_take_opacity_and_size_and_inherit_colour():
    layers = spread(g0(), variant_settings("k3L2", "small").model)
    assert [len(dict(layer.tensors())["opacity"]) for layer in layers] == [3, 9, 27]
    assert layers[1].opacity is not None
    assert layers[1].opacity.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert layers[1].features is None  # a child's logits start from its parent's


def test_copies_of_g0_take_its_colour_too():
    (layer,) = spread(g0(), variant_settings("baseline_15x", "small").model)
    assert layer.features is not None
    assert layer.features[:, 0].tolist() == [0] * 15 + [1] * 15 + [2] * 15


@pytest.mark.parametrize("variant", ["no_ar", "baseline_15x"])
def test_the_stand_in_has_sites_and_the_variants_planes(variant: str):
    config = variant_settings(variant, "small").model
    stand_in = sited_model(config, Head.load()).config
    assert (stand_in.sites, stand_in.split, stand_in.layers) == (True, 2, 1)
    assert stand_in.grid == config.grid == load_preset("small")["grid"]
    assert stand_in.lambda_position[0] == config.lambda_position[0]
