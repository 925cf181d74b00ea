"""Facts of a head's triangle mesh that the network needs."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn import functional


def undirected_edges(faces: np.ndarray) -> np.ndarray:
    """[E, 2] int64 edges of triangles [F, 3], each once, smaller vertex first, in order."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]].astype(np.int64), axis=0)


def vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[V] a third of the area of every triangle around each vertex, m2."""
    corners = vertices[faces]
    sides = corners[:, 1:] - corners[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    found = np.zeros(len(vertices))
    for corner in range(3):
        np.add.at(found, faces[:, corner], areas / 3)
    return found


def mirror_partners(template: np.ndarray) -> np.ndarray:
    """[V] int64 the vertex nearest to each one's mirror image (x -> -x)."""
    _, nearest = KDTree(template).query(template * (-1.0, 1.0, 1.0))
    return np.asarray(nearest, dtype=np.int64)


def steady_neighbours(template: Tensor, faces: Tensor, edges: Tensor) -> Tensor:
    """[V] for each vertex the neighbour at the end of its longest edge within the tangent plane.

    A long edge keeps the tangent's direction steady while the skin deforms.
    """
    a, b, c = template[faces].double().unbind(1)
    facing = torch.linalg.cross(b - a, c - a)
    normal = torch.zeros_like(template, dtype=torch.float64)
    for corner in range(3):
        normal = normal.index_add(0, faces[:, corner], facing)
    normal = functional.normalize(normal, dim=-1, eps=1e-20)
    both = torch.cat([edges, edges.flip(1)])
    along = (template[both[:, 1]] - template[both[:, 0]]).double()
    flat = along - (along * normal[both[:, 0]]).sum(-1, keepdim=True) * normal[both[:, 0]]
    order = torch.argsort(flat.norm(dim=-1), stable=True)
    order = order[torch.argsort(both[order, 0], stable=True)]  # by vertex, then by length
    last = torch.cumsum(torch.bincount(both[:, 0], minlength=len(template)), 0) - 1
    return both[order[last], 1]
