"""The mouth and the eyes in an avatar's photo, and how far they have opened or closed since."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.avatar.recolour import away_from
from backend.head import Head
from backend.lifting.view import UPPER_LID_M, lid_skin
from backend.splat.gaussians import Gaussians

_INSIDE_MOUTH = ("teeth_upper", "teeth_lower", "tongue", "mouth_interior")
_LIPS_STILL_PX, _LIDS_STILL_PX = 4.0, 2.5
"""Lips that part farther uncover other places of the teeth; lids that are half closed open by a few
pixels."""
_LASHES_M = 0.008  # how far lashes of closed lids hang over the skin below
_CLOSED = 0.5  # lids that are so far closed hide as much as others


@dataclass(frozen=True)
class Opening:
    """Which Gaussians are an opening's.

    Args:
        inside: [N] 0..1: for teeth, tongue, cheeks' insides and throat, and below a closed lid for
            eyeball and skin: what a portrait shows there is not what lies there when it opens.
        upper: [N] bool: of the upper lip, or lid.
        lower: [N] bool: of the lower one.
        still_px: How far they may part and what is inside still shows.
    """

    inside: Tensor
    upper: Tensor
    lower: Tensor
    still_px: float

    def gap(self, places: Tensor) -> Tensor:
        """[2] pixels from the upper edge to the lower one, of all Gaussians' places [N, 2]."""
        if not (self.upper.any() and self.lower.any()):
            return torch.zeros(2).to(places)
        return places[self.lower].mean(0) - places[self.upper].mean(0)

    def shown(self, before: Tensor, now: Tensor) -> Tensor:
        """[N] 0..1: how far the Gaussians still show what they did when the gap [2] was as
        before."""
        still = torch.exp(-(((now - before) / self.still_px).square().sum()))
        return 1 - self.inside * (1 - still)


def mouth_of(cloud: Gaussians, head: Head) -> Opening:
    """A mouth among N Gaussians.

    Args:
        cloud: An avatar's, in any pose.
        head: The head that they lie on.
    """
    regions, middle = head.regions, head.v_template[head.regions["lips"], 1].mean()
    above = head.v_template[:, 1] > middle
    inside = torch.stack([regions[name] for name in _INSIDE_MOUTH]).any(0)
    return Opening(
        cloud.among(inside).float(),
        cloud.among(regions["lips"] & above),
        cloud.among(regions["lips"] & ~above),
        _LIPS_STILL_PX,
    )


def eyes_of(cloud: Gaussians, head: Head, closed: Tensor) -> list[Opening]:
    """The left and the right eye among N Gaussians.

    Args:
        cloud: An avatar's, in any pose.
        head: The head that they lie on.
        closed: [V] 0..1: whether the portrait shows lids closed, see `Lids.closed`.
    """
    rest, lids = head.v_template, head.regions["lids"]
    upper = torch.from_numpy(lid_skin(head, UPPER_LID_M)).to(lids)
    left = rest[:, 0] > 0
    skin, balls = head.regions["face"] | lids, head.regions["eyeballs"]
    eyes = []
    for side in (left, ~left):
        above, below = side & lids & upper, side & lids & ~upper
        inside = torch.zeros_like(closed)
        if above.any() and below.any():
            hung_over = skin & ~upper & (away_from(rest[below], rest) < _LASHES_M)
            inside = (side & (hung_over | balls)) * (closed[above].mean() / _CLOSED).clamp_max(1)
        inside = inside[cloud.vertices.long().clamp_min(0)] * cloud.on_rig
        eyes.append(Opening(inside, cloud.among(above), cloud.among(below), _LIDS_STILL_PX))
    return eyes
