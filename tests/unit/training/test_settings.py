"""Training settings: defaults, choices, what a preset may say."""

from __future__ import annotations

import dataclasses

import pytest

from backend.configs.network import ModelConfig
from backend.configs.presets import load_preset, presets
from backend.configs.training import TrainConfig
from backend.training.settings import load_settings, loss_weights, settings_of
from shared.errors import AvatarError


def test_the_defaults_are_the_papers():
    config = TrainConfig()
    assert (config.lr, config.batch, config.iterations) == (1e-4, 4, 200_000)
    weights = loss_weights(config)
    assert (weights.image, weights.perceptual, weights.lifting, weights.split) == (1, 0.5, 1, 0.5)
    assert weights.box_share == 0


def test_network_and_training_share_no_key():
    names = [{field.name for field in dataclasses.fields(c)} for c in (ModelConfig, TrainConfig)]
    assert not names[0] & names[1]


@pytest.mark.parametrize("name", presets())
def test_every_preset_has_training_settings(name: str):
    settings = load_settings(name, iterations=7)
    assert settings.train.iterations == 7
    assert settings_of(settings.to_dict()) == settings
    assert settings.model.preset == load_preset(name)["preset"]


@pytest.mark.parametrize(
    "values",
    [
        {"precision": "8"},
        {"perceptual": "resnet"},
        {"batch": 0},
        {"workers": -1},
        {"betas": [0.9]},
        {"betas": [0.9, 1.0]},
        {"lr": -1.0},
        {"lr_names": ["style_mlp"]},
        {"box_share": 2.0},
        {"start": "photo"},
    ],
)
def test_a_setting_out_of_range_is_named(values: dict):
    with pytest.raises(AvatarError, match=next(iter(values)).split("_")[0]) as found:
        settings_of(values)
    assert found.value.code == "bad_request"


def test_the_baselines_preset_trains_as_its_released_code_does():
    train = load_settings("gagavatar").train
    weights = loss_weights(train)
    assert (weights.box_share, weights.perceptual, weights.perceptual_box) == (0.5, 0.01, True)
    assert (weights.lifting, weights.split) == (10, 0)
    assert (train.betas, train.lr_end, train.batch) == ((0.0, 0.99), 0.1, 8)
    assert train.perceptual == "alexnet_vggface"
