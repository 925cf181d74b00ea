"""What a run is made from: the network's and the training's part of one preset."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.configs.network import ModelConfig
from backend.configs.presets import load_preset, resolve
from backend.configs.training import TrainConfig
from backend.losses import LossWeights

MAY_CHANGE = frozenset(
    {
        "accumulate",
        "checkpoint_every",
        "image_every",
        "iterations",
        "keep_checkpoints",
        "validate_every",
        "workers",
    }
)
"""Training keys that a resumed run may change: none of them changes what a step computes, but
`iterations` where `lr_end` is not 1."""


@dataclass(frozen=True)
class Settings:
    """A preset, resolved.

    Args:
        model: The network's part.
        train: The training's.
    """

    model: ModelConfig
    train: TrainConfig

    def to_dict(self) -> dict[str, Any]:
        """Plain values under their preset keys."""
        values = {**dataclasses.asdict(self.model), **dataclasses.asdict(self.train)}
        return json.loads(json.dumps(values))


def load_settings(preset: str | Path, **changes: Any) -> Settings:
    """Settings of a preset (a name or the path of a .toml file), with some keys changed.

    Raises:
        AvatarError: As `backend.configs.presets.load_preset`.
    """
    return settings_of({**load_preset(preset), **changes})


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Settings of a preset's values."""
    model, train = resolve(values, ModelConfig, TrainConfig)
    return Settings(model, train)


def loss_weights(train: TrainConfig) -> LossWeights:
    """Eq. 19's weights out of the settings."""
    return LossWeights(
        image=train.weight_image,
        perceptual=train.weight_perceptual,
        lifting=train.weight_lifting,
        split=train.weight_split,
        box_share=train.box_share,
        perceptual_box=train.perceptual_box,
    )
