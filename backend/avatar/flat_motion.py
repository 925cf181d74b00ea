"""How a part of a picture moves as one: turned, scaled and shifted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from shared.camera import Camera

_LEAST = 1e-4


@dataclass(frozen=True)
class FlatMotion:
    """A similarity in the plane.

    Args:
        turn: [2, 2], scaled.
        shift: [2] pixels.
    """

    turn: Tensor
    shift: Tensor

    @staticmethod
    def between(points: Tensor, onto: Tensor, weight: Tensor) -> FlatMotion:
        """The least-squares one.

        Args:
            points: [N, 2] pixels.
            onto: [N, 2] pixels.
            weight: [N] how much each counts.

        Source: Umeyama 1991, in the plane.
        """
        weight = weight[:, None]
        total = weight.sum().clamp_min(_LEAST)
        here, there = (weight * points).sum(0) / total, (weight * onto).sum(0) / total
        p, q = points - here, onto - there
        size = (weight * p.square()).sum().clamp_min(_LEAST)
        cosine = (weight * p * q).sum() / size
        sine = (weight[:, 0] * (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])).sum() / size
        turn = torch.stack([torch.stack([cosine, -sine]), torch.stack([sine, cosine])])
        return FlatMotion(turn, there - turn @ here)

    def of(self, points: Tensor) -> Tensor:
        """Points [N, 2], moved."""
        return points @ self.turn.T + self.shift

    def of_pixels(self, camera: Camera) -> Tensor:
        """[H, W, 2] the centres of a camera's pixels, moved."""
        rows = torch.arange(camera.height, device=self.turn.device)[:, None, None] + 0.5
        columns = torch.arange(camera.width, device=self.turn.device)[:, None] + 0.5
        return rows * self.turn[:, 1] + (columns * self.turn[:, 0] + self.shift)
