"""Lids that close brighten: what shade, lashes and make-up darken when they are open.

A portrait shows an upper lid folded, in the brow's shade and below its own lashes. In a blink that
same skin lies flat before the eye: with the colours of the fold it would be a dark hole.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from backend.avatar.recolour import away_from, even_skin, gone, in_the_light, ramp, recoloured
from backend.head import Head
from backend.lifting.view import UPPER_LID_M
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians
from shared.flame import ARKIT_NAMES

_BLINKS = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
_STILL_M, _LID_FROM_M, _LID_M = 0.0005, 0.0007, 0.0025
"""How far a blink moves other skin at most, lids at least, and what is lid only."""

_EDGE_M = UPPER_LID_M  # and the upper lid's edge
_LAUGHING, _CLOSED = 0.25, 0.4  # how far of a blink's way lids go that are open, and that are not
_AROUND_M = 0.02  # below the eyes: cheeks count, jaws do not
_SHOWING = 0.3  # opacity
_MOST_CLOSED = 0.9  # in a portrait whose lids can still close
_NEIGHBOURS = 128
_GAMMA, _SHADE = 1.25, 0.95  # lids are thin, redder than the skin around them, and a little darker
_MOST = 0.85  # some of what the portrait shows stays
_DARKER = 0.15  # than that, from where on all of it is shade
_LASHES_M, _BARE_M = 0.0014, 0.0033  # from the edge of a closed lid
_DARKEST, _LASH_SHADE = 0.05, (0.15, 0.35)
"""Of what the portrait shows at an open lid's edge, so much is lashes and nothing else; of the
skin, how dark they may be: white ones and mascara."""


class Lids:
    """The lids of one avatar.

    Args:
        cloud: Its expression Gaussians at the portrait's expression, head space, colours first.
        vertices: [V, 3] the mesh at that expression, metres.
        rest: [V, 3] without expression.
        blink: [V, 3] how far a blink of both eyes moves them.
        regions: [V] bool each, of the head.

    Deviates: in the paper colours of closed lids are the network's to know.
    """

    def __init__(
        self,
        cloud: Gaussians,
        vertices: Tensor,
        rest: Tensor,
        blink: Tensor,
        regions: dict[str, Tensor],
    ) -> None:
        self._rest, self._blink = rest, blink
        way = blink.norm(dim=1)
        self._closed_before = self._share(vertices).clamp(0, _MOST_CLOSED)
        of, colours = cloud.vertices.long(), cloud.features[:, :COLOURS]
        plain = _plain(rest, way, regions)[of] & (cloud.opacities > _SHOWING)
        shown = torch.nonzero(plain)[:, 0]
        plain[shown] = in_the_light(cloud.means[shown], colours[shown]) if len(shown) else False
        lids = (way > _LID_FROM_M) & ~_other(regions)
        index = torch.nonzero(lids[of] & plain.any())[:, 0]
        self._index, self._vertices = index, of[index]
        self._closed, self._most = colours[index], torch.zeros_like(way[self._vertices])
        if not len(index):  # a head without lids, or an avatar that shows no skin around them
            return
        skin = even_skin(cloud.means[plain], colours[plain], cloud.means[index], _NEIGHBOURS)
        skin = _SHADE * skin.clamp(0, 1).pow(_GAMMA)
        left = (blink * (1 - self._closed_before)[:, None])[self._vertices]
        edge = (rest + blink)[regions["lids"] & (way < UPPER_LID_M)]
        bare = _bare(cloud.means[index] + left, edge)[:, None]
        now = colours[index]
        self._closed = bare * skin + (1 - bare) * now.minimum(_lashes(now, skin, bare) * skin)
        moving = _lid(way)[self._vertices]
        shade = ((1 - now.sum(1) / self._closed.sum(1).clamp_min(1e-6)) / _DARKER).clamp(0, 1)
        lashes = 1 - bare[:, 0]
        self._most = _MOST * moving * shade.maximum(lashes)

    @classmethod
    def of(
        cls, cloud: Gaussians, vertices: Tensor, rest: Tensor, head: Head, betas: np.ndarray | None
    ) -> Lids:
        """Of an avatar on this head, with its identity's `betas` [S]."""
        blink = head.unit_deltas(betas)[_BLINKS].sum(0)
        return cls(cloud, vertices, rest, blink, head.regions)

    @property
    def closed(self) -> Tensor:
        """[V] 0..1: where the portrait shows closed lids; those of laughing eyes are open, and
        cheeks that a smile has raised, or what a frown has lowered, are no lids: a blink moves
        them by less than a lid's edge."""
        way = self._blink.norm(dim=1)
        closed = ramp(self._closed_before, _LAUGHING, _CLOSED)
        for side in (self._rest[:, 0] > 0, self._rest[:, 0] <= 0):
            edge = closed[side & (way > _EDGE_M)]
            closed[side] *= edge.median() if len(edge) else 0
        return closed * _lid(way)

    def coloured(self, cloud: Gaussians, vertices: Tensor) -> Gaussians:
        """The same Gaussians, lids as far as they are closed more than in the portrait.

        Args:
            cloud: Expression Gaussians of any expression, of G0 only or of all layers.
            vertices: [V, 3] the mesh at that expression, head space.
        """
        there = self._index < len(cloud)
        index, of = self._index[there], self._vertices[there]
        before = self._closed_before
        more = ((self._share(vertices) - before) / (1 - before)).clamp(0, 1)[of]
        return recoloured(cloud, index, self._closed[there], more * self._most[there])

    def binding(self, count: int) -> dict[str, Tensor]:
        """Its part of `shared.binding`, for a cloud of `count` Gaussians."""
        colours, shares = self._closed.new_zeros(count, 3), self._most.new_zeros(count)
        colours[self._index], shares[self._index] = self._closed, self._most
        return {
            "lid_colours": colours,
            "lid_shares": shares,
            "blinks": self._blink,
            "closed_before": self._closed_before,
        }

    def _share(self, vertices: Tensor) -> Tensor:
        """[V] how far each vertex has gone of a blink's way; 0 where it has none."""
        return gone(vertices - self._rest, self._blink, _STILL_M)


def _lashes(now: Tensor, skin: Tensor, bare: Tensor) -> float:
    """How dark an avatar's lashes are, of the skin [M, 3], by colours [M, 3] at lids' edges, where
    `bare` [M, 1] is 0."""
    at_edge = (bare == 0)[:, 0]
    if not at_edge.any():
        return _LASH_SHADE[1]
    shades = now[at_edge].sum(1) / skin[at_edge].sum(1).clamp_min(1e-6)
    return min(max(float(shades.quantile(_DARKEST)), _LASH_SHADE[0]), _LASH_SHADE[1])


def _lid(way: Tensor) -> Tensor:
    """[V] 0..1: what is lid, by how far a blink moves it [V], metres."""
    return ramp(way, _LID_FROM_M, _LID_M)


def _other(regions: dict[str, Tensor]) -> Tensor:
    """[V] bool: what a blink moves in the rig, but no lid: sockets, and the nose's inside."""
    names = ("lashes", "left_eyeball", "right_eyeball", "eye_sockets", "mouth_interior")
    return torch.stack([regions[name] for name in names]).any(0)


def _plain(rest: Tensor, way: Tensor, regions: dict[str, Tensor]) -> Tensor:
    """[V] bool: the face's skin around the eyes, brows not."""
    other = [regions[name] for name in ("lips", "brows", "lashes", "scalp", "eye_sockets")]
    if not regions["lids"].any():
        return torch.zeros_like(regions["face"])
    above = rest[:, 1] > rest[regions["lids"], 1].min() - _AROUND_M
    return regions["face"] & above & (way < _STILL_M) & ~torch.stack(other).any(0)


def _bare(places: Tensor, edge: Tensor) -> Tensor:
    """[M] 0..1: how far from a closed lid's edge [E, 3] a place is, at 0 below lashes."""
    return ramp(away_from(edge, places), _LASHES_M, _BARE_M)
