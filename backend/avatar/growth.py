"""Skin that stretches takes its splats along: they grow, so that nothing shows between them."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from backend.head import Head
from backend.splat.gaussians import Gaussians
from shared.binding import GROWS_FROM, GROWS_TO


class Growth:
    """The skin of one avatar as its portrait's expression has it.

    Args:
        vertices: [V, 3] the mesh at that expression, metres.
        head: The head it is of.

    Deviates: in the paper the network sets the size of splats anew in every frame.
    """

    def __init__(self, vertices: Tensor, head: Head) -> None:
        skin = head.regions["skin"] & ~head.regions["lids"]  # which have room for closed eyes
        skin = skin | head.regions["tongue"]  # which is half as long again when it is out
        self._skin = skin
        self._faces = head.faces
        self._corners = head.faces[skin[head.faces].all(1)]
        self._area = self._around(vertices)

    def grown(self, cloud: Gaussians, vertices: Tensor) -> Gaussians:
        """The same Gaussians, larger where the skin is.

        Args:
            cloud: Expression Gaussians of any expression, head space.
            vertices: [V, 3] the mesh at that expression.
        """
        times = (self._around(vertices) / self._area.clamp_min(1e-12)).sqrt() / GROWS_FROM
        times = torch.where(self._skin, times.clamp(1, GROWS_TO), torch.ones_like(times))
        return dataclasses.replace(cloud, scales=cloud.scales * times[cloud.vertices.long(), None])

    def binding(self) -> dict[str, Tensor]:
        """Its part of `shared.binding`."""
        counts = torch.bincount(self._faces.flatten(), minlength=len(self._skin))
        mean = self._area / 2 / counts.clamp_min(1)
        skin = self._skin[self._faces].all(1)
        return {"skin_areas": mean * self._skin, "skin_faces": skin.float()}

    def _around(self, vertices: Tensor) -> Tensor:
        """[V] twice the area of the skin's triangles around each vertex, square metres."""
        areas = doubled_areas(vertices, self._corners).repeat_interleave(3)
        return torch.zeros(len(vertices)).to(vertices).index_add_(0, self._corners.flatten(), areas)


def doubled_areas(vertices: Tensor, corners: Tensor) -> Tensor:
    """[T] twice the area of triangles [T, 3] of the vertices [V, 3]."""
    a, b, c = vertices[corners].unbind(1)
    return torch.linalg.cross(b - a, c - a).norm(dim=1)
