"""The head mesh as the graphs of Eqs. 6-9: copies of the mesh, siblings joined.

Node order is vertex-major: copy m of vertex j is node j * M + m, M = k^i. So the children of a node
are contiguous (`child // k` is the parent) and masks and residuals repeat without an index table.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class EdgeCounts:
    """Undirected edges of one layer's graph, self loops not counted.

    Args:
        topo: Mesh edges inside the copies.
        conn: Pairs of copies of one vertex.
    """

    topo: int
    conn: int


def edge_counts(vertices: int, edges: int, split: int, layer: int) -> EdgeCounts:
    """Sizes of E_topo and E_conn of a layer.

    Args:
        vertices: Mesh vertices, V0.
        edges: Undirected mesh edges, E0.
        split: k.
        layer: i, 0 for the head mesh itself.

    Source: Eqs. 7-8.
    """
    copies = split**layer
    return EdgeCounts(edges * copies, vertices * (copies * (copies - 1) // 2))


def mesh_edges(faces: Tensor) -> Tensor:
    """Undirected edges [E, 2] int64 (smaller index first, sorted, unique) of triangles [F, 3]."""
    faces = faces.long()
    pairs = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return torch.unique(pairs.sort(dim=1).values, dim=0)


def topo_edges(edges: Tensor, copies: int) -> Tensor:
    """E_topo: every mesh edge [E, 2] in every copy, undirected, as node ids [E * M, 2].

    Source: Eq. 7.
    """
    offset = torch.arange(copies, device=edges.device)
    return (edges[:, None, :] * copies + offset[None, :, None]).reshape(-1, 2)


def conn_edges(vertices: int, copies: int) -> Tensor:
    """E_conn: every pair of copies of one vertex, undirected, as node ids [V * C(M, 2), 2].

    Source: Eq. 8.
    """
    pairs = torch.combinations(torch.arange(copies), 2)  # [C(M, 2), 2]
    base = torch.arange(vertices) * copies
    return (base[:, None, None] + pairs[None]).reshape(-1, 2)


def edge_index(edges: Tensor, vertices: int, copies: int) -> Tensor:
    """E^i for message passing: both directions and a self loop per node, sorted by target.

    Args:
        edges: [E, 2] undirected mesh edges.
        vertices: Mesh vertices.
        copies: M = k^i.

    Returns:
        [2, 2 (E M + V C(M, 2)) + V M] int64, rows source and target.

    Source: Eq. 9.
    Deviates: the paper does not name self loops; they are GAT's own.
    """
    undirected = torch.cat([topo_edges(edges, copies), conn_edges(vertices, copies)])
    loops = torch.arange(vertices * copies)[:, None].expand(-1, 2)
    directed = torch.cat([undirected, undirected.flip(1), loops])
    # Sorted by target, sums run through memory in order (a tenth faster than in mesh order).
    order = torch.argsort(directed[:, 1] * (vertices * copies) + directed[:, 0])
    return directed[order].T.contiguous()


class MeshGraph(nn.Module):
    """The graphs of layers 0..L-1 of one head, as buffers that follow the module's device.

    Args:
        vertices: Mesh vertices.
        edges: [E, 2] undirected mesh edges.
        split: k.
        layers: L.
    """

    def __init__(self, vertices: int, edges: Tensor, split: int, layers: int) -> None:
        super().__init__()
        self.vertices = vertices
        self.split = split
        for layer in range(layers):
            index = edge_index(edges.long().cpu(), vertices, split**layer)
            self.register_buffer(f"edges_{layer}", index, persistent=False)
        self._batched: dict[tuple[int, int], Tensor] = {}

    def forward(self, layer: int, batch: int = 1) -> Tensor:
        """Edge index [2, batch * E] of a layer; sample b's nodes are shifted by b * N."""
        index: Tensor = getattr(self, f"edges_{layer}")
        if batch == 1:
            return index
        key = (layer, batch)
        if key not in self._batched or self._batched[key].device != index.device:
            nodes = self.vertices * self.split**layer
            shift = torch.arange(batch, device=index.device) * nodes
            self._batched[key] = (index[:, None, :] + shift[:, None]).reshape(2, -1)
        return self._batched[key]
