"""Presets become configs, or say what is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from backend.configs.network import ModelConfig, model_config
from backend.model.attributes import GEOMETRY
from shared.errors import AvatarError


def test_the_open_preset_is_the_default_config(repository) -> None:
    values = tomllib.loads((repository / "backend/configs/open.toml").read_text())
    assert model_config(values) == ModelConfig()


def test_a_config_survives_plain_values() -> None:
    assert model_config(ModelConfig().to_dict()) == ModelConfig()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"width": 63}, "width is 63; expected a multiple of heads = 4"),
        ({"layers": 2}, "scale_spacing is (1.0, 0.9, 0.85, 0.8); expected 3 numbers (G0..G2)"),
        (
            {"attention": "magic"},
            "attention is 'magic'; expected one of ['mlp', 'reference', 'structured']",
        ),
        ({"g0_copies": 15}, "g0_copies is 15; expected 1, or layers = 0 and generator = baseline"),
        ({"sites": 1}, "sites is 1; expected a value of type bool"),
        ({"grid": True}, "grid is True; expected a value of type int"),
        ({"plane_scale_m": 10**400}, "expected a number"),
        ({"lambda_scale": [10**400, 1, 1, 1]}, "expected a list of numbers"),
        ({"lambda_scale": "big"}, "lambda_scale is 'big'; expected a list of numbers"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(change, text) -> None:
    with pytest.raises(AvatarError) as error:
        model_config(ModelConfig().to_dict() | change)
    assert error.value.code == "bad_file"
    assert text in error.value.message


def test_a_missing_setting_is_named() -> None:
    values = ModelConfig().to_dict()
    del values["heads"]
    with pytest.raises(AvatarError) as error:
        model_config(values)
    assert "heads is 'nothing'" in error.value.message


def test_without_an_embedding_a_node_is_as_wide_as_a_gaussians_raw_attributes() -> None:
    assert replace(ModelConfig(), embedding=False).node_width == GEOMETRY + 32
