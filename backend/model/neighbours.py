"""The graphs of Eqs. 6-9 as tables of vertices, for attention without an edge list.

Every copy of the mesh has the same neighbours and every vertex the same siblings, so logits need
one table of vertices for all copies. A few vertices of a head have many neighbours (the poles of
its eyeballs): they have a table of their own, so that the others' need no room for theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from backend.model.graph import edge_index

_FEW = 0.99
"""Share of the vertices that the first table holds."""


@dataclass(frozen=True)
class VertexTable:
    """Vertices with their neighbours, padded to one length.

    Args:
        ids: [T] int64 vertices.
        neighbours: [T, D] int64; the vertex itself where there are fewer.
        exists: [T, D] bool.
    """

    ids: Tensor
    neighbours: Tensor
    exists: Tensor


@dataclass(frozen=True)
class Bags:
    """Who hears whom in one layer, node by node and head by head; n entries.

    Entry e of node t and head h says that t hears node s.

    Args:
        rows: [n] int32 row of s and h in features [N * H, width].
        starts: [N * H] int32 first entry of every row t and h.
        weights: [n] int64 where the entry's weight lies in the tables' weights, laid flat.
        mirrored: [n] int64 entry by which s hears t.
    """

    rows: Tensor
    starts: Tensor
    weights: Tensor
    mirrored: Tensor


class NeighbourTables(nn.Module):
    """The graphs of layers 0..L-1 of one head, as buffers that follow the module's device.

    Args:
        vertices: Mesh vertices.
        edges: [E, 2] undirected mesh edges.
        split: k.
        layers: L.
        heads: Attention heads.
    """

    def __init__(self, vertices: int, edges: Tensor, split: int, layers: int, heads: int) -> None:
        super().__init__()
        self.split = split
        neighbours, exists = _padded(edges.long().cpu(), vertices)
        groups = _by_degree(exists.sum(1))
        self._tables = len(groups)
        for number, ids in enumerate(groups):
            size = int(exists[ids].sum(1).max())
            self._keep(f"ids_{number}", ids)
            self._keep(f"neighbours_{number}", neighbours[ids, :size])
            self._keep(f"exists_{number}", exists[ids, :size])
        for layer in range(layers):
            bags = _bags(edges, neighbours, self.tables(), split**layer, heads)
            for name, value in vars(bags).items():
                self._keep(f"{name}_of_{layer}", value)

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)

    def tables(self) -> list[VertexTable]:
        """The tables; together they hold every vertex once."""
        names = ("ids", "neighbours", "exists")
        return [
            VertexTable(*(getattr(self, f"{name}_{number}") for name in names))
            for number in range(self._tables)
        ]

    def bags(self, layer: int) -> Bags:
        """The sums of a layer."""
        names = ("rows", "starts", "weights", "mirrored")
        return Bags(*(getattr(self, f"{name}_of_{layer}") for name in names))


def _padded(edges: Tensor, vertices: int) -> tuple[Tensor, Tensor]:
    """Neighbours [V, D] of every vertex in ascending order, and which of them exist."""
    directed = torch.cat([edges, edges.flip(1)])
    directed = directed[torch.argsort(directed[:, 0] * vertices + directed[:, 1])]
    degree = torch.bincount(directed[:, 0], minlength=vertices)
    slot = torch.arange(len(directed)) - (degree.cumsum(0) - degree)[directed[:, 0]]
    size = int(degree.max())
    neighbours = torch.arange(vertices)[:, None].repeat(1, size)
    neighbours[directed[:, 0], slot] = directed[:, 1]
    return neighbours, torch.arange(size) < degree[:, None]


def _by_degree(degree: Tensor) -> list[Tensor]:
    limit = torch.sort(degree).values[int(_FEW * (len(degree) - 1))]
    groups = [(degree <= limit).nonzero()[:, 0], (degree > limit).nonzero()[:, 0]]
    return [ids for ids in groups if len(ids)]


def _bags(
    edges: Tensor, neighbours: Tensor, tables: list[VertexTable], copies: int, heads: int
) -> Bags:
    vertices = len(neighbours)
    nodes = vertices * copies
    source, target = edge_index(edges.long().cpu(), vertices, copies)  # [E], sorted by target
    mirrored = torch.searchsorted(target * nodes + source, source * nodes + target)
    degree = torch.bincount(target, minlength=nodes)
    # Entry of edge e and head h: the edges of target t come h times in a row.
    first = degree.cumsum(0) - degree
    head = torch.arange(heads)
    entry = (first * heads)[target, None] + head * degree[target, None]
    entry = entry + (torch.arange(len(target)) - first[target])[:, None]  # [E, H]
    weights = _weight_places(source, target, neighbours, tables, copies)  # [E]
    parts = (
        source[:, None] * heads + head,
        weights[:, None] * heads + head,
        entry[mirrored],
    )
    rows, places, mirrors = (_ordered(part, entry) for part in parts)
    starts = (first * heads)[:, None] + head * degree[:, None]  # [N, H]
    return Bags(rows.int(), starts.flatten().int(), places, mirrors)


def _ordered(values: Tensor, entry: Tensor) -> Tensor:
    out = torch.empty_like(values).flatten()
    out[entry.flatten()] = values.flatten()
    return out


def _weight_places(
    source: Tensor, target: Tensor, neighbours: Tensor, tables: list[VertexTable], copies: int
) -> Tensor:
    """Where the weight of each edge lies in the tables' weights [T, D + M, M] laid flat."""
    vertices = len(neighbours)
    begin, size = torch.empty(vertices, dtype=torch.long), torch.empty(vertices, dtype=torch.long)
    done = 0
    for table in tables:
        slots = table.neighbours.shape[1]
        step = (slots + copies) * copies
        begin[table.ids] = done + torch.arange(len(table.ids)) * step
        size[table.ids] = slots
        done += len(table.ids) * step
    j, p = target // copies, source // copies
    near = (neighbours[j] == p[:, None]).int().argmax(1)
    slot = torch.where(j == p, size[j] + source % copies, near)
    return begin[j] + slot * copies + target % copies
