"""Folds brighten as they are smoothed: what shade they lie in is gone with the expression.

Most portraits smile. The creases beside their mouths are narrow and dark; on the skin that unfolds
as the smile goes they would be broad stripes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from backend.avatar.lids import lit_around
from backend.head import Head
from backend.head.surface import vertex_areas
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians

_NO_SKIN = (
    "lips", "brows", "lashes", "scalp", "left_eyeball", "right_eyeball", "eye_sockets",
    "mouth_interior",
)  # fmt: skip
_STILL_M, _FOLDED_M = 0.002, 0.005
"""How far the portrait's expression moves skin that shows no folds, and all that may."""

_LEAST_STRETCH = 1.1
"""Times its area: that much the fit errs."""

_MOST = 0.9  # some of what the portrait shows stays
_SHOWING = 0.3  # opacity
_EVERY, _NEIGHBOURS = 4, 88
"""Some 8 mm around: broader than folds are, narrower than beards."""


class Folds:
    """The skin of one avatar that its portrait's expression has folded.

    Args:
        cloud: Its expression Gaussians at the portrait's expression, head space, colours first.
        vertices: [V, 3] the mesh at that expression, metres.
        rest: [V, 3] without expression.
        head: The head they are on.

    Deviates: in the paper wrinkles are the network's to know.
    """

    def __init__(self, cloud: Gaussians, vertices: Tensor, rest: Tensor, head: Head) -> None:
        self._rest, self._faces = rest, head.faces
        self._way = vertices - rest
        far = self._way.norm(dim=1)
        self._folded = ((far - _STILL_M) / (_FOLDED_M - _STILL_M)).clamp(0, 1)
        self._area = vertex_areas(vertices, head.faces)
        other = torch.stack([head.regions[name] for name in _NO_SKIN]).any(0)
        of, colours = cloud.vertices.long(), cloud.features[:, :COLOURS]
        skin = (head.regions["face"] & ~other)[of]
        seen = torch.nonzero(skin & (cloud.opacities > _SHOWING))[::_EVERY, 0]
        index = torch.nonzero(skin & bool(len(seen)))[:, 0]
        self._index, self._vertices, self._lit = index, of[index], colours[index]
        if len(index):
            around = lit_around(cloud.means[seen], colours[seen], cloud.means[index], _NEIGHBOURS)
            brighter = around.sum(1, keepdim=True) > self._lit.sum(1, keepdim=True)
            self._lit = torch.where(brighter, around, self._lit)

    def coloured(self, cloud: Gaussians, vertices: Tensor) -> Gaussians:
        """The same Gaussians, brighter where the skin is smoother than in the portrait.

        Args:
            cloud: Expression Gaussians of any expression, of G0 only or of all layers, with the
                portrait's colours.
            vertices: [V, 3] the mesh at that expression, head space.
        """
        there = self._index < len(cloud)
        index, of = self._index[there], self._vertices[there]
        share = (_MOST * self._smoothed(vertices).maximum(self._stretched(vertices)))[of, None]
        if not share.any():
            return cloud
        features = cloud.features.clone()
        now = features[index, :COLOURS]
        features[index, :COLOURS] = now + share * (self._lit[there] - now)
        return replace(cloud, features=features)

    def _smoothed(self, vertices: Tensor) -> Tensor:
        """[V] 0..1: how much of the portrait's expression is gone where it folded the skin."""
        left = ((vertices - self._rest) * self._way).sum(1)
        return self._folded * (1 - left / self._way.square().sum(1).clamp_min(1e-8)).clamp(0, 1)

    def _stretched(self, vertices: Tensor) -> Tensor:
        """[V] 0..1: how far the skin is drawn out over more than its area in the portrait."""
        times = vertex_areas(vertices, self._faces) / self._area.clamp_min(1e-12)
        return 1 - (times / _LEAST_STRETCH).clamp_min(1).square().reciprocal()
