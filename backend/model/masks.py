"""The gating mechanism: which split Gaussians are kept (Sec. 3.4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class MaskNetwork(nn.Module):
    """N_mask: a soft mask per child from the parent's feature, before the sigmoid.

    Args:
        width: Width of F_i.
        split: Children per node, k.
        start: Soft mask of an untrained network.

    Source: Eq. 10.
    Deviates: the last layer starts at zero with the bias at logit(start), so that an untrained
        network keeps every Gaussian; the paper does not name its start.
    """

    def __init__(self, width: int, split: int, start: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, split)
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, math.log(start / (1 - start)))

    def forward(self, features: Tensor) -> Tensor:
        """F_i [B, N, width] -> mask logits [B, k * N]."""
        return self.out(torch.relu(self.hidden(features))).flatten(1, 2)


def quantise(soft: Tensor) -> Tensor:
    """q: 1 where the value is greater than one half, else 0.

    Source: Eq. 11.
    """
    return (soft > 0.5).to(soft.dtype)


def child_mask(soft: Tensor, parent: Tensor, split: int) -> Tensor:
    """M_{i+1}: binary going forward, the product of soft mask and parent going backward.

    Args:
        soft: [B, k * N] m_{i+1}, 0..1.
        parent: [B, N] M_i, 0 or 1.
        split: k.

    Returns:
        [B, k * N], 0 or 1. d/dm = M_i of the parent; d/dM_i = the sum of its children's m.

    Source: Eqs. 12-13.
    Deviates: the paper's Eq. 13 writes M_i^logical where its own Eq. 12 defines M_{i+1}^logical;
        read as the latter.
    """
    inherited = parent.repeat_interleave(split, dim=1)  # [B, k * N]
    product = soft * inherited
    logical = quantise(soft) * quantise(inherited)
    # Written so that the value is exactly 0 or 1: `product + (logical - product)` can round.
    return logical.detach() + (product - product.detach())
