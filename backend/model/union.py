"""The union of identity and expression Gaussians, ready to rasterise (Eq. 14)."""

from __future__ import annotations

import torch

from backend.model.expression import ExpressionLayers, GaussianLayer
from backend.model.planes import PlaneGaussians
from backend.splat.gaussians import (
    FIRST_EXPRESSION_LAYER,
    IDENTITY_BACK,
    IDENTITY_FRONT,
    Gaussians,
)


def union(
    identity: PlaneGaussians | None, expression: ExpressionLayers, sample: int = 0
) -> Gaussians:
    """All Gaussians of one sample: identity, then M_i * G_i for i = 0..L.

    Masked Gaussians stay, with opacity 0; `Gaussians.kept` drops them. An identity of batch 1
    serves every sample.

    Source: Eq. 14.
    """
    parts = [] if identity is None else [_identity_cloud(identity, sample)]
    for index, layer in enumerate(expression.layers):
        parts.append(_layer_cloud(layer, index, expression, sample))
    return Gaussians.cat(parts)


def _identity_cloud(identity: PlaneGaussians, sample: int) -> Gaussians:
    row = sample if len(identity.means) > 1 else 0
    means = identity.means[row]
    count = len(means)
    planes = torch.tensor([IDENTITY_FRONT, IDENTITY_BACK], device=means.device)
    return Gaussians(
        means=means,
        quats=identity.quats[row],
        scales=identity.scales[row],
        opacities=identity.opacities[row],
        features=identity.features[row],
        layers=planes.to(torch.uint8).repeat_interleave(count // 2),
        vertices=torch.full((count,), -1, dtype=torch.int32, device=means.device),
    )


def _layer_cloud(
    layer: GaussianLayer, index: int, expression: ExpressionLayers, sample: int
) -> Gaussians:
    means = layer.means[sample]
    vertices = expression.layers[0].means.shape[1] // expression.copies
    copies = len(means) // vertices
    ids = torch.arange(vertices, dtype=torch.int32, device=means.device)
    layer_ids = torch.full_like(ids, FIRST_EXPRESSION_LAYER + index, dtype=torch.uint8)
    return Gaussians(
        means=means,
        quats=layer.quats[sample],
        scales=layer.scales[sample],
        opacities=layer.opacities[sample] * layer.mask[sample],
        features=layer.features[sample],
        layers=layer_ids.repeat_interleave(copies),
        vertices=ids.repeat_interleave(copies),
    )
