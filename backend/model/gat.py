"""Graph attention on the split head mesh: two forms of one function, and none of it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.model.graph import MeshGraph
from backend.model.neighbours import Bags, NeighbourTables, VertexTable

_NEGATIVE_SLOPE = 0.2


class ReferenceAttention(nn.Module):
    """Multi-head graph attention on the explicit edge list: the specification of every faster form.

    For node n, head h, over its neighbours s (itself included):
    out_n^h = sum_s softmax_s(LeakyReLU_0.2(a_src^h . W^h x_s + a_dst^h . W^h x_n)) W^h x_s, heads
    concatenated, plus a bias.

    Args:
        width: Features of a node.
        heads: Attention heads.
        size: Width of one head.
    """

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        from torch_geometric.nn import GATConv  # slow to import and needed by this form only

        # Self loops are in the edge list; adding them here would change its size at every call.
        self.conv = GATConv(width, size, heads=heads, add_self_loops=False)

    def forward(self, x: Tensor, graph: MeshGraph, layer: int) -> Tensor:
        """Node features [B, N, width] -> [B, N, heads * size]."""
        batch = x.shape[0]
        out = self.conv(x.flatten(0, 1), graph(layer, batch))  # [B * N, heads * size]
        return out.unflatten(0, (batch, -1))


class StructuredAttention(nn.Module):
    """The same function, weights and names as `ReferenceAttention`, without an edge list.

    Logits come from a table of vertices that all copies share, joined with a node's siblings; one
    softmax over both; the weighted sums are `embedding_bag`s, forward and backward.

    Args:
        width: Features of a node.
        heads: Attention heads.
        size: Width of one head.
    """

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        self.conv = _Weights(width, heads, size)

    def forward(self, x: Tensor, graph: NeighbourTables, layer: int) -> Tensor:
        """Node features [B, N, width] -> [B, N, heads * size]."""
        batch, nodes = x.shape[:2]
        conv = self.conv
        copies = graph.split**layer
        rows = conv.lin(x).view(batch, nodes, conv.heads, -1)  # [B, N, H, size]
        by_vertex = (batch, nodes // copies, copies, conv.heads)
        source = (rows * conv.att_src).sum(-1).view(by_vertex)
        target = (rows * conv.att_dst).sum(-1).view(by_vertex)
        weights = [_weights(table, source, target) for table in graph.tables()]
        flat = torch.cat([weight.flatten(1) for weight in weights], dim=1)
        bags = graph.bags(layer)
        # Under autocast the sums run in float32, as the reference's do.
        mixed = _sum(rows.flatten(1, 2).to(flat.dtype), flat.index_select(1, bags.weights), bags)
        return mixed.view(batch, nodes, -1) + conv.bias


class VertexMlp(nn.Module):
    """No graph: every node by itself, with the widths of the attention.

    Args:
        width: Features in.
        outputs: Features out.

    Source: Table 3, "w/o GNN".
    Deviates: the paper does not give the MLP's layers: here W x + b in place of the attention, so
        that with the ELU and the linear layer after it a Gaussian passes an MLP of the same widths.
    """

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.lin = nn.Linear(width, outputs)

    def forward(self, x: Tensor, graph: None, layer: int) -> Tensor:
        """Node features [B, N, width] -> [B, N, outputs]."""
        del graph, layer
        return self.lin(x)


class _Weights(nn.Module):
    """Names, shapes and random start of torch-geometric's GATConv: checkpoints fit either form."""

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        self.heads = heads
        shape = (1, heads, size)
        self.lin = _Glorot(width, heads * size)
        self.att_src = nn.Parameter(_glorot(torch.empty(shape)))
        self.att_dst = nn.Parameter(_glorot(torch.empty(shape)))
        self.bias = nn.Parameter(torch.zeros(heads * size))


class _Glorot(nn.Module):
    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        weight = torch.empty(outputs, width)
        _glorot(weight)  # GATConv draws this one twice; so one seed gives both forms one start
        self.weight = nn.Parameter(_glorot(weight))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


def _glorot(value: Tensor) -> Tensor:
    bound = math.sqrt(6.0 / (value.shape[-2] + value.shape[-1]))
    return value.uniform_(-bound, bound)


def _weights(table: VertexTable, source: Tensor, target: Tensor) -> Tensor:
    """Attention of the vertices of a table: [B, T, D + M, M, H], summing to 1 over D + M.

    Args:
        table: T vertices.
        source: [B, V, M, H] a_src . W x.
        target: [B, V, M, H] a_dst . W x.
    """
    mine = target.index_select(1, table.ids)[:, :, None]  # [B, T, 1, M, H]
    near = source.index_select(1, table.neighbours.flatten())
    near = near.unflatten(1, table.neighbours.shape) + mine  # [B, T, D, M, H]
    near = near.masked_fill(~table.exists[..., None, None], float("-inf"))
    siblings = source.index_select(1, table.ids)[:, :, :, None] + mine  # [B, T, M, M, H]
    logits = F.leaky_relu(torch.cat([near, siblings], dim=2), _NEGATIVE_SLOPE)
    return logits.softmax(dim=2)


def _sum(rows: Tensor, weights: Tensor, bags: Bags) -> Tensor:
    """Weighted sums of rows [B, R, c] with weights [B, n] -> [B, R, c].

    The gradient of the weights is `embedding_bag`'s own. Its gradient of the rows would sort the
    entries at every call; since hearing is mutual, that gradient is the same sum again, with every
    entry's weight replaced by its mirrored entry's.
    """
    mixed = torch.stack([_bag(bags, r, w) for r, w in zip(rows.detach(), weights, strict=True)])
    return _RowGradient.apply(mixed, rows, weights, bags)


def _bag(bags: Bags, rows: Tensor, weights: Tensor) -> Tensor:
    return F.embedding_bag(bags.rows, rows, bags.starts, mode="sum", per_sample_weights=weights)


class _RowGradient(torch.autograd.Function):
    """Passes the sums on and gives the rows their gradient."""

    @staticmethod
    def forward(ctx: Any, mixed: Tensor, rows: Tensor, weights: Tensor, bags: Bags) -> Tensor:
        del rows
        ctx.save_for_backward(weights)
        ctx.bags = bags
        return mixed.view_as(mixed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        (weights,) = ctx.saved_tensors
        mirrored = weights.index_select(1, ctx.bags.mirrored)
        rows = [_bag(ctx.bags, g, w) for g, w in zip(gradient, mirrored, strict=True)]
        return gradient, torch.stack(rows), None, None
