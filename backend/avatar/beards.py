"""Where a face has a beard: dark as folds are, but it stays as they are smoothed."""

from __future__ import annotations

import math

import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.avatar.recolour import ramp
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians

_ASIDE_M, _ABOVE_M, _FACE_M = 0.018, (0.001, 0.010), 0.02
"""Of the upper lip's middle: skin that no smile folds; and how far above the rest of a face is."""

_MOUSTACHE, _SHAVED = 0.62, 0.7
"""How bright the upper lip is, of that face: under seven moustaches .15 to .6, of 23 others .78 at
least."""

_BROAD_M, _CELL_M, _MOST = 0.003, 0.002, 0.9
"""Folds are narrower than twice the first; of a disc's cells so many, as one may be a gleam."""

_BEARD, _SHADE = 0.5, 0.8  # how bright what is broader is, of skin in the light around


def bearded(
    cloud: Gaussians, shown: Tensor, index: Tensor, rest: Tensor, lips: Tensor, lit: Tensor
) -> Tensor:
    """[M] 0..1: which Gaussians of the lower face are hair, by how dark and how broad it is.

    Creases of a wide smile may be as dark and nearly as broad: only a face whose upper lip is dark
    has a beard here.

    Args:
        cloud: Expression Gaussians at the portrait's expression, colours first.
        shown: [N] which of them are skin or beard that shows, N > 0.
        index: [M] which are asked for.
        rest: [V, 3] the mesh without expression, metres.
        lips: [V] bool: its lips.
        lit: [M] brightness of skin in the light around.
    """
    brightness = cloud.features[shown, :COLOURS].sum(1)
    share = _moustache(rest[cloud.vertices[shown].long()], brightness, rest[lips])
    if not share:
        return torch.zeros(len(index)).to(rest)
    broad = _without_lines(cloud.means[shown], brightness, cloud.means[index])
    return share * (1 - ramp(broad / lit.clamp_min(1e-3), _BEARD, _SHADE))


def _moustache(places: Tensor, brightness: Tensor, lips: Tensor) -> float:
    """0..1: whether hair of a brightness [N] is at places [N, 3] above lips [L, 3]."""
    if not len(lips):
        return 0.0
    above = places[:, 1] - lips[:, 1].max()
    lip = (places[:, 0].abs() < _ASIDE_M) & (above > _ABOVE_M[0]) & (above < _ABOVE_M[1])
    lip &= places[:, 2] > lips[:, 2].mean()
    face = above > _FACE_M
    if not lip.any() or not face.any():
        return 0.0
    of_face = brightness[lip].median() / brightness[face].median().clamp_min(1e-3)
    return float(1 - ramp(of_face, _MOUSTACHE, _SHAVED))


def _without_lines(places: Tensor, values: Tensor, at: Tensor) -> Tensor:
    """[M] values [N] of places [N, 3] by places [M, 3], without lines of low ones: their closing,
    the least around of the most around."""
    cells, of, many = torch.unique(
        (places / _CELL_M).floor().int(), dim=0, return_inverse=True, return_counts=True
    )
    middles = torch.zeros(len(cells), 3).to(places).index_add_(0, of, places) / many[:, None]
    means = torch.zeros(len(cells)).to(values).index_add_(0, of, values) / many
    tree = KDTree(middles.cpu().numpy())
    count = min(round(math.pi * (_BROAD_M / _CELL_M) ** 2), len(cells))
    _, index = tree.query(middles.cpu().numpy(), k=count)
    around = torch.as_tensor(index).reshape(-1, count).to(places.device)
    most = means[around].quantile(_MOST, dim=1)
    least = most[around].quantile(1 - _MOST, dim=1)
    _, nearest = tree.query(at.cpu().numpy())
    return least[torch.as_tensor(nearest).to(places.device)]
