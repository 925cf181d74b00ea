"""What changes the colours of a driven avatar's skin: where from, and how far."""

from __future__ import annotations

from dataclasses import replace

import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.lifting.sampling import between
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians


def lit_around(places: Tensor, colours: Tensor, at: Tensor, count: int) -> Tensor:
    """[M, 3] colours between the nearest places, the darker half left out: it lies in the shade.

    Args:
        places: [N, 3] metres.
        colours: [N, 3] of these places.
        at: [M, 3] metres.
        count: Most neighbours.
    """
    known, values, wanted = (tensor.cpu().numpy() for tensor in (places, colours, at))
    return torch.from_numpy(between(known, values, wanted, count, bright=True)).to(colours)


def away_from(others: Tensor, places: Tensor) -> Tensor:
    """[N] metres from places [N, 3] to the nearest of others [M, 3]."""
    away, _ = KDTree(others.cpu().numpy()).query(places.cpu().numpy())
    return torch.as_tensor(away).to(places)


def recoloured(cloud: Gaussians, index: Tensor, colours: Tensor, share: Tensor) -> Gaussians:
    """The same Gaussians, some of them [M] by a share [M] 0..1 of the way to colours [M, 3]."""
    if not share.any():
        return cloud
    features = cloud.features.clone()
    now = features[index, :COLOURS]
    features[index, :COLOURS] = now + share[:, None] * (colours - now)
    return replace(cloud, features=features)
