"""Heads whose vertices carry Gaussians of chosen colours."""

from __future__ import annotations

import torch

from backend.head import Head
from backend.splat.gaussians import Gaussians
from shared.flame import Track

SKIN = torch.tensor([0.8, 0.6, 0.5])
SHADE = torch.tensor([0.2, 0.1, 0.1])


def vertices(head: Head, **units: float) -> torch.Tensor:
    """[V, 3] of an expression."""
    return head.vertices_of(head.translated(Track.from_arkit(units)))[0]


def shaded(dark: torch.Tensor) -> torch.Tensor:
    """[V, 3] skin, and shade where `dark` [V]."""
    return torch.where(dark[:, None], SHADE, SKIN.expand(len(dark), 3))


def on(places: torch.Tensor, colours: torch.Tensor) -> Gaussians:
    """One Gaussian on each vertex."""
    return on_vertices(places, colours, torch.arange(len(places), dtype=torch.int32))


def on_vertices(means: torch.Tensor, colours: torch.Tensor, of: torch.Tensor) -> Gaussians:
    """Opaque Gaussians of a millimetre, each on the vertex `of` [N]."""
    count = len(means)
    return Gaussians(
        means,
        torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
        torch.full((count, 3), 0.001),
        torch.ones(count),
        colours,
        vertices=of,
    )
