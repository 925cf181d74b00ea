"""What changes the colours of a driven avatar's skin: where from, and how far."""

from __future__ import annotations

from dataclasses import replace

import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.lifting.sampling import between
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians

_COARSE, _AROUND, _LIT = 24, 88, 0.8
"""Of some 20 mm around, more than brows are high."""


_HIGHLIGHT = 0.6  # of the skin: what is brighter shines


def lit_around(places: Tensor, colours: Tensor, at: Tensor, count: int) -> Tensor:
    """[M, 3] colours between the nearest places, the darker half left out: it lies in the shade.

    Args:
        places: [N, 3] metres.
        colours: [N, 3] of these places.
        at: [M, 3] metres.
        count: Most neighbours.
    """
    return mixed(places, colours, at, count, bright=True)


def mixed(places: Tensor, values: Tensor, at: Tensor, count: int, bright: bool = False) -> Tensor:
    """As `backend.lifting.sampling.between`, of tensors [N, 3], [N, C] and [M, 3]: [M, C]."""
    known, what, wanted = (tensor.cpu().numpy() for tensor in (places, values, at))
    return torch.from_numpy(between(known, what, wanted, count, bright)).to(values)


def even_skin(places: Tensor, colours: Tensor, at: Tensor, count: int) -> Tensor:
    """[M, 3] as `lit_around`, without highlights: those are pale, and skin apart has another tone.

    Args:
        places: [N, 3] metres, N > 0.
        colours: [N, 3] of these places.
        at: [M, 3] metres.
        count: Most neighbours.
    """
    lit = lit_around(places, colours, at, count)
    tone, most = colours.median(0).values, colours.sum(1).quantile(_HIGHLIGHT)
    bright = lit.sum(1, keepdim=True).clamp_min(1e-6)
    tone = (tone / tone.sum().clamp_min(1e-6) + lit / bright) / 2
    return tone * bright.clamp_max(most)


def in_the_light(places: Tensor, colours: Tensor) -> Tensor:
    """[N] bool: skin about as bright as what is around; no hair of brows, no deep shade.

    Args:
        places: [N, 3] metres.
        colours: [N, 3] of these places.
    """
    few = slice(None, None, _COARSE)
    around = lit_around(places[few], colours[few], places, _AROUND)
    return colours.sum(1) > _LIT * around.sum(1)


def away_from(others: Tensor, places: Tensor) -> Tensor:
    """[N] metres from places [N, 3] to the nearest of others [M, 3]."""
    away, _ = KDTree(others.cpu().numpy()).query(places.cpu().numpy())
    return torch.as_tensor(away).to(places)


def ramp(values: Tensor, start: float, end: float) -> Tensor:
    """0..1: 0 up to `start`, 1 from `end` on, in between in proportion."""
    return ((values - start) / (end - start)).clamp(0, 1)


def gone(moved: Tensor, way: Tensor, least_m: float) -> Tensor:
    """[V] how far of their way [V, 3] vertices have moved [V, 3]: 1 is all of it; ways shorter
    than `least_m` count as that long."""
    return (moved * way).sum(1) / way.square().sum(1).clamp_min(least_m**2)


def recoloured(cloud: Gaussians, index: Tensor, colours: Tensor, share: Tensor) -> Gaussians:
    """The same Gaussians, some of them [M] by a share [M] 0..1 of the way to colours [M, 3]."""
    if not share.any():
        return cloud
    features = cloud.features.clone()
    now = features[index, :COLOURS]
    features[index, :COLOURS] = now + share[:, None] * (colours - now)
    return replace(cloud, features=features)
