"""Folds brighten as they are smoothed: what shade they lie in is gone with the expression.

Most portraits smile. The creases beside their mouths are narrow and dark; on the skin that unfolds
as the smile goes they would be broad stripes. So is the shade between lids and brows that rise;
what brows themselves become is told by `brows`.
"""

from __future__ import annotations

import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.avatar.beards import bearded
from backend.avatar.brows import Brows
from backend.avatar.growth import doubled_areas
from backend.avatar.recolour import (
    away_from,
    even_skin,
    gone,
    in_the_light,
    lit_around,
    ramp,
    recoloured,
)
from backend.head import Head
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians

_NO_SKIN = (
    "lips", "lashes", "scalp", "left_eyeball", "right_eyeball", "eye_sockets", "mouth_interior",
)  # fmt: skip
_STILL_M, _FOLDED_M = 0.002, 0.005
"""How far the portrait's expression moves skin that shows no folds, and all that may."""

_LEAST_WAY_M = 1e-4  # shorter ways are none
_LEAST_STRETCH, _LEAST_AT_BROWS = 1.1, 1.2
"""Times its area: that much the fit errs; and brows, which stay dark, widen as a frown goes."""

_MOST = 0.8  # some of what the portrait shows stays
_SHOWING = 0.3  # opacity
_EVERY, _NEIGHBOURS = 12, 88
"""Some 14 mm around: broader than folds and the shade beside them."""

_BROWS_M = 0.008
_SOCKET_M, _AROUND_EYES_M, _FEWER = 0.014, 0.03, 2
"""From the lids; all between brow and eye may lie in the shade, and 20 mm around not all of it."""

_LIPS_M, _SHADED, _ANOTHER_HUE = 0.006, 0.015, 0.04  # chromaticity of shade, and of lips

_TRIANGLES = 3  # around a place: one alone would show its edges


class Folds:
    """The skin of one avatar that its portrait's expression has folded.

    Args:
        cloud: Its expression Gaussians at the portrait's expression, head space, colours first.
        vertices: [V, 3] the mesh at that expression, metres.
        rest: [V, 3] without expression.
        head: The head they are on.
        closed: [V] 0..1: where the portrait shows closed lids, which fold as they open.
        raised: [V, 3] how far raised brows move the mesh.

    Deviates: in the paper wrinkles are the network's to know.
    """

    def __init__(
        self,
        cloud: Gaussians,
        vertices: Tensor,
        rest: Tensor,
        head: Head,
        closed: Tensor,
        raised: Tensor,
    ) -> None:
        regions, of, colours = head.regions, cloud.vertices.long(), cloud.features[:, :COLOURS]
        other = torch.stack([regions[name] for name in _NO_SKIN]).any(0)
        skin = regions["face"] & ~other
        shown = torch.nonzero((skin & ~regions["brows"])[of] & (cloud.opacities > _SHOWING))[:, 0]
        seen = shown[::_EVERY]
        index = torch.nonzero(skin[of] & bool(len(seen)))[:, 0]
        self._index, self._vertices, self._lit = index, of[index], colours[index]
        self._rest, self._way = rest, vertices - rest
        far = self._way.norm(dim=1)
        at_brows = _near(rest, regions["brows"], _BROWS_M)
        self._folded = ramp(far, _STILL_M, _FOLDED_M) * ~at_brows
        self._faces, self._skin_faces = head.faces, skin[head.faces].all(1)
        corners = head.faces[self._skin_faces]
        self._corners, self._area = corners, doubled_areas(vertices, corners)
        self._least = torch.where(at_brows, _LEAST_AT_BROWS, _LEAST_STRETCH)
        brows = Brows(vertices, rest, raised, regions)
        self._folded[brows.hanging] = 1
        self._way = torch.where(brows.hanging[:, None], brows.way, self._way)
        self._start = torch.where(brows.hanging, brows.start, 1)
        if not len(index):
            self._triangles, self._shade = index[:, None], index.float()
            return
        middles = vertices[corners].mean(1)
        self._triangles = _nearest(middles, cloud.means[index])
        eyes = away_from(rest[regions["lids"]], rest) if regions["lids"].any() else far + torch.inf
        shaded = ((eyes < _SOCKET_M) | brows.hanging)[self._vertices]
        around = lit_around(cloud.means[seen], colours[seen], cloud.means[index], _NEIGHBOURS)
        near = seen[(eyes < _AROUND_EYES_M)[of[seen]]][::_FEWER]
        around[shaded] = _eyelid_skin(cloud, near, index[shaded], around[shaded])
        red = _reddened(self._lit, around) * _beside_lips(rest, regions)[self._vertices]
        usual = around.sum(1)
        hair = bearded(cloud, shown, index, rest, regions["lips"], usual)
        hair[shaded] = 0
        self._shade = _MOST * (1 - red) * (1 - hair)
        self._lit = torch.where((usual > self._lit.sum(1))[:, None], around, self._lit)
        if len(at := torch.nonzero(brows.hanging[self._vertices])[:, 0]):
            places = cloud.means[index]
            lit = brows.shaded(cloud.means[seen], colours[seen], places[at], around[at])
            self._lit[at] = brows.risen(places, colours[index], at, lit)
            self._shade[at] = brows.between_ends(places[at])
        self._shade *= 1 - closed[self._vertices]

    def coloured(self, cloud: Gaussians, vertices: Tensor) -> Gaussians:
        """The same Gaussians, brighter where the skin is smoother than in the portrait.

        Args:
            cloud: Expression Gaussians of any expression, of G0 only or of all layers, with the
                portrait's colours.
            vertices: [V, 3] the mesh at that expression, head space.
        """
        there = self._index < len(cloud)
        index, of = self._index[there], self._vertices[there]
        stretched = self._stretched(vertices, there)
        share = self._smoothed(vertices)[of].maximum(stretched)
        return recoloured(cloud, index, self._lit[there], share * self._shade[there])

    def binding(self, count: int) -> dict[str, Tensor]:
        """Its part of `shared.binding`, for a cloud of `count` Gaussians."""
        colours, shares = self._lit.new_zeros(count, 3), self._lit.new_zeros(count)
        faces = self._corners.new_zeros(count, _TRIANGLES)
        areas = self._lit.new_zeros(len(self._faces))
        areas[self._skin_faces] = self._area / 2
        if len(self._index):
            colours[self._index], shares[self._index] = self._lit, self._shade
            faces[self._index] = torch.nonzero(self._skin_faces)[:, 0][self._triangles]
        return {
            "fold_colours": colours,
            "fold_shares": shares,
            "fold_faces": faces,
            "fold_starts": self._start,
            "fold_least": self._least,
            "fold_areas": areas,
            "ways": self._way,
            "folded": self._folded,
        }

    def _smoothed(self, vertices: Tensor) -> Tensor:
        """[V] 0..1: how much of the portrait's expression is gone where it folded the skin."""
        back = gone(vertices - self._rest, self._way, _LEAST_WAY_M)
        return self._folded * (self._start - back).clamp(0, 1)

    def _stretched(self, vertices: Tensor, there: Tensor) -> Tensor:
        """[K] 0..1: how far the skin around each Gaussian is larger than in the portrait, of those
        that `there` [M] has."""
        times = doubled_areas(vertices, self._corners) / self._area.clamp_min(1e-12)
        times = times[self._triangles[there]].mean(1) / self._least[self._vertices[there]]
        return 1 - times.clamp_min(1).square().reciprocal()


def _eyelid_skin(cloud: Gaussians, near: Tensor, index: Tensor, around: Tensor) -> Tensor:
    """[M, 3] skin at some Gaussians [M] by that in the light of those `near` the eyes; where there
    is none, `around` [M, 3]."""
    places, colours = cloud.means[near], cloud.features[near, :COLOURS]
    lit = in_the_light(places, colours) if len(near) else near.bool()
    if not lit.any():
        return around
    return even_skin(places[lit], colours[lit], cloud.means[index], _NEIGHBOURS)


def _reddened(colours: Tensor, around: Tensor) -> Tensor:
    """[M] 0..1: whether colours [M, 3] have another hue than what is around: the red of lips goes
    on beyond a mesh's, and is no shade."""
    own, usual = (c / c.sum(1, keepdim=True).clamp_min(1e-3) for c in (colours, around))
    apart = (own - usual).abs().amax(1)
    return ramp(apart, _SHADED, _ANOTHER_HUE)


def _beside_lips(rest: Tensor, regions: dict[str, Tensor]) -> Tensor:
    """[V] 0..1: how close skin is to lips."""
    if not regions["lips"].any():
        return torch.zeros(len(rest)).to(rest)
    return (1 - away_from(rest[regions["lips"]], rest) / _LIPS_M).clamp_min(0).sqrt()


def _nearest(places: Tensor, at: Tensor) -> Tensor:
    """[M, _TRIANGLES] which of the places [N, 3] are nearest."""
    _, index = KDTree(places.cpu().numpy()).query(at.cpu().numpy(), k=_TRIANGLES)
    return torch.as_tensor(index).to(places.device)


def _near(places: Tensor, of: Tensor, far_m: float) -> Tensor:
    """[V] bool: what of places [V, 3] is at most so far from some of them, [V] bool."""
    if not of.any():
        return of
    return away_from(places[of], places) < far_m
