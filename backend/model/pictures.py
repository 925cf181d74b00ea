"""From an encoded portrait and driving poses to pictures: what training and evaluation look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.model.attributes import COLOURS
from backend.model.expression import ExpressionLayers
from backend.model.planes import PlaneGaussians
from backend.model.residuals import IdentityResiduals, LayerResiduals
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.model.union import union
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera


@dataclass(frozen=True)
class Own:
    """One portrait's residuals on the network's outputs; None adds nothing.

    Args:
        identity: On the planes.
        layers: One per layer G0..GL.
        identity_mask: [2P] bool, the plane cells that exist.
        fixed: Gaussians that the network does not touch, of colours only: frames of glasses, what
            is behind the head.
    """

    identity: IdentityResiduals | None = None
    layers: Sequence[LayerResiduals] | None = None
    identity_mask: Tensor | None = None
    fixed: Gaussians | None = None


@dataclass(frozen=True)
class Pictures:
    """A batch of pictures and the Gaussians behind them.

    Args:
        coarse: [B, 3, H, W] display sRGB on black, premultiplied: channels 0-2 of the splats.
        fine: [B, 3, H, W] of the neural renderer; None where the preset has none.
        alpha: [B, H, W] 0..1.
        depth: [B, H, W] metres, 0 where nothing is.
        clouds: Per sample all Gaussians of the network, masked ones at opacity 0.
        identity: Per sample the planes' Gaussians, batch 1.
        expression: Per sample G0..GL, batch 1.
    """

    coarse: Tensor
    fine: Tensor | None
    alpha: Tensor
    depth: Tensor
    clouds: tuple[Gaussians, ...]
    identity: tuple[PlaneGaussians, ...]
    expression: tuple[ExpressionLayers, ...]


def draw(
    model: SplitAvatar,
    encoded: Encoded,
    sources: Sequence[Camera],
    vertices: Tensor,
    frames: Tensor,
    targets: Sequence[Camera],
    *,
    own: Sequence[Own] | None = None,
    mask_gradient: bool = False,
    ablate: frozenset[str] = frozenset(),
) -> Pictures:
    """Drives B portraits, each with its own pose and camera, and rasterises them.

    Args:
        model: The network.
        encoded: Of B portraits.
        sources: Camera of every portrait.
        vertices: [B, V, 3] driving heads, metres, head pose excluded.
        frames: [B, V, 3, 3] their local frames.
        targets: Camera of every picture, all of one size.
        own: Residuals of every portrait.
        mask_gradient: Let dropped Gaussians learn to come back (method.md 3, training).
        ablate: As `SplitAvatar.expression`.

    Source: Fig. 2, Eqs. 3, 14.
    """
    residuals = list(own) if own is not None else [Own()] * len(vertices)
    identity, expression, clouds, rasters = [], [], [], []
    for b, mine in enumerate(residuals):
        one = Encoded(*(value[b : b + 1] for value in vars(encoded).values()))
        planes = model.identity(one, mine.identity, sources[b])
        layers = model.expression(
            one.g0_raw, vertices[b : b + 1], frames[b : b + 1], mine.layers, ablate
        )
        cloud = union(planes, layers)
        there = _existing(cloud, mine.identity_mask)
        cloud.opacities = torch.where(there, cloud.opacities, 0)
        shown = cloud
        if model.renderer is None:  # nobody looks at the other channels
            shown = replace(cloud, features=cloud.features[:, :COLOURS])
        shown = shown.select(there) if mask_gradient else shown.kept()
        if mine.fixed is not None:
            shown = Gaussians.cat([shown, _widened(mine.fixed, shown.channels)])
        raster = rasterise(
            shown, targets[b], mask_gradient=mask_gradient, alpha_max=model.config.alpha_max
        )
        identity.append(planes)
        expression.append(layers)
        clouds.append(cloud)
        rasters.append(raster)
    features = torch.stack([raster.features for raster in rasters]).permute(0, 3, 1, 2)
    return Pictures(
        coarse=features[:, :COLOURS],
        fine=None if model.renderer is None else model.renderer(features),
        alpha=torch.stack([raster.alpha for raster in rasters]),
        depth=torch.stack([raster.depth for raster in rasters]),
        clouds=tuple(clouds),
        identity=tuple(identity),
        expression=tuple(expression),
    )


def _existing(cloud: Gaussians, identity_mask: Tensor | None) -> Tensor:
    """[N] bool: all but the planes' cells that a portrait leaves out."""
    there = torch.ones_like(cloud.opacities, dtype=torch.bool)
    if identity_mask is not None:
        there[: len(identity_mask)] = identity_mask
    return there


def _widened(cloud: Gaussians, channels: int) -> Gaussians:
    """A cloud of colours with as many features as others have."""
    features = F.pad(cloud.features, (0, channels - cloud.channels))
    return replace(cloud, features=features)
