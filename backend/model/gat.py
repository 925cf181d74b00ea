"""Graph attention on the split head mesh."""

from __future__ import annotations

from torch import Tensor, nn
from torch_geometric.nn import GATConv

from backend.model.graph import MeshGraph


class ReferenceAttention(nn.Module):
    """Multi-head graph attention on the explicit edge list: the specification of every faster form.

    For node n, head h, over its neighbours s (itself included):
    out_n^h = sum_s softmax_s(LeakyReLU_0.2(a_src^h . W^h x_s + a_dst^h . W^h x_n)) W^h x_s, heads
    concatenated, plus a bias.

    Args:
        width: Features in and out.
        heads: Attention heads, each `width / heads` wide.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        # Self loops are in the edge list; adding them here would change its size at every call.
        self.conv = GATConv(width, width // heads, heads=heads, add_self_loops=False)

    def forward(self, x: Tensor, graph: MeshGraph, layer: int) -> Tensor:
        """Node features [B, N, width] -> [B, N, width]."""
        batch = x.shape[0]
        out = self.conv(x.flatten(0, 1), graph(layer, batch))  # [B * N, width]
        return out.view_as(x)
