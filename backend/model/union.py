"""The union of identity and expression Gaussians, ready to rasterise (Eq. 14)."""

from __future__ import annotations

import torch

from backend.model.expression import ExpressionLayers, GaussianLayer
from backend.model.planes import PlaneGaussians
from backend.splat.gaussians import Gaussians

FIRST_LAYER_ID = 2
"""Layer id of G0 in a cloud; 0 and 1 are the front and back identity plane."""


def union(
    identity: PlaneGaussians | None, expression: ExpressionLayers, sample: int = 0
) -> Gaussians:
    """All Gaussians of one sample: identity, then M_i * G_i for i = 0..L.

    Masked Gaussians stay, with opacity 0; `Gaussians.kept` drops them.

    Source: Eq. 14.
    """
    parts = [] if identity is None else [_identity_cloud(identity, sample)]
    for index, layer in enumerate(expression.layers):
        parts.append(_layer_cloud(layer, index, expression, sample))
    return Gaussians.cat(parts)


def _identity_cloud(identity: PlaneGaussians, sample: int) -> Gaussians:
    means = identity.means[sample]
    count = len(means)
    planes = torch.arange(2, device=means.device).repeat_interleave(count // 2)
    return Gaussians(
        means=means,
        quats=identity.quats[sample],
        scales=identity.scales[sample],
        opacities=identity.opacities[sample],
        features=identity.features[sample],
        layers=planes.to(torch.uint8),
        vertices=torch.full((count,), -1, dtype=torch.int32, device=means.device),
    )


def _layer_cloud(
    layer: GaussianLayer, index: int, expression: ExpressionLayers, sample: int
) -> Gaussians:
    means = layer.means[sample]
    vertices = expression.layers[0].means.shape[1]
    ids = torch.arange(vertices, dtype=torch.int32, device=means.device)
    return Gaussians(
        means=means,
        quats=layer.quats[sample],
        scales=layer.scales[sample],
        opacities=layer.opacities[sample] * layer.mask[sample],
        features=layer.features[sample],
        layers=torch.full(
            (len(means),), FIRST_LAYER_ID + index, dtype=torch.uint8, device=means.device
        ),
        vertices=ids.repeat_interleave(len(means) // vertices),
    )
