"""The cloud of Gaussians that every stage hands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import cast

import torch
from torch import Tensor

IDENTITY_FRONT = 0
IDENTITY_BACK = 1
FIRST_EXPRESSION_LAYER = 2
"""`layers` value of G_0; G_i has FIRST_EXPRESSION_LAYER + i."""


_UNSET = cast(Tensor, None)  # __post_init__ puts the default there


@dataclass
class Gaussians:
    """N Gaussians in head space (metres, +Y up, +Z out of the face).

    Args:
        means: [N, 3] centres, metres.
        quats: [N, 4] rotations, wxyz, normalised.
        scales: [N, 3] standard deviations along the rotated axes, metres, linear.
        opacities: [N] 0..1; exactly 0 means masked out.
        features: [N, C]; channels 0-2 are display-referred sRGB 0..1.
        layers: [N] uint8: 0 identity front, 1 identity back, 2 + i for G_i. Default 0.
        vertices: [N] int32 vertex of the rig each belongs to, -1 for identity. Default -1.
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    features: Tensor
    layers: Tensor = _UNSET
    vertices: Tensor = _UNSET

    def __post_init__(self) -> None:
        count = self.means.shape[0] if self.means.ndim else 0
        device = self.means.device
        if self.layers is None:
            self.layers = torch.zeros(count, dtype=torch.uint8, device=device)
        if self.vertices is None:
            self.vertices = torch.full((count,), -1, dtype=torch.int32, device=device)
        expected = {
            "means": (count, 3),
            "quats": (count, 4),
            "scales": (count, 3),
            "opacities": (count,),
            "features": (count, self.features.shape[-1] if self.features.ndim == 2 else "C"),
            "layers": (count,),
            "vertices": (count,),
        }
        for name, shape in expected.items():
            got = tuple(getattr(self, name).shape)
            if got != shape:
                wanted = "[" + ", ".join(str(size) for size in shape) + "]"
                raise ValueError(f"{name} has shape {list(got)}; expected {wanted}")

    def __len__(self) -> int:
        return self.means.shape[0]

    @property
    def channels(self) -> int:
        """Number of features per Gaussian."""
        return self.features.shape[1]

    @property
    def on_rig(self) -> Tensor:
        """[N] bool: those of G_0..G_L, which lie on the rig's head."""
        return self.layers >= FIRST_EXPRESSION_LAYER

    def among(self, vertices: Tensor) -> Tensor:
        """[N] bool: those on the rig that belong to vertices [V] bool."""
        return self.on_rig & vertices[self.vertices.long().clamp_min(0)]

    def select(self, index: Tensor | slice) -> Gaussians:
        """The Gaussians that a boolean mask [N], indices or a slice pick, in that order."""
        return Gaussians(*(getattr(self, field.name)[index] for field in fields(self)))

    def kept(self) -> Gaussians:
        """Without those that are masked out (opacity exactly 0)."""
        return self.select(self.opacities.nonzero().squeeze(1))

    def to(self, device: torch.device | str) -> Gaussians:
        """The same cloud on another device."""
        return Gaussians(*(getattr(self, field.name).to(device) for field in fields(self)))

    @staticmethod
    def cat(clouds: Sequence[Gaussians]) -> Gaussians:
        """One cloud of several, in order."""
        if not clouds:
            raise ValueError("no clouds to join; expected at least one")
        return Gaussians(
            *(
                torch.cat([getattr(cloud, field.name) for cloud in clouds])
                for field in fields(Gaussians)
            )
        )
