"""The Gaussian splitting network: one Gaussian's feature becomes k children's (Eq. 5)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from backend.model.gat import ReferenceAttention
from backend.model.graph import MeshGraph


class SplittingNetwork(nn.Module):
    """N_GSN and its residual connection, for one layer.

    Args:
        width: Width of F_i.
        heads: Attention heads.
        split: Children per node, k.

    Source: Eq. 5, Sec. 3.3; heads = 4 from Sec. 4.1.
    Deviates: the paper does not say how one node's feature becomes k; here a linear layer
        [width -> k * width] after the attention, reshaped, so that children are contiguous. Every
        layer has its own weights (the paper does not say).
    """

    def __init__(self, width: int, heads: int, split: int) -> None:
        super().__init__()
        self.split = split
        self.attention = ReferenceAttention(width, heads)
        self.spread = nn.Linear(width, split * width)

    def forward(self, features: Tensor, graph: MeshGraph, layer: int) -> Tensor:
        """F_i [B, N, width] -> N_GSN(F_i, E^i) + F_i, [B, k * N, width]."""
        batch, nodes, width = features.shape
        mixed = F.elu(self.attention(features, graph, layer))
        children = self.spread(mixed).view(batch, nodes, self.split, width)
        return (children + features[:, :, None]).flatten(1, 2)  # [B, k * N, width]
