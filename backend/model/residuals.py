"""The avatar's own tensors, added to the network's raw outputs before activation.

A missing tensor (None) adds nothing. Residuals belong to one avatar and have no batch dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from backend.model.attributes import COLOURS, logit


@dataclass
class _Residuals:
    """Tensors of which some may be missing."""

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """The tensors that exist, with their names."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                yield field.name, value

    def to(self, device: str | torch.device) -> Self:
        """The same residuals on another device."""
        return type(self)(**{name: tensor.to(device) for name, tensor in self.tensors()})


@dataclass
class LayerResiduals(_Residuals):
    """Residuals of one expression layer G_i with N Gaussians.

    Args:
        features: [N, c] with c = 3 (colour logits only) up to C.
        opacity: [N] on the opacity logit.
        scale: [N, 3] on the log-scale (`spacing`) or the scale logit (`sigmoid`).
        offset: [N, 3] inside the tanh of the offset.
        quat: [N, 4] on the raw quaternion.
        mask: [N] on the mask logit; unused for G0, which has no mask.
    """

    features: Tensor | None = None
    opacity: Tensor | None = None
    scale: Tensor | None = None
    offset: Tensor | None = None
    quat: Tensor | None = None
    mask: Tensor | None = None


@dataclass
class IdentityResiduals(_Residuals):
    """Residuals of the two identity planes (0 front, 1 back) with P cells each.

    Args:
        features: [2, P, c] with c = 3 (colour logits only) up to C.
        opacity: [2, P] on the opacity logit.
        scale: [2, P, 3] on the scale logit.
        offset: [2, P] on the offset logit.
        quat: [2, P, 4] on the raw quaternion.
    """

    features: Tensor | None = None
    opacity: Tensor | None = None
    scale: Tensor | None = None
    offset: Tensor | None = None
    quat: Tensor | None = None


def add(raw: Tensor, residual: Tensor | None) -> Tensor:
    """raw [B, ...] + residual [...]."""
    return raw if residual is None else raw + residual


def add_features(raw: Tensor, residual: Tensor | None) -> Tensor:
    """raw [B, ..., C] + residual [..., c], c <= C: on the first c channels."""
    if residual is None:
        return raw
    given = residual.shape[-1]
    if given >= raw.shape[-1]:  # fewer channels may be assembled than the avatar stores
        return raw + residual[..., : raw.shape[-1]]
    return torch.cat([raw[..., :given] + residual, raw[..., given:]], dim=-1)


def colour_residuals(colours: list[Tensor], split: int) -> list[Tensor]:
    """Feature residuals that give every layer its own colours where the network's raw is 0.

    A child's logits start from its parent's, so its residual is the difference of the two.

    Args:
        colours: Per layer [N_i, 3] display sRGB 0..1.
        split: k.

    Returns:
        Per layer [N_i, 3].
    """
    logits = [logit(rgb[..., :COLOURS], eps=1e-3) for rgb in colours]
    residuals = [logits[0]]
    for parent, child in pairwise(logits):
        residuals.append(child - parent.repeat_interleave(split, dim=0))
    return residuals
