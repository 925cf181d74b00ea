"""Gradient steps on an avatar's own Gaussians against its portrait.

Source: design.md, The way of the data 2; first-avatar.md, what mattered. The network's weights
are not touched: what is optimised are the avatar's residuals.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.avatar.adam import Adam
from backend.avatar.side_views import SideViews
from backend.lifting.sampling import look_up
from backend.lifting.target import Personal, Target
from backend.losses import PointLosses, image_loss
from backend.model.attributes import COLOURS
from backend.model.expression import ExpressionLayers, ExpressionRaw
from backend.model.planes import PlaneGaussians
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.model.union import union
from backend.splat.blending import blending_weights
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera
from shared.progress import Progress

RATES = {"features": 0.04, "opacity": 0.03, "scale": 0.015, "offset": 0.03, "mask": 0.03}
"""Adam's learning rates per residual, before the drop at `_DROP_AT`."""

_DROP_AT = 0.7
_DROP = 0.3
_GREY_UNTIL = 0.5  # other backgrounds than black, so that edges turn transparent, not dark
_ADAM_EPS = 1e-7  # 1e-12 turns hidden Gaussians into coloured noise
_COLOUR_REACH = 0.6  # logits stay this near to where they started, nearer where less shows
_SIZE_REACH = 0.1  # logarithms of what shows badly: between shrunk splats there are holes, aside
_ASIDE = 4  # every so many steps a look from a side
_SIDE_WEIGHT = 1.5
_PLANES_HIDE = 0.1  # a sheet's cells are seen from the front, and aside hardly less well
_REFRESH = 20  # iterations between two looks of the network at what has changed
_SHOWN = 0.6  # pixels' worth of the portrait
_SHOWN_WELL = 0.5  # of `Personal.shown`
_OF_PLANES = {"opacity": "cells", "features": "colours", "offset": "moving", "scale": "moving"}
_BEFORE_HEAD = 0.5  # alpha of the head's own picture


def personalise(
    model: SplitAvatar,
    encoded: Encoded,
    personal: Personal,
    target: Target,
    iterations: int,
    progress: Progress,
) -> list[float]:
    """Improves `personal` in place.

    Args:
        model: The network, frozen.
        encoded: What it made of the portrait.
        personal: Where to start from, and what is changed.
        target: The portrait.
        iterations: Adam steps.
        progress: Told after every step; may cancel.

    Returns:
        The loss of every step.

    Deviates: the network's outputs count as constants and are refreshed every 20 steps.
    """
    before, free = _before(model, encoded, personal, target)
    parameters, freezing = _parameters(personal, free)
    sides = SideViews(before, _hidden(personal, len(before)), target.camera, _middle(target))
    adam = Adam(parameters, _ADAM_EPS)
    starts = [(values, values.detach().clone(), reach) for values, reach in _bounded(personal)]
    points = PointLosses()
    chance = random.Random(0)
    drop_at, grey_until = int(iterations * _DROP_AT), int(iterations * _GREY_UNTIL)
    losses: list[float] = []
    raw = None
    for step in range(iterations):
        background = chance.random() if step < grey_until else 0.0
        if raw is None or step % _REFRESH == 0:
            raw = model.expression_raw(
                encoded.g0_raw, target.vertices, target.frames, personal.layers
            )
        identity, layers = assemble(model, encoded, raw, personal, target)
        cloud = masked_union(identity, layers, personal)
        raster = rasterise(cloud, target.camera, mask_gradient=True)
        loss = image_loss(raster, target.image, target.alpha, background) + points(
            cloud.means[: int(personal.identity_mask.sum())],
            torch.cat([layer.means[0] for layer in layers.layers[1:]]),
            target.vertices[0],
            target.still,
            refresh=step % _REFRESH == 0,
        )
        if step % _ASIDE == 0:
            loss = loss + _SIDE_WEIGHT * sides.loss(cloud, step // _ASIDE)
        loss.backward()
        for parameter, keep in freezing:
            if parameter.grad is not None:
                parameter.grad.mul_(keep)
        adam.step(1.0 if step < drop_at else _DROP)
        with torch.no_grad():
            for values, start, reach in starts:
                values.clamp_(start - reach, start + reach)
        losses.append(float(loss.detach()))
        progress("personalise", step + 1, iterations)
    for tensor in _all(personal):
        tensor.requires_grad_(False)
    return losses


@dataclass(frozen=True)
class _Free:
    """What may change: what the portrait shows well.

    Adam's steps do not shrink with the gradient: what is hidden would wander off into noise, and
    what is seen edge on into streaks. Cells of hair before the head would move to sharpen the
    hairline, and from the side show as a row of dots. What the portrait's own pose lacks without
    all that is the photo's detail to add.

    Args:
        cells: [2, P] bool: the planes' opacities.
        colours: [2, P] bool: their colours.
        moving: [2, P] bool: their places and sizes.
        sites: Of each layer [N] bool: opacities and sizes of the head's Gaussians.
        facing: Of each layer [N] bool: their colours and places.
    """

    cells: Tensor
    colours: Tensor
    moving: Tensor
    sites: list[Tensor]
    facing: list[Tensor]


def _before(
    model: SplitAvatar, encoded: Encoded, personal: Personal, target: Target
) -> tuple[Gaussians, _Free]:
    """The avatar as it starts, and what of it may change."""
    with torch.no_grad():
        raw = model.expression_raw(encoded.g0_raw, target.vertices, target.frames, personal.layers)
        identity, layers = assemble(model, encoded, raw, personal, target)
        cloud = masked_union(identity, layers, personal)
    shown = blending_weights(cloud, target.camera) > _SHOWN
    mask = personal.identity_mask
    cells, moving = torch.zeros_like(mask), torch.zeros_like(mask)
    existing = int(mask.sum())
    sizes = [layer.means.shape[1] for layer in layers.layers]
    head = cloud.select(slice(existing, existing + sum(sizes)))
    beside = ~_before_head(head, cloud.means[:existing], target.camera)
    cells[mask] = shown[:existing]
    moving[mask] = shown[:existing] & beside
    sites = list(shown[existing : existing + sum(sizes)].split(sizes))
    pairs = zip(sites, personal.shown, strict=True)
    facing = [seen & (share > _SHOWN_WELL) for seen, share in pairs]
    colours = (cells & ~personal.rim).view(2, -1)
    return cloud, _Free(cells.view(2, -1), colours, moving.view(2, -1), sites, facing)


def _before_head(head: Gaussians, places: Tensor, camera: Camera) -> Tensor:
    """[N] bool: which places [N, 3] the portrait shows where the head is."""
    with torch.no_grad():
        alpha = rasterise(head, camera).alpha.cpu().numpy()
    pixels = camera.project(places.cpu().numpy())
    return torch.from_numpy(look_up(alpha, pixels, 0.0) > _BEFORE_HEAD).to(places.device)


def _hidden(personal: Personal, count: int) -> Tensor:
    """[count] 0..1: how little the portrait shows of each Gaussian of the union."""
    cells = int(personal.identity_mask.sum())
    hidden = 1 - torch.cat(personal.shown)
    beyond = count - cells - len(hidden)
    return F.pad(torch.cat([hidden.new_full((cells,), _PLANES_HIDE), hidden]), (0, beyond))


def _middle(target: Target) -> np.ndarray:
    """[3] of the head, metres."""
    return target.vertices[0].mean(0).double().cpu().numpy()


def assemble(
    model: SplitAvatar, encoded: Encoded, raw: ExpressionRaw, personal: Personal, target: Target
) -> tuple[PlaneGaussians, ExpressionLayers]:
    """Planes and layers at the target's pose, colours only."""
    identity = model.identity(encoded, personal.identity, target.camera, channels=COLOURS)
    layers = model.assemble(raw, personal.layers, target.vertices, target.frames, channels=COLOURS)
    return identity, layers


def masked_union(
    identity: PlaneGaussians, layers: ExpressionLayers, personal: Personal
) -> Gaussians:
    """Eq. 14's union without the identity cells outside the matte, then what is fixed."""
    cloud, mask = union(identity, layers), personal.identity_mask
    cloud = cloud.select(F.pad(mask, (0, len(cloud) - len(mask)), value=True))
    return Gaussians.cat([cloud, personal.fixed])


def _all(personal: Personal) -> Iterator[Tensor]:
    for residuals in (personal.identity, *personal.layers):
        for _, tensor in residuals.tensors():
            yield tensor


def _bounded(personal: Personal) -> Iterator[tuple[Tensor, Tensor | float]]:
    """What must stay near to where it started, [N, 3], and how near."""
    if personal.identity.features is not None:
        yield personal.identity.features, _COLOUR_REACH
    for layer, shown in zip(personal.layers, personal.shown, strict=True):
        if layer.features is not None:
            yield layer.features, _COLOUR_REACH * shown[:, None]
        if layer.scale is not None:
            yield layer.scale, torch.where(shown > _SHOWN_WELL, torch.inf, _SIZE_REACH)[:, None]


def _parameters(
    personal: Personal, free: _Free
) -> tuple[list[tuple[Tensor, float]], list[tuple[Tensor, Tensor]]]:
    """What `Adam` takes, and what to multiply gradients by so that frozen parts stay."""
    parameters: list[tuple[Tensor, float]] = []
    freezing: list[tuple[Tensor, Tensor]] = []

    def add(name: str, tensor: Tensor, keep: Tensor) -> None:
        tensor.requires_grad_(True)
        parameters.append((tensor, RATES[name]))
        extra = tensor.ndim - keep.ndim
        freezing.append((tensor, keep.float().view(*keep.shape, *[1] * extra)))

    for name, tensor in personal.identity.tensors():
        if name in RATES:
            add(name, tensor, getattr(free, _OF_PLANES[name]))
    kept = zip(personal.frozen, personal.toned, personal.anchored, strict=True)
    kinds = zip(personal.layers, kept, free.sites, free.facing, strict=True)
    for residuals, (frozen, toned, anchored), seen, facing in kinds:
        for name, tensor in residuals.tensors():
            if name == "features":
                add(name, tensor, facing & ~frozen & ~toned)
            elif name == "offset":
                add(name, tensor, facing & ~frozen & ~anchored)
            elif name == "scale":
                add(name, tensor, seen & ~frozen & ~anchored)
            elif name == "opacity":
                add(name, tensor, seen & ~anchored)
            elif name == "mask":
                add(name, tensor, ~anchored)
    return parameters, freezing
