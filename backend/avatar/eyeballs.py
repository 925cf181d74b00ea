"""An avatar's eyeballs in its photo, and how far they look elsewhere since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.head import Head
from backend.splat import quaternions
from backend.splat.gaussians import Gaussians

_STILL_DEG = 8.0
"""An eye that turns farther shows other parts of itself between lids, whose shade and red corners
stay."""


@dataclass(frozen=True)
class Eyeballs:
    """Which Gaussians are an avatar's eyeballs.

    Args:
        balls: [N] bool of each.
        skull: [N] bool: what turns as the head does, whatever its expression.
        undone: [N, 4] the opposite of all rotations at the photo's pose, wxyz.
    """

    balls: Sequence[Tensor]
    skull: Tensor
    undone: Tensor

    @property
    def members(self) -> Tensor:
        """[N] bool: those of any."""
        return torch.stack(list(self.balls)).any(0)

    def shown(self, cloud: Gaussians) -> Tensor:
        """[N] 0..1: how far the Gaussians still show what they did in the photo, by how far each
        eyeball has turned in the head; 1 for all others.

        Args:
            cloud: The same N, in any pose.
        """
        shown = torch.ones_like(cloud.opacities)
        if not self.skull.any():
            return shown
        head = quaternions.inverse(self._turn(self.skull, cloud))
        for ball in self.balls:
            if ball.any():
                turn = quaternions.multiply(head, self._turn(ball, cloud))
                degrees = 2 * torch.rad2deg(turn[0].abs().clamp_max(1).arccos())
                shown[ball] = torch.exp(-((degrees / _STILL_DEG) ** 2))
        return shown

    def _turn(self, members: Tensor, cloud: Gaussians) -> Tensor:
        """[4] how members [N] bool have turned since the photo, on average."""
        turns = quaternions.multiply(cloud.quats[members], self.undone[members])
        alike = torch.sign((turns * turns[:1]).sum(-1, keepdim=True))  # q and -q are one
        return quaternions.normalise((alike * turns).mean(0))


def eyeballs_of(cloud: Gaussians, head: Head) -> Eyeballs:
    """The eyeballs among N Gaussians.

    Args:
        cloud: An avatar's, at its photo's pose.
        head: The head that they lie on.
    """
    balls = [cloud.among(head.regions[name]) for name in ("left_eyeball", "right_eyeball")]
    skull = cloud.among(head.regions["scalp"])
    return Eyeballs(balls, skull, quaternions.inverse(cloud.quats))
