"""A portrait's start for networks without fixed sites: G0's alone, handed on to its children.

Sites are stored for k = 2 only. Without them children begin at their parent, whose colour they
inherit, so that what G0 starts with is all that a network of any k, L and width needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from backend.configs.network import PER_LAYER, ModelConfig
from backend.head import Head
from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import SplitAvatar

_SITED = {
    "sites": True, "split": 2, "layers": 1, "g0_copies": 1, "embedding": True, "gating": True,
    "attention": "mlp", "generator": "open",
}  # fmt: skip
_models: dict[tuple[ModelConfig, str], SplitAvatar] = {}
"""The last one made: starts are made for many portraits of one network."""


def sited_model(config: ModelConfig, head: Head) -> SplitAvatar:
    """A network that has sites and otherwise begins as the one of `config` does.

    Args:
        config: Of a network without sites.
        head: The head.
    """
    key = (config, head.hash)
    if key not in _models:
        _models.clear()
        lists = {name: _two(getattr(config, name)) for name in PER_LAYER}
        _models[key] = SplitAvatar(dataclasses.replace(config, **_SITED, **lists), head)
    return _models[key]


def spread(g0: LayerResiduals, config: ModelConfig) -> list[LayerResiduals]:
    """Residuals of G0..GL from those of one Gaussian per vertex.

    Args:
        g0: One Gaussian per vertex.
        config: Of the network they are for.
    """
    layers = [_copied(g0, tuple(name for name, _ in g0.tensors()), config.g0_copies)]
    for layer in range(1, config.layers + 1):
        layers.append(_copied(g0, ("opacity", "scale"), config.copies(layer)))
    return layers


def _copied(g0: LayerResiduals, names: Sequence[str], copies: int) -> LayerResiduals:
    own = dict(g0.tensors())
    found = {n: own[n].repeat_interleave(copies, dim=0).contiguous() for n in names if n in own}
    return LayerResiduals(**found)


def _two(values: Sequence[float]) -> tuple[float, ...]:
    return (float(values[0]), float(values[min(1, len(values) - 1)]))
