"""E and D: Gaussians to latent features and back (Eqs. 4-5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.model.attributes import GEOMETRY, OPACITY, SCALE

MEAN_UNIT_M = 0.1
SCALE_UNIT_M = 0.002
"""Head-space metres that count as 1 in the embedding, so that all 43 inputs are of one size."""


def standardise(
    means: Tensor, opacities: Tensor, quats: Tensor, scales: Tensor, features: Tensor
) -> Tensor:
    """The attributes of G_i as one vector per Gaussian, [B, N, 11 + C].

    Args:
        means: [B, N, 3] metres.
        opacities: [B, N].
        quats: [B, N, 4].
        scales: [B, N, 3] metres.
        features: [B, N, C] activated.

    Source: Eq. 4 (attributes), Sec. 3.3.
    Deviates: lengths are divided by fixed units; the paper does not say how they enter.
    """
    parts = [means / MEAN_UNIT_M, opacities[..., None], quats, scales / SCALE_UNIT_M, features]
    return torch.cat(parts, dim=-1)


def plain_attributes(raw: Tensor, means: Tensor, feature_logits: Tensor) -> tuple[Tensor, Tensor]:
    """F_i without E and D, and what of it the residual connection carries to the children.

    Args:
        raw: [B, N, 11 + C] raw attributes of G_i.
        means: [B, N, 3] metres.
        feature_logits: [B, N, C] accumulated along the parents.

    Returns:
        F_i [B, N, 11 + C]: means, then raw opacity, rotation and scale, then feature logits; and
        the same with zeros for means and features.

    Source: Table 3, "w/o feature embedding": the attributes themselves enter the GSN.
    Deviates: a child's mean and feature logits start from its parent's in every preset, when its
        Gaussian is assembled; carried here as well they would count twice.
    """
    middle = raw[..., OPACITY : SCALE.stop]
    values = torch.cat([means / MEAN_UNIT_M, middle, feature_logits], dim=-1)
    carried = [torch.zeros_like(means), middle, torch.zeros_like(feature_logits)]
    return values, torch.cat(carried, dim=-1)


class Embedding(nn.Module):
    """E: attributes [B, N, 11 + C] -> F_i [B, N, width].

    Source: Eq. 4.
    Deviates: two layers; the paper gives only the width.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(GEOMETRY + channels, width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(self, attributes: Tensor) -> Tensor:
        """See the class."""
        return self.net(attributes)


class Decoder(nn.Module):
    """D: features [B, N, width] -> raw attributes [B, N, 11 + C].

    Source: Eq. 5.
    Deviates: two layers, the last one starts at zero, so that an untrained network splits a
        Gaussian into its plain children (raw 0) instead of noise.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.out = zero_linear(width, GEOMETRY + channels)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        return self.out(torch.relu(self.hidden(features)))


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that starts at zero."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
