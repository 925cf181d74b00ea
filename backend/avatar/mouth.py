"""The mouth in an avatar's photo, and how far it has opened or closed since."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.head import Head
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians

_INSIDE = ("teeth_upper", "teeth_lower", "tongue", "mouth_interior")
_STILL_PX = 4.0  # lips that part farther uncover other places of the teeth


@dataclass(frozen=True)
class Mouth:
    """Which Gaussians are a mouth's.

    Args:
        inside: [N] bool: teeth, tongue, cheeks' insides and throat: what a portrait shows between
            lips is not what lies there when they open farther.
        upper: [N] bool: of the upper lip.
        lower: [N] bool: of the lower lip.
    """

    inside: Tensor
    upper: Tensor
    lower: Tensor

    @classmethod
    def of(cls, cloud: Gaussians, head: Head) -> Mouth:
        """A mouth among N Gaussians.

        Args:
            cloud: An avatar's, in any pose.
            head: The head that they lie on.
        """
        regions, middle = head.regions, head.v_template[head.regions["lips"], 1].mean()
        above = head.v_template[:, 1] > middle
        vertices = cloud.vertices.long().clamp_min(0)
        own = cloud.layers >= FIRST_EXPRESSION_LAYER

        def among(mask: Tensor) -> Tensor:
            return own & mask[vertices]

        return cls(
            among(torch.stack([regions[name] for name in _INSIDE]).any(0)),
            among(regions["lips"] & above),
            among(regions["lips"] & ~above),
        )

    def gap(self, places: Tensor) -> Tensor:
        """[2] pixels from the upper lip to the lower one, of all Gaussians' places [N, 2]."""
        if not self.upper.any():
            return torch.zeros(2).to(places)
        return places[self.lower].mean(0) - places[self.upper].mean(0)

    @staticmethod
    def still(before: Tensor, now: Tensor) -> Tensor:
        """0..1: whether a gap [2] is what it was."""
        return torch.exp(-(((now - before) / _STILL_PX).square().sum()))
