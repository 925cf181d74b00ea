"""A mesh of a wanted size, where a head's size is all that matters: counting, full-size builds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FLAME_VERTICES, FLAME_EDGES = 5023, 14995
"""Of every release of FLAME."""


@dataclass(frozen=True)
class MadeHead:
    """A `HeadMesh` without sites; its vertices all lie at the origin.

    Args:
        v_template: [V, 3] zeros.
        faces: [F, 3].
        site_faces: [V, 0].
        site_bary: [V, 0, 3].
        site_spacing: [V] zeros.
        hash: `made`.
    """

    v_template: Tensor
    faces: Tensor
    site_faces: Tensor
    site_bary: Tensor
    site_spacing: Tensor
    hash: str = "made"


def made_head(vertices: int = FLAME_VERTICES, edges: int = FLAME_EDGES) -> MadeHead:
    """A strip of triangles, with further ones that add an edge each.

    Args:
        vertices: V, at least 5.
        edges: Undirected edges, from 2 V - 3 (the strip) to 3 V - 7.

    Raises:
        ValueError: No such mesh can be made.
    """
    extra = edges - (2 * vertices - 3)
    if not 0 <= extra <= vertices - 4:
        raise ValueError(
            f"{edges} edges for {vertices} vertices; expected {2 * vertices - 3} to "
            f"{3 * vertices - 7}"
        )
    strip = torch.arange(vertices - 2)[:, None] + torch.tensor([0, 1, 2])
    wide = torch.arange(extra)[:, None] + torch.tensor([0, 2, 4])  # adds the edge 0-4
    return MadeHead(
        v_template=torch.zeros(vertices, 3),
        faces=torch.cat([strip, wide]),
        site_faces=torch.zeros(vertices, 0, dtype=torch.long),
        site_bary=torch.zeros(vertices, 0, 3),
        site_spacing=torch.zeros(vertices),
    )
